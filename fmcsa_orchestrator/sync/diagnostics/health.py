"""The health summary for a `/healthz` route: two small reads, however large the fleet is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from fmcsa_orchestrator.model.documents import bson_time, dig
from fmcsa_orchestrator.model.results import FAILURES, CompanyId, Result, StopReason
from fmcsa_orchestrator.model.status import STATUS
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.clock import RunClock


class Health(Result):
    """Whether the syncs do their work.

    Attributes:
        healthy: whether they do.
        reasons: why not, in words for people.
        last_run: what is kept of the last run that ended (see `fmcsaLeases`), None before the first.
        oldest_company: the `_id` of the company attempted longest ago.
        oldest_attempt: when that was, None for never.
        failing_sources: source -> companies for which it failed in the last run. Some failing companies are no reason by
            themselves; a source that failed for every one is.
    """

    healthy: bool
    reasons: list[str] = Field(default_factory=list)
    last_run: dict[str, Any] | None = None
    oldest_company: CompanyId = None
    oldest_attempt: datetime | None = None
    failing_sources: dict[str, int] = Field(default_factory=dict)


async def examine_health(repository: CompanyRepository, stale_after_s: float) -> Health:
    """Read the last run and the oldest company. Raises: RepositoryError."""
    now = RunClock().now()
    facts = await repository.last_run()
    oldest = await repository.take_due(now, now, 1, ())
    return judged(facts, oldest[0] if oldest else None, now, stale_after_s)


def judged(facts: Mapping[str, Any] | None, oldest: Mapping[str, Any] | None, now: datetime, stale_after_s: float) -> Health:
    """The summary of what was read."""
    attempt = dig(oldest or {}, f"{STATUS}.lastRun")
    outcomes = (facts or {}).get("outcomes") or {}
    failing = {source: sum(counts.get(failure, 0) for failure in FAILURES) for source, counts in outcomes.items()}
    reasons = _reasons_of_run(facts, now, stale_after_s)
    reasons += [
        f"{source} failed for all {number} companies of the last run"
        for source, number in failing.items()
        if number and number == sum(outcomes[source].values())
    ]
    return Health(
        healthy=not reasons,
        reasons=reasons,
        last_run=dict(facts) if facts else None,
        oldest_company=(oldest or {}).get("_id"),
        oldest_attempt=bson_time(attempt) if isinstance(attempt, datetime) else None,
        failing_sources={source: number for source, number in failing.items() if number},
    )


def _reasons_of_run(facts: Mapping[str, Any] | None, now: datetime, stale_after_s: float) -> list[str]:
    finished_at = (facts or {}).get("finishedAt")
    if facts is None or not isinstance(finished_at, datetime):
        return ["no run has ended yet"]
    reasons = []
    age = now - bson_time(finished_at)
    if age > timedelta(seconds=stale_after_s):
        reasons.append(f"the last run ended {age.total_seconds() / 3600:.0f} h ago")
    if facts.get("failed") and not facts.get("succeeded"):
        reasons.append(f"all {facts['failed']} companies of the last run failed")
    stopped = facts.get("stopped")
    if stopped is not None and stopped not in {reason for reason in StopReason if reason.is_planned}:
        reasons.append(f"the last run was stopped: {stopped}")
    return reasons
