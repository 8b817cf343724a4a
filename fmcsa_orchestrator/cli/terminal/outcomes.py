"""What a sync came to, or would cost, and what the doctor found: a few lines each."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.results import CompanySyncResult, SourceFailure, SyncSummary
from fmcsa_orchestrator.model.text import printable
from fmcsa_orchestrator.sync.diagnostics.plan import Plan

STYLES = {
    "changed": "green",
    "unchanged": "dim",
    "skipped": "dim",
    "not_found": "yellow",
    "not_published": "yellow",
    "failed": "red",
    "timed_out": "red",
    "unavailable": "red",
}  # per outcome; the word is always there too
_ERRORS_SHOWN = 10
_LEAST_WIDTH = 20


def in_words(failure: SourceFailure, who: str = "") -> str:
    """A failure in one line of markup; of settings there is nothing to say but what is wrong."""
    if failure.kind == SettingsError.kind:
        return f"[red]cannot run:[/] {escape(printable(failure.error))}"
    return f"[red]{failure.kind}[/] {escape(printable(who))}{failure.source}: {escape(printable(failure.error))}"


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
    if summary.success and not summary.total:
        console.print("  no company has a dotNumber; `fmcsa-orchestrator doctor` says where it looks", highlight=False)
    alike: dict[str, list[str]] = {}  # sources by what has become of them: most of the time that is the same
    for name, counts in summary.outcomes.items():
        words = ", ".join(f"{count} [{STYLES.get(outcome, '')}]{outcome}[/]" for outcome, count in sorted(counts.items()))
        alike.setdefault(words, []).append(name)
    for words, names in alike.items():
        console.print(f"  {', '.join(names)}: {words}", highlight=False)
    for entry in summary.errors[:_ERRORS_SHOWN]:
        for failure in entry["errors"]:
            who = f"{entry['name'] or entry['companyId']}: " if entry["companyId"] is not None else ""
            console.print(f"  {in_words(failure, who)}", highlight=False)
    if len(summary.errors) > _ERRORS_SHOWN:
        console.print(f"  and {summary.failed - _ERRORS_SHOWN} more; see `fmcsa-orchestrator status`")


def show_company(console: Console, result: CompanySyncResult) -> None:
    """One company's sync: a line per source, then the errors."""
    verdict = "[green]synced[/]" if result.success else "[red]not synced[/]"
    console.print(
        f"{escape(printable(str(result.name or result.company_id)))} (USDOT {result.usdot or 'unknown'}): {verdict}",
        highlight=False,
    )
    for name, outcome in result.outcomes.items():
        rows = "" if outcome.rows is None else f", {outcome.rows} rows, {outcome.written} written"
        console.print(f"  {name}: [{STYLES.get(outcome.outcome, '')}]{outcome.outcome}[/]{rows}", highlight=False)
    for failure in result.errors:
        console.print(f"  {in_words(failure)}", highlight=False)


def show_plan(console: Console, plan: Plan) -> None:
    """What a run would cost, in a few lines."""
    requests = ", ".join(f"{count} to {upstream}" for upstream, count in plan.requests.items()) or "none at all"
    console.print(
        f"{plan.companies} companies are due; requests, at least: {requests}; that takes {plan.seconds:.1f} s at the set rates",
        highlight=False,
    )
    for name, source in plan.sources.items():
        console.print(f"  {name}: {source.due} to read", highlight=False)


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """A line per finding; below each fault what to do. How many faults there are comes last: the first may be out of sight."""
    for finding in findings:
        what, text = printable(finding.what), printable(finding.text)
        mark = Text("ok   ", style="green") if finding.is_good else Text("FAIL ", style="red")
        _hang(console, mark, Text.assemble((what, "bold"), f": {text.removeprefix(f'{what} ')}"))
        if not finding.is_good and finding.remedy:
            _hang(console, Text("     -> "), Text(finding.remedy))
    if faults := sum(not finding.is_good for finding in findings):
        console.print(Text(f"{faults} of {len(findings)} at fault", style="red"))


def _hang(console: Console, mark: Text, text: Text) -> None:
    """The mark, and the text beside it, in as many lines as it takes."""
    for line in text.wrap(console, max(console.width - len(mark), _LEAST_WIDTH)):
        console.print(mark + line)
        mark = Text(" " * len(mark))
