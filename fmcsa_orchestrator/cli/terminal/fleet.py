"""The status in the terminal: the fleet's counts and its companies, or one company in full."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmcsa_orchestrator.cli.terminal.company import concerns_text, is_narrow, plain_table, show_company_status, state_text
from fmcsa_orchestrator.model.results import Outcome
from fmcsa_orchestrator.report.freshness import STATE_WORDS
from fmcsa_orchestrator.report.overview import CompanyView, Overview
from fmcsa_orchestrator.report.wording import age, day, tally
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, State

_NARROW_NAME, _NAME = 20, 28  # columns
_LEGEND = "in brackets: threshold of the percentile, national average of the OOS rate"
_USUAL = (Outcome.CHANGED, Outcome.UNCHANGED)  # outcomes of which there is nothing to tell


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
    console.print(_company_table(overview.companies, overview.at, brief=is_narrow(console)))
    console.print(Text(_LEGEND, style="dim"))
    if overview.fleet.total > len(overview.companies):
        left_out = f"{len(overview.companies):,} of {overview.fleet.total:,} shown; --limit shows more"
        console.print(Text(left_out, style="dim"))


def _show_fleet(console: Console, fleet: FleetCounts, overview: Overview) -> None:
    oldest = f"; the oldest attempt is {age(fleet.oldest, overview.at)}: {fleet.oldest_company}" if fleet.oldest else ""
    console.print(Text(f"{fleet.total:,} companies{oldest}", style="bold"))
    table = plain_table("", *(state.value for state in STATE_WORDS), "oldest success", "data as of", numbers=len(STATE_WORDS))
    table.add_row("companies", *_state_cells(fleet.states.by_state()))
    for source in fleet.sources:
        cells = _state_cells(source.states.by_state())
        table.add_row(source.name, *cells, age(source.oldest_success, overview.at), day(source.data_as_of))
    console.print(table)
    for source in fleet.sources:
        others = {outcome: count for outcome, count in source.outcomes.items() if outcome not in _USUAL}
        if others:
            console.print(Text(f"  {source.name}: {tally(others)}", style="dim"))
    proof = fleet.proof
    words = f"{proof.agree:,} agree, {proof.disagree:,} disagree, {proof.unknown:,} cannot be compared"
    console.print(Text(f"  stored rows against FMCSA's results: {words}", style="yellow" if proof.disagree else "dim"))
    console.print(Text(f"  stale: last success over {overview.stale_after_h:g} hours ago; never: not synced yet", style="dim"))


def _company_table(companies: Iterable[CompanyView], at: datetime, *, brief: bool) -> Table:
    """Who and how fresh, in columns that keep their width; the rest of the screen for what somebody should look at."""
    table = plain_table("company", "USDOT", "state", "last run", "to look at")
    for column in table.columns[:-1]:
        column.no_wrap, column.overflow = True, "ellipsis"
    table.columns[0].max_width = _NARROW_NAME if brief else _NAME
    for company in companies:
        state = state_text(company.state, company.state.value)
        concerns = concerns_text(company.concerns, "\n" if brief else "; ")
        table.add_row(Text(company.name), Text(company.usdot), state, age(company.last_run, at).removesuffix(" ago"), concerns)
    return table


def _state_cells(counts: dict[State, int]) -> list[Text]:
    return [state_text(state, f"{count:,}") if count else Text("0", style="dim") for state, count in counts.items()]
