"""One company in full in the terminal, and the words and tables that the fleet's view shares with it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fmcsa_orchestrator.cli.terminal.outcomes import STYLES
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.report.carrier import Section, absences
from fmcsa_orchestrator.report.concerns import Concern, Weight, briefly
from fmcsa_orchestrator.report.freshness import STATE_WORDS, SourceView
from fmcsa_orchestrator.report.history import HistoryView, spark
from fmcsa_orchestrator.report.overview import CompanyView
from fmcsa_orchestrator.report.safety import BasicView, OosView, ProofView, SafetyView
from fmcsa_orchestrator.report.wording import ESTIMATES, age, day, hundredths, minute, number, our_estimate, percent, tally
from fmcsa_orchestrator.storage.fleet_status import State

_THRESHOLDS = (
    "At or above the threshold FMCSA intervenes. It is QCMobile's word on the carrier, or that of passenger carriers, or the "
    "general one; who hauls hazardous materials is not known here, and has a lower one (60 for 65, 75 for 80)."
)
_NARROW = 100  # columns below which names are brief
_LEAST_RUNS, _FIGURES_WIDTH = 6, 32  # of the history: runs in a line; what stands before it, less the BASIC
_LABEL_WIDTH = 24  # columns, of facts
_WEIGHT_STYLES = {Weight.BAD: "red", Weight.WARNING: "yellow", Weight.NOTE: "dim"}
_STATE_STYLES = {State.FRESH: "green", State.STALE: "yellow", State.FAILING: "red", State.NEVER: "dim"}


def show_company_status(console: Console, company: CompanyView, at: datetime) -> None:
    """What calls for attention, errors; who it is and what it may do; BASICs, violations, inspections, history; sources."""
    safety = company.safety
    kind = "" if safety.passenger is None else ", passenger carrier" if safety.passenger else ", no passenger carrier"
    console.print(Text.assemble((company.name, "bold"), f" (USDOT {company.usdot}{kind}): ", state_text(company.state)))
    last_run = "never" if company.last_run is None else f"{minute(company.last_run)} UTC, {age(company.last_run, at)}"
    console.print(Text(f"_id {company.id}; last run: {last_run}", style="dim"))
    for error in company.errors:
        console.print(Text.assemble((f"  {error.kind}", "red"), f" {error.source}: {error.error}"))
    if company.concerns:
        console.print(Text.assemble("to look at: ", concerns_text(company.concerns)))
    console.print()
    for section in company.carrier:
        if section.absent is None:
            _show_section(console, section)
    for words in absences(company.carrier):
        console.print(Text(words, style="dim"))
    console.print()
    _show_safety(console, safety)
    if company.history is not None:
        _show_history(console, company.history)
    _show_sources(console, company, at)


def concerns_text(concerns: Iterable[Concern], between: str = "; ") -> Text:
    """Each in its colour."""
    return Text(between).join(Text(concern.text, style=_WEIGHT_STYLES[concern.weight]) for concern in concerns)


def _show_section(console: Console, section: Section) -> None:
    """Its title, with its facts below."""
    as_of = f", as of {day(section.as_of)}" if section.as_of else ""
    console.print(Text.assemble((section.title, "bold"), (as_of, "dim"), (f"; {section.held}" if section.held else "", "red")))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=_LABEL_WIDTH, overflow="fold")
    table.add_column(overflow="fold", ratio=1)
    for fact in section.facts:
        table.add_row(Text(fact.label), Text(fact.text, style="bold red" if fact.concern else ""))
    console.print(Padding(table, (0, 0, 0, 2)))


def _show_history(console: Console, history: HistoryView) -> None:
    """A line of blocks per BASIC, one for each SMS run."""
    if not history.basics:
        console.print(Text("History: no SMS run is kept yet", style="dim"))
        return
    console.print(Text(f"history, {len(history.runs)} SMS runs, from {day(history.runs[0])} to {day(history.runs[-1])}"))
    labels = [_label(console, basic.basic) for basic in history.basics]
    room = max(_LEAST_RUNS, console.width - max(map(len, labels)) - _FIGURES_WIDTH)
    table = plain_table("BASIC", "figure", "first", "last", f"the last {room}" if room < len(history.runs) else "")
    for label, basic in zip(labels, history.basics, strict=True):
        ends = hundredths(basic.first), hundredths(basic.last)
        table.add_row(label, Text(basic.what, style="dim"), *ends, Text(spark(basic.values[-room:], basic.top)))
    console.print(table)
    console.print()


def _show_safety(console: Console, safety: SafetyView) -> None:
    console.print(_basic_table(console, safety.basics))
    for basic in safety.basics:
        if basic.acute_critical:
            console.print(Text(f"{basic.label}: serious violation found in an investigation", style="yellow"))
    if safety.proof is not None:
        console.print(_proof_text(safety.proof))
    console.print(Text(_THRESHOLDS, style="dim"))
    if any(basic.estimate is not None for basic in safety.basics):
        console.print(Text(ESTIMATES, style="dim"))
    console.print()
    if safety.violations is not None:
        found = safety.violations
        names = tally(safety.unplaced_by_name)
        unplaced = f", {safety.unplaced:,} of a BASIC not known here ({names})" if safety.unplaced else ""
        console.print(Text(f"{found.total:,} violations, {found.marked:,} out of service{unplaced}; latest {day(found.latest)}"))
    if safety.inspections is not None:
        seen = safety.inspections
        console.print(Text(f"{seen.total:,} inspections, {seen.marked:,} with violations; latest {day(seen.latest)}"))
        console.print()
        console.print(_oos_table(safety.oos))
    console.print()


def _basic_table(console: Console, basics: Iterable[BasicView]) -> Table:
    table = plain_table("BASIC", "percentile", "threshold", "measure", "recomputed", "violations", "OOS")
    for basic in basics:
        percentile = Text(basic.reason or number(basic.percentile), style="dim" if basic.reason else "")
        if basic.estimate is not None:
            percentile.append(f"; {our_estimate(basic.estimate.percentile, basic.estimate.within)}", style="not dim")
        if basic.exceeds:
            percentile = Text(f"{number(basic.percentile)} AT OR ABOVE", style="bold red")
        threshold = f"{number(basic.threshold)} {basic.threshold_by}"
        counts = number(basic.violations), number(basic.out_of_service)
        table.add_row(_label(console, basic.basic), percentile, threshold, number(basic.measure), _recomputed(basic), *counts)
    return table


def _recomputed(basic: BasicView) -> Text:
    """The measure of the stored rows; where it does not agree, or there is none, why."""
    if basic.agrees is not False:
        return Text(hundredths(basic.recomputed, basic.doubt or "-"), style="dim" if basic.recomputed is None else "")
    return Text(f"{hundredths(basic.recomputed, '')} {basic.doubt or ''}".strip(), style="yellow")


def _proof_text(proof: ProofView) -> Text:
    """Whether the stored rows come to FMCSA's results."""
    if proof.agrees is None:
        return Text(f"stored rows cannot be compared with FMCSA's results: {proof.doubt}", style="dim")
    if proof.agrees:
        return Text("stored rows agree with FMCSA's results", style="dim")
    missing = f" ({tally(proof.missing)})" if proof.missing else ""
    again = "still so after they were read again" if proof.confirmed else "the next sync reads them again"
    return Text(f"stored rows disagree with FMCSA's results: {proof.doubt}{missing}; {again}", style="yellow")


def _oos_table(kinds: Iterable[OosView]) -> Table:
    table = plain_table("out of service", "inspections", "OOS", "rate", "national average", "")
    for kind in kinds:
        verdict = Text("above average", style="yellow") if kind.above else Text("" if kind.above is None else "not above")
        rates = percent(kind.rate), percent(kind.national_average)
        table.add_row(kind.kind, number(kind.inspections), number(kind.out_of_service), *rates, verdict)
    return table


def _show_sources(console: Console, company: CompanyView, at: datetime) -> None:
    """A line per source; below, what those say of which nothing stands above."""
    table = plain_table("source", "state", "outcome", "success", "change", "data as of", rigid=True)
    for source in company.sources:
        times = [age(time, at).removesuffix(" ago") for time in (source.last_success, source.last_changed)]
        state = state_text(source.state, source.state.value)
        table.add_row(source.name, state, outcome_text(source), *times, day(source.data_as_of))
    console.print(table)
    console.print(Text("success, change: how long ago", style="dim"))
    told = {section.source for section in company.carrier} | {error.source for error in company.errors}
    for source in company.sources:
        if source.message and source.name not in told:
            console.print(Text(f"{source.name}: {source.message}", style="dim"))


def plain_table(*columns: str, numbers: int = 0, rigid: bool = False) -> Table:
    """A table without lines; after its first column so many of numbers. If `rigid`, only the first column gives way."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if 0 < place <= numbers else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=rigid and place > 0)
    return table


def is_narrow(console: Console) -> bool:
    """Whether there is little room."""
    return console.width < _NARROW


def _label(console: Console, basic: Basic) -> str:
    return briefly(basic) if is_narrow(console) else basic.label


def state_text(state: State, text: str | None = None) -> Text:
    """A state's word, or another text, in its colour."""
    return Text(STATE_WORDS[state] if text is None else text, style=_STATE_STYLES[state])


def outcome_text(source: SourceView) -> Text:
    """An outcome in its colour."""
    return Text(source.outcome or "-", style=STYLES.get(source.outcome or "", ""))
