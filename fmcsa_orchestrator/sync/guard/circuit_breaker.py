"""A circuit breaker for each source: one whose upstream is down is not asked for every single company of a run."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fmcsa_orchestrator.model.results import Outcome, SourceFailure
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.observability.hooks import note

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 5  # after so many a breaker opens
PROBE_S = 60.0  # seconds between two probes of an open one


@dataclass(slots=True)
class Breaker:
    """The state of one way of asking: closed while `cause` is None.

    A failure that stops the source opens it for good; others need to come several times in a row, and a probe now and then
    decides whether it closes again.
    """

    source: str
    clock: Callable[[], float]
    failures: int = 0
    cause: SourceFailure | None = None
    first_cause: SourceFailure | None = None  # stays when it has closed again, for the summary
    refused: int = 0
    probe_at: float = 0.0

    def refusal(self) -> SourceFailure | None:
        """What to say in place of asking; None when one may ask."""
        if self.cause is None:
            return None
        now = self.clock()
        if not self.cause.stops_source and now >= self.probe_at:
            self.probe_at = now + PROBE_S
            return None
        self.refused += 1
        words = f"not asked, since it was stopped in this run after: {self.cause.error}"
        return self.cause.reworded(words, current().now(), Outcome.UNAVAILABLE)

    def learn(self, failure: SourceFailure | None) -> None:
        """Take note of an answer."""
        if failure is None or not (failure.stops_source or failure.of_upstream):
            self.failures = 0
            if self.cause is not None and not self.cause.stops_source:
                note(log, logging.WARNING, "breaker_closed", source=self.source)
                self.cause = None
            return
        self.failures += 1
        if failure.stops_source or self.failures >= FAILURES_IN_A_ROW:
            self.open(failure)

    def open(self, cause: SourceFailure) -> None:
        """Whoever is asked for, it ends like this."""
        if self.cause is None:
            self.cause = self.first_cause = cause
            self.probe_at = self.clock() + PROBE_S
            note(log, logging.WARNING, "breaker_opened", source=self.source, kind=cause.kind, error=cause.error)

    def summary(self) -> SourceFailure | None:
        """What a run says of it once, rather than for each company; None where it was never open."""
        cause = self.first_cause
        words = "stopped for a time; not asked for {} times after: {}"
        return cause and cause.reworded(words.format(self.refused, cause.error), current().now())


@dataclass(slots=True)
class Breakers:
    """The breakers of one run, made as they are asked for."""

    clock: Callable[[], float] = time.monotonic
    by_name: dict[str, Breaker] = field(default_factory=dict)

    def of(self, source: str, part: str = "") -> Breaker:
        """The breaker of a source, or of a part of what it does."""
        return self.by_name.setdefault(source + part, Breaker(source, self.clock))
