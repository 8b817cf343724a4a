"""Shows a run as it goes: a live picture on a terminal, lines of `key=value` anywhere else."""

import time
from collections.abc import Callable
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fmcsa_orchestrator.cli.terminal.outcomes import STYLES
from fmcsa_orchestrator.cli.terminal.progress import RunProgress
from fmcsa_orchestrator.model.events import CompanySynced, Event, RunFinished, RunStarted, Waiting
from fmcsa_orchestrator.model.results import FAILURES
from fmcsa_orchestrator.report.wording import tally

_DRAWN_PER_SECOND = 4
_BAR_WIDTH, _NAME_WIDTH = 30, 26
_OTHER_LINES = 4  # of the picture: bar, requests, what it is at; and one below, where the cursor stands
_LINE_COMPANIES = 100  # after so many a line is due,
_LINE_MIN_S, _LINE_MAX_S = 1.0, 30.0  # but at most one in the first of these times, and without so many after the second


class RunView(Protocol):
    """Takes the events of a run; `stop` may be called twice."""

    def on_event(self, event: Event) -> None:
        """Note or show what the event tells."""

    def stop(self) -> None:
        """Leave the screen as it should stay."""


def view_on(console: Console) -> RunView:
    """The view that fits: FORCE_COLOR and the like colour a pipe, but do not make it a screen to draw on."""
    return LiveView(console) if console.is_interactive and console.file.isatty() else LogView(console)


class LiveView:
    """A picture that is drawn anew some times a second, whatever happens between; it goes when the run ends."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = RunProgress(clock)
        self._console = console
        self._live = Live(
            get_renderable=self.picture,
            console=console,
            refresh_per_second=_DRAWN_PER_SECOND,
            transient=True,
            redirect_stderr=False,
        )

    def on_event(self, event: Event) -> None:
        """Note it; the picture shows it in its own time."""
        self._progress.take(event)
        if isinstance(event, RunStarted):
            self._live.start()
        elif isinstance(event, RunFinished):
            self.stop()

    def stop(self) -> None:
        """Take the picture down."""
        self._live.stop()

    def picture(self) -> RenderableType:
        """The run now: bar, a line per source, requests, what it is at; as high at most as the screen is."""
        progress = self._progress
        head = Table.grid(padding=(0, 1), expand=False)
        bar = ProgressBar(total=max(progress.due, progress.done, 1), completed=progress.done, width=_BAR_WIDTH)
        failed = Text(f"{progress.failed:,} failed", style="red") if progress.failed else Text()
        head.add_row(Text("Syncing", style="bold"), bar, f"{progress.done:,}/{progress.due:,}", progress.pace(), failed)
        sources = self._sources(self._console.height - _OTHER_LINES)
        names = min(_NAME_WIDTH, max((len(name) for name, _ in sources), default=0) + 2)
        facts = Table.grid(padding=(0, 2))  # a line stays one: a picture that grows and shrinks is hard to read
        facts.add_column(no_wrap=True, overflow="ellipsis", min_width=names)
        facts.add_column(no_wrap=True, overflow="ellipsis")
        for name, words in sources:
            facts.add_row(f"  {name}", words)
        facts.add_row("  requests", tally(dict(progress.requests)))
        facts.add_row("  now", Text(progress.doing(), style="yellow" if progress.pauses() else ""))
        return Group(head, facts)

    def _sources(self, room: int) -> list[tuple[str, Text]]:
        """A line per source; where there is no room for all, those of which something failed come first."""
        found = [(name, dict(outcomes)) for name, outcomes in list(self._progress.outcomes.items())]
        left_out = 0
        if len(found) > room:
            found.sort(key=lambda source: FAILURES.isdisjoint(source[1]))
            left_out = len(found) - max(0, room - 1)
            found = found[: max(0, room - 1)]
        lines = [(name, outcome_words(outcomes)) for name, outcomes in found]
        return lines + ([(f"and {left_out} more", Text("of the sources", style="dim"))] if left_out else [])


class LogView:
    """A line at the start, about one per hundred companies or half a minute, each pause, and one at the end."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = RunProgress(clock)
        self._console = console
        self._clock = clock
        self._told_at = clock()
        self._told = 0

    def on_event(self, event: Event) -> None:
        """Print the line that is due, if any."""
        self._progress.take(event)
        match event:
            case RunStarted(due):
                self._print("sync_started", due=due)
            case Waiting(upstream, seconds):
                self._print("sync_waiting", upstream=upstream, seconds=f"{seconds:.0f}")
            case RunFinished(summary):
                self._print_progress("sync_finished", skipped=summary.skipped, stopped=summary.stopped or "no")
            case CompanySynced() if self._is_due():
                self._print_progress("sync_progress")

    def stop(self) -> None:
        """Nothing is left on the screen that would have to go."""

    def _is_due(self) -> bool:
        is_many = self._progress.done - self._told >= _LINE_COMPANIES
        return self._clock() - self._told_at >= (_LINE_MIN_S if is_many else _LINE_MAX_S)

    def _print_progress(self, event: str, **more: object) -> None:
        progress = self._progress
        self._told, self._told_at = progress.done, self._clock()
        facts: dict[str, object] = {"done": progress.done, "due": progress.due, "failed": progress.failed, **more}
        facts |= {"seconds": f"{progress.seconds:.0f}", "requests": sum(progress.requests.values())}
        facts |= {f"requests.{upstream}": count for upstream, count in progress.requests.items()}
        for name, counts in progress.outcomes.items():
            facts |= {f"{name}.{outcome}": count for outcome, count in sorted(counts.items())}
        self._print(event, **facts)

    def _print(self, event: str, **facts: object) -> None:
        words = (f"{key}={value}" for key, value in facts.items())
        self._console.out(f"event={event}", *words, highlight=False)


def outcome_words(counts: dict[str, int]) -> Text:
    """Counts per outcome, each in its colour."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Text(", ").join(Text(f"{count:,} {outcome}", style=STYLES.get(outcome, "")) for outcome, count in ordered)
