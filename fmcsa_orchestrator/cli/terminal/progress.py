"""What a run has done so far and what it is at, added up from its events; drawing it is the views' part."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable

from fmcsa_orchestrator.model.events import (
    CompanyStarted,
    CompanySynced,
    Event,
    Reading,
    RequestSent,
    RunStarted,
    Waiting,
    WindowFetched,
)
from fmcsa_orchestrator.model.text import printable
from fmcsa_orchestrator.report.wording import duration

_ASKING = "asking each upstream whether anything has changed"


class RunProgress:
    """Takes events; costs a company a few additions, and no text before somebody asks for it.

    `requests` are by upstream, `outcomes` is source -> outcome -> companies.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.due = 0
        self.done = 0
        self.failed = 0
        self.outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.requests: Counter[str] = Counter()
        self._clock = clock
        self._started = clock()
        self._last: Event | None = None
        self._pauses: dict[str, float] = {}

    def take(self, event: Event) -> None:
        """Note what the event tells."""
        match event:
            case CompanySynced(result):
                self.done += 1
                self.failed += not (result.success or result.was_skipped)
                for name, outcome in result.outcomes.items():
                    self.outcomes[name][outcome.outcome.value] += 1
                return
            case Waiting(upstream, seconds):
                self._pauses[upstream] = self._clock() + seconds
                return
            case RequestSent(upstream):
                self.requests[upstream] += 1
                return
            case RunStarted(due, requests):
                self.due, self.requests, self._started = due, Counter(requests), self._clock()
        self._last = event

    @property
    def seconds(self) -> float:
        """How long the run has been going."""
        return self._clock() - self._started

    @property
    def rate(self) -> float:
        """Companies per second, over the whole run: they come in windows, so anything shorter jumps."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; None while nothing is done."""
        return max(0, self.due - self.done) / self.rate if self.done and self.rate else None

    def pauses(self) -> dict[str, float]:
        """Seconds left of each pause that an upstream has asked for."""
        now = self._clock()
        return {upstream: until - now for upstream, until in list(self._pauses.items()) if until > now}

    def doing(self) -> str:
        """What the run is at or waits for, in words."""
        if waiting := self.pauses():
            return "; ".join(f"{upstream} asked for a pause: {seconds:.0f} s left" for upstream, seconds in waiting.items())
        match self._last:
            case Reading(source, companies):
                return f"reading {source} of {companies:,} companies"
            case CompanyStarted(company_id, usdot, name):
                return printable(f"{name or company_id} (USDOT {usdot})")
            case WindowFetched(companies):
                return f"storing what was read of {companies:,} companies"
        return _ASKING

    def pace(self) -> str:
        """Rate and time left, in words."""
        left = "" if self.seconds_left is None else f", {duration(self.seconds_left)} left"
        return f"{self.rate:,.1f}/s{left}"
