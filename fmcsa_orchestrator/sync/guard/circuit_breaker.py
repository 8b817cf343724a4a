"""A circuit breaker for each source: one whose upstream is down is not asked for every single company of a run."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from fmcsa_orchestrator.model.company import Outcome
from fmcsa_orchestrator.model.results import MESSAGE_LIMIT
from fmcsa_orchestrator.observability.hooks import log_event
from fmcsa_orchestrator.sync.guard.isolation import Fault

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 5  # in a row, after which a breaker opens
PROBE_S = 60.0  # seconds between two probes of an open one
# These say something of the upstream rather than of one company or one request.
UPSTREAM_KINDS = frozenset({"upstream_unavailable", "stale_upstream", "timeout", "rate_limited"})


@dataclass(slots=True)
class Breaker:
    """The state of one way of asking: closed while `cause` is None.

    A fault that stops the source opens it for good; others need to come several times in a row, and a probe now and then
    decides whether it closes again.
    """

    source: str
    clock: Callable[[], float]
    failures: int = 0
    cause: Fault | None = None
    first_cause: Fault | None = None  # stays when it has closed again, for the summary
    refused: int = 0
    probe_at: float = 0.0

    def refusal(self) -> Fault | None:
        """The Fault to take in place of asking; None when one may ask."""
        if self.cause is None:
            return None
        now = self.clock()
        if not self.cause.stops_source and now >= self.probe_at:
            self.probe_at = now + PROBE_S
            return None
        self.refused += 1
        message = f"not asked, since it was stopped in this run after: {self.cause.message}"[:MESSAGE_LIMIT]
        return Fault(self.cause.kind, message, Outcome.UNAVAILABLE, self.cause.stops_source)

    def note(self, fault: Fault | None) -> None:
        """Learn from an answer."""
        if fault is None or not (fault.stops_source or fault.kind in UPSTREAM_KINDS):
            self.failures = 0
            if self.cause is not None and not self.cause.stops_source:
                log_event(log, logging.WARNING, "breaker_closed", source=self.source)
                self.cause = None
            return
        self.failures += 1
        if self.cause is None and (fault.stops_source or self.failures >= FAILURES_IN_A_ROW):
            self.cause = self.first_cause = fault
            self.probe_at = self.clock() + PROBE_S
            log_event(log, logging.WARNING, "breaker_opened", source=self.source, kind=fault.kind, error=fault.message)


class Breakers:
    """The breakers of one run, made as they are asked for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all: dict[str, Breaker] = {}

    def of(self, source: str, part: str = "") -> Breaker:
        """The breaker of a source, or of a part of what it does."""
        key = source + part
        if key not in self._all:
            self._all[key] = Breaker(source, self._clock)
        return self._all[key]

    def opened(self) -> list[Breaker]:
        """Those that have been open in this run, now or before."""
        return [breaker for breaker in self._all.values() if breaker.first_cause is not None]
