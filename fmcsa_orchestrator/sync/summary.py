"""Adds up what became of the companies of a run."""

from collections import Counter

from fmcsa_orchestrator.model.results import (
    LIST_LIMIT,
    CompanyErrors,
    CompanySyncResult,
    Outcome,
    SourceFailure,
    StopReason,
    SyncSummary,
)
from fmcsa_orchestrator.sync.clock import RunClock


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
        self._counts["skipped" if result.was_skipped else "succeeded" if result.success else "failed"] += 1
        for name, outcome in result.outcomes.items():
            self._outcomes.setdefault(name, Counter())[outcome.outcome.value] += 1
            self._counts["rows_written"] += outcome.written
        errors = [error for error in result.errors if not (error.stops_source and error.outcome is Outcome.UNAVAILABLE)]
        if errors and len(self._errors) < LIST_LIMIT:  # why a source has stopped for good is told once for the whole run
            key = result.company_id
            self._errors.append({"company_id": key, "companyId": key, "name": result.name, "errors": errors})

    def fail_run(self, failure: SourceFailure) -> None:
        """Note what concerns the whole run: an error without a company."""
        self._run_errors.append({"company_id": None, "companyId": None, "name": None, "errors": [failure]})

    def summary(self, requests: int, stopped: StopReason | None) -> SyncSummary:
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
