"""Adds up what became of the companies of a run."""

from collections import Counter
from collections.abc import Iterable

from fmcsa_orchestrator.model.company import Outcome
from fmcsa_orchestrator.model.results import (
    LIST_LIMIT,
    MESSAGE_LIMIT,
    CompanyErrors,
    CompanySyncResult,
    SourceFailure,
    SyncSummary,
    was_skipped,
)
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.guard.circuit_breaker import Breaker
from fmcsa_orchestrator.sync.guard.isolation import STOPPING_KINDS, Isolation


class Tally:
    """Adds up a run, in bounded memory."""

    def __init__(self, clock: RunClock) -> None:
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[str]] = {}
        self._errors: list[CompanyErrors] = []
        self._run_errors: list[CompanyErrors] = []

    def add(self, result: CompanySyncResult) -> None:
        """Count one company."""
        self._counts["skipped" if was_skipped(result) else "succeeded" if result.success else "failed"] += 1
        for name, outcome in result.outcomes.items():
            self._outcomes.setdefault(name, Counter())[outcome.outcome.value] += 1
            self._counts["rows_written"] += outcome.written
        errors = [error for error in result.errors if not _is_refusal(error, result)]
        if errors and len(self._errors) < LIST_LIMIT:
            self._errors.append({"companyId": result.company_id, "name": result.name, "errors": errors})

    def fail_run(self, source: str, error: BaseException, isolation: Isolation) -> None:
        """Note what stopped the whole run: an error without a company."""
        fault = isolation.fault(source, error)
        self._note(source, fault.kind, fault.message)

    def add_breakers(self, opened: Iterable[Breaker]) -> None:
        """Note once, rather than for each company, which sources were not asked for some time, and why."""
        for breaker in opened:
            if breaker.first_cause is not None:
                text = f"stopped for a time; not asked for {breaker.refused} times after: {breaker.first_cause.message}"
                self._note(breaker.source, breaker.first_cause.kind, text[:MESSAGE_LIMIT])

    def _note(self, source: str, kind: str, text: str) -> None:
        failure = SourceFailure(source=source, error=text, kind=kind, timestamp=self._clock.now())
        self._run_errors.append({"companyId": None, "name": None, "errors": [failure]})

    def summary(self, requests: int, stopped: str | None) -> SyncSummary:
        """The run as it is now."""
        return SyncSummary(
            total=sum(self._counts[state] for state in ("succeeded", "failed", "skipped")),
            succeeded=self._counts["succeeded"],
            failed=self._counts["failed"],
            skipped=self._counts["skipped"],
            errors=[*self._run_errors, *self._errors][:LIST_LIMIT],
            requests=requests,
            started_at=self._clock.started_at,
            finished_at=self._clock.now(),
            stopped=stopped,
            outcomes={name: dict(counts) for name, counts in self._outcomes.items()},
            rows_written=self._counts["rows_written"],
        )


def _is_refusal(error: SourceFailure, result: CompanySyncResult) -> bool:
    """Whether this only repeats why a source has stopped for good, which is told once for the whole run."""
    outcome = result.outcomes.get(error.source)
    return outcome is not None and outcome.outcome is Outcome.UNAVAILABLE and error.kind in STOPPING_KINDS
