"""One company in full in the terminal, and the words and tables that the fleet's view shares with it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmcsa_orchestrator.cli.terminal.outcomes import STYLES
from fmcsa_orchestrator.report.freshness import STATE_WORDS, SourceView
from fmcsa_orchestrator.report.overview import CompanyView
from fmcsa_orchestrator.report.safety import BasicView, OosView, ProofView, SafetyView
from fmcsa_orchestrator.report.wording import ESTIMATES, age, day, hundredths, minute, number, our_estimate, percent, tally
from fmcsa_orchestrator.storage.fleet_status import State

_THRESHOLDS = (
    "At or above the threshold FMCSA intervenes. It is QCMobile's word on the carrier, or that of passenger carriers, or the "
    "general one; who hauls hazardous materials is not known here, and has a lower one (60 for 65, 75 for 80)."
)
_STATE_STYLES = {State.FRESH: "green", State.STALE: "yellow", State.FAILING: "red", State.NEVER: "dim"}


def show_company_status(console: Console, company: CompanyView, at: datetime) -> None:
    """Freshness and errors, BASICs, violations, inspections, sources."""
    safety = company.safety
    kind = "" if safety.passenger is None else ", passenger carrier" if safety.passenger else ", no passenger carrier"
    console.print(Text.assemble((company.name, "bold"), f" (USDOT {company.usdot}{kind}): ", state_text(company.state)))
    last_run = "never" if company.last_run is None else f"{minute(company.last_run)} UTC, {age(company.last_run, at)}"
    console.print(Text(f"_id {company.id}; last run: {last_run}", style="dim"))
    for error in company.errors:
        console.print(Text.assemble((f"  {error.kind}", "red"), f" {error.source}: {error.error}"))
    console.print()
    _show_safety(console, safety)
    console.print(_source_table(company.sources, at))


def _show_safety(console: Console, safety: SafetyView) -> None:
    console.print(_basic_table(safety.basics))
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


def _basic_table(basics: Iterable[BasicView]) -> Table:
    table = plain_table("BASIC", "percentile", "threshold", "measure", "recomputed", "violations", "OOS")
    for basic in basics:
        percentile = Text(basic.reason or number(basic.percentile), style="dim" if basic.reason else "")
        if basic.estimate is not None:
            percentile.append(f"; {our_estimate(basic.estimate.percentile, basic.estimate.within)}", style="not dim")
        if basic.exceeds:
            percentile = Text(f"{number(basic.percentile)} AT OR ABOVE", style="bold red")
        threshold = f"{number(basic.threshold)} {basic.threshold_by}"
        counts = number(basic.violations), number(basic.out_of_service)
        table.add_row(basic.label, percentile, threshold, number(basic.measure), _recomputed(basic), *counts)
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


def _source_table(sources: Sequence[SourceView], at: datetime) -> Table:
    """Facts down, sources across: so three sources fit 80 columns."""
    table = plain_table("", *(source.name for source in sources))
    table.add_row("state", *(state_text(source.state) for source in sources))
    table.add_row("outcome", *(outcome_text(source) for source in sources))
    table.add_row("last attempt", *(age(source.last_attempt, at) for source in sources))
    table.add_row("last success", *(age(source.last_success, at) for source in sources))
    table.add_row("last change", *(age(source.last_changed, at) for source in sources))
    table.add_row("data as of", *(day(source.data_as_of) for source in sources))
    table.add_row("message", *(Text(source.message or "-") for source in sources))
    return table


def plain_table(*columns: str, numbers: int = 0, rigid: bool = False) -> Table:
    """A table without lines; after its first column so many of numbers. If `rigid`, only the first column gives way."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if 0 < place <= numbers else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=rigid and place > 0)
    return table


def state_text(state: State, text: str | None = None) -> Text:
    """A state's word, or another text, in its colour."""
    return Text(STATE_WORDS[state] if text is None else text, style=_STATE_STYLES[state])


def outcome_text(source: SourceView) -> Text:
    """An outcome in its colour."""
    return Text(source.outcome or "-", style=STYLES.get(source.outcome or "", ""))
