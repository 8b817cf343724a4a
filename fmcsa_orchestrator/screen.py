"""What a person sees in the terminal: the progress of a run, its summary, the companies' status."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from fmcsa_orchestrator.events import CompanySynced, Event, RunFinished, RunStarted, WindowFetched
from fmcsa_orchestrator.models import Finding, dig
from fmcsa_orchestrator.plan import Plan
from fmcsa_orchestrator.results import CompanySyncResult, SyncSummary
from fmcsa_orchestrator.status import STATUS

_STYLES = {
    "changed": "green",
    "unchanged": "dim",
    "not_found": "yellow",
    "not_published": "yellow",
    "failed": "red",
    "timed_out": "red",
    "unavailable": "red",
}
_ERRORS_SHOWN = 10
_PLAIN_EVERY = 100  # companies between two lines in a log


class RunView:
    """Shows a run as it goes: a bar on a terminal, now and then a line in a log. Its `on_event` takes the events."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._due = 0
        self._done = 0
        self._failed = 0

    def on_event(self, event: Event) -> None:
        """Draw what the event tells."""
        match event:
            case RunStarted(due):
                self._start(due)
            case WindowFetched(_, requests):
                self._show(requests)
            case CompanySynced(result, requests):
                self._done += 1
                self._failed += not result.success
                self._show(requests)
            case RunFinished():
                self.stop()

    def stop(self) -> None:
        """Take the bar down; may be called twice."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _start(self, due: int) -> None:
        self._due = due
        if not self._console.is_terminal:
            self._console.print(f"{due} companies are due")
            return
        columns = (TextColumn("[bold]Syncing"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self._console)
        self._task = self._progress.add_task("", total=due)
        self._progress.start()

    def _show(self, requests: int) -> None:
        failed = f", {self._failed} failed" if self._failed else ""
        if self._progress is not None:
            self._progress.update(self._task, completed=self._done, description=f"{requests} requests{failed}")
        elif self._done and self._done % _PLAIN_EVERY == 0:
            self._console.print(f"{self._done} of {self._due} companies, {requests} requests{failed}")


def show_summary(console: Console, summary: SyncSummary) -> None:
    """The run in a few lines, and the first errors."""
    seconds = (summary.finished_at - summary.started_at).total_seconds()
    verdict = "[green]all good[/]" if summary.success else "[red]with failures[/]"
    if summary.stopped:
        verdict = f"[red]stopped: {summary.stopped}[/]"
    console.print(
        f"{verdict}: {summary.total} companies in {seconds:.1f} s, {summary.succeeded} succeeded, {summary.failed} failed, "
        f"{summary.skipped} skipped; {summary.requests} requests, {summary.rows_written} rows written",
        highlight=False,
    )
    for name, counts in summary.outcomes.items():
        words = ", ".join(f"{count} [{_STYLES.get(outcome, '')}]{outcome}[/]" for outcome, count in sorted(counts.items()))
        console.print(f"  {name}: {words}", highlight=False)
    for entry in summary.errors[:_ERRORS_SHOWN]:
        for failure in entry["errors"]:
            who = f"{entry['name'] or entry['companyId']}: " if entry["companyId"] is not None else ""
            console.print(f"  [red]{failure.kind}[/] {escape(who)}{failure.source}: {escape(failure.error)}", highlight=False)
    if len(summary.errors) > _ERRORS_SHOWN:
        console.print(f"  and {summary.failed - _ERRORS_SHOWN} more; see `fmcsa-orchestrator status`")


def show_company(console: Console, result: CompanySyncResult) -> None:
    """One company's sync: a line per source, then the errors."""
    verdict = "[green]synced[/]" if result.success else "[red]not synced[/]"
    console.print(
        f"{escape(str(result.name or result.company_id))} (USDOT {result.usdot or 'unknown'}): {verdict}", highlight=False
    )
    for name, outcome in result.outcomes.items():
        rows = "" if outcome.rows is None else f", {outcome.rows} rows, {outcome.written} written"
        console.print(f"  {name}: [{_STYLES.get(outcome.outcome, '')}]{outcome.outcome}[/]{rows}", highlight=False)
    for failure in result.errors:
        console.print(f"  [red]{failure.kind}[/] {failure.source}: {escape(failure.error)}", highlight=False)


def show_plan(console: Console, plan: Plan) -> None:
    """What a run would cost, in a few lines."""
    requests = ", ".join(f"{count} to {upstream}" for upstream, count in plan.requests.items()) or "none"
    console.print(
        f"{plan.companies} companies are due; at least {requests} requests, {plan.seconds:.0f} s at the set rates",
        highlight=False,
    )
    for name, source in plan.sources.items():
        console.print(f"  {name}: {source.due} to read", highlight=False)


def show_findings(console: Console, findings: Iterable[Finding]) -> None:
    """A line per finding; below each fault what to do."""
    for finding in findings:
        mark = "[green]ok  [/]" if finding.is_good else "[red]FAIL[/]"
        console.print(f"{mark} [bold]{escape(finding.what)}[/]: {escape(finding.text)}", highlight=False)
        if not finding.is_good and finding.remedy:
            console.print(f"     -> {escape(finding.remedy)}", highlight=False)


def status_table(companies: Iterable[Mapping[str, Any]], sources: Sequence[str], now: datetime | None = None) -> Table:
    """A row per company: when it was last attempted, and per source its outcome and the age of the data held."""
    now = now or datetime.now(UTC)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Company", "USDOT", "Last run", "", *sources):
        table.add_column(column, overflow="ellipsis", no_wrap=True)
    for company in companies:
        status = dig(company, STATUS)
        status = status if isinstance(status, Mapping) else {}
        cells = [_source_cell(dig(status, f"sources.{source}"), now) for source in sources]
        good = "[green]ok[/]" if status.get("success") else "[red]failing[/]" if "success" in status else "never synced"
        last_run = age(status.get("lastRun"), now)
        table.add_row(
            escape(str(company.get("name") or company.get("_id"))), escape(str(company.get("dotNumber"))), last_run, good, *cells
        )
    return table


def age(moment: Any, now: datetime) -> str:
    """How long ago, in the largest fitting unit; "never" for no time."""
    if not isinstance(moment, datetime):
        return "never"
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _source_cell(source: Any, now: datetime) -> str:
    if not isinstance(source, Mapping):
        return "-"
    outcome = str(source.get("outcome"))
    rows = source.get("rows")
    count = f" {rows}" if isinstance(rows, int) else ""
    held = "" if outcome in {"changed", "unchanged"} else f" ({age(source.get('lastSuccess'), now)})"
    return f"[{_STYLES.get(outcome, '')}]{outcome}[/]{count}{held}"
