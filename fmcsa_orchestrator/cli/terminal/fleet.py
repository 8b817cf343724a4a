"""The status in the terminal: the fleet's counts and its companies, or one company in full."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmcsa_orchestrator.cli.terminal.company import outcome_text, plain_table, show_company_status, state_text
from fmcsa_orchestrator.report.freshness import STATE_WORDS, SourceView
from fmcsa_orchestrator.report.overview import Overview
from fmcsa_orchestrator.report.wording import age, day, duration, tally
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, State

_NAME_LENGTH = 40


def show_overview(console: Console, overview: Overview) -> None:
    """The fleet, then its companies; or the one company that was asked for."""
    if overview.fleet is None:
        for company in overview.companies:
            show_company_status(console, company, overview.at)
        return
    _show_fleet(console, overview.fleet, overview)
    if not overview.companies:
        console.print("no company with a dotNumber")
        return
    console.print()
    console.print(_company_table(overview))
    if overview.fleet.total > len(overview.companies):
        left_out = f"{len(overview.companies):,} of {overview.fleet.total:,} shown; --limit shows more"
        console.print(Text(left_out, style="dim"))


def _show_fleet(console: Console, fleet: FleetCounts, overview: Overview) -> None:
    oldest = f"; the oldest attempt is {age(fleet.oldest, overview.at)}: {fleet.oldest_company}" if fleet.oldest else ""
    console.print(Text(f"{fleet.total:,} companies{oldest}", style="bold"))
    table = plain_table("", *STATE_WORDS.values(), "oldest success", "data as of", numbers=len(STATE_WORDS))
    table.add_row("companies", *_state_cells(fleet.states.by_state()))
    for source in fleet.sources:
        cells = _state_cells(source.states.by_state())
        table.add_row(source.name, *cells, age(source.oldest_success, overview.at), day(source.data_as_of))
    console.print(table)
    for source in fleet.sources:
        console.print(Text(f"  {source.name}: last outcomes {tally(source.outcomes)}", style="dim"))
    proof = fleet.proof
    words = f"{proof.agree:,} agree, {proof.disagree:,} disagree, {proof.unknown:,} cannot be compared"
    console.print(Text(f"  stored rows against FMCSA's results: {words}", style="yellow" if proof.disagree else "dim"))
    console.print(Text(f"  stale: last success over {overview.stale_after_h:g} hours ago", style="dim"))


def _company_table(overview: Overview) -> Table:
    names = [source.name for source in overview.companies[0].sources]
    table = plain_table("company", "USDOT", "state", "last run", *names, rigid=True)
    for company in overview.companies:
        cells = [_source_cell(source, overview) for source in company.sources]
        last_run = age(company.last_run, overview.at)
        name = Text(company.name[:_NAME_LENGTH], no_wrap=True, overflow="ellipsis")
        table.add_row(name, Text(company.usdot), state_text(company.state, company.state.value), last_run, *cells)
    return table


def _state_cells(counts: dict[State, int]) -> list[Text]:
    return [state_text(state, f"{count:,}") if count else Text("0", style="dim") for state, count in counts.items()]


def _source_cell(source: SourceView, overview: Overview) -> Text:
    """The outcome and the rows; and below, how old what is held is, where the last attempt was no success."""
    held = ""
    if source.outcome is not None and source.last_success != source.last_attempt:
        success = source.last_success
        held = "\nnothing held" if success is None else f"\nheld {duration((overview.at - success).total_seconds())}"
    return Text.assemble(outcome_text(source), "" if source.rows is None else f" {source.rows:,}", held)
