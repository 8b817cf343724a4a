"""Adds up what became of the companies of a run."""

from collections import Counter

from fmcsa_orchestrator.clock import RunClock
from fmcsa_orchestrator.errors import CompanyNotFoundError
from fmcsa_orchestrator.isolation import Isolation
from fmcsa_orchestrator.results import LIST_LIMIT, CompanyErrors, CompanySyncResult, SourceFailure, SyncSummary


class Tally:
    """Adds up a run, in bounded memory."""

    def __init__(self, clock: RunClock) -> None:
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[str]] = {}
        self._errors: list[CompanyErrors] = []

    def add(self, result: CompanySyncResult) -> None:
        """Count one company."""
        is_gone = any(error.kind == CompanyNotFoundError.kind for error in result.errors)
        self._counts["skipped" if is_gone else "succeeded" if result.success else "failed"] += 1
        for name, outcome in result.outcomes.items():
            self._outcomes.setdefault(name, Counter())[outcome.outcome.value] += 1
            self._counts["rows_written"] += outcome.written
        if result.errors and len(self._errors) < LIST_LIMIT:
            self._errors.append({"companyId": result.company_id, "name": result.name, "errors": list(result.errors)})

    def fail_run(self, source: str, error: BaseException, isolation: Isolation) -> None:
        """Note what stopped the whole run: an error without a company."""
        fault = isolation.fault(source, error)
        failure = SourceFailure(source=source, error=fault.message, kind=fault.kind, timestamp=self._clock.now())
        self._errors.append({"companyId": None, "name": None, "errors": [failure]})

    def summary(self, requests: int, stopped: str | None) -> SyncSummary:
        """The run as it is now."""
        return SyncSummary(
            total=sum(self._counts[state] for state in ("succeeded", "failed", "skipped")),
            succeeded=self._counts["succeeded"],
            failed=self._counts["failed"],
            skipped=self._counts["skipped"],
            errors=self._errors,
            requests=requests,
            started_at=self._clock.started_at,
            finished_at=self._clock.now(),
            stopped=stopped,
            outcomes={name: dict(counts) for name, counts in self._outcomes.items()},
            rows_written=self._counts["rows_written"],
        )
