"""How fresh a company is, or one source of it: four states, by the status's own times. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.documents import as_time
from fmcsa_orchestrator.model.results import FAILURES
from fmcsa_orchestrator.model.status import NOTHING, StoredStatus, Verified
from fmcsa_orchestrator.report.values import as_text
from fmcsa_orchestrator.storage.fleet_status import State
from fmcsa_orchestrator.storage.sync_status import is_name

STATE_WORDS = {State.FRESH: "fresh", State.STALE: "stale", State.FAILING: "failing", State.NEVER: "never synced"}


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source of one company, as the status has it; None where it has nothing."""

    name: str
    state: State
    outcome: str | None
    last_attempt: datetime | None
    last_success: datetime | None
    last_changed: datetime | None
    data_as_of: datetime | None
    rows: int | None
    message: str | None


def company_state(document: Mapping[str, Any], cutoff: datetime, verified: Verified = NOTHING) -> State:
    """The company as a whole: its last attempt was good and recent, good and old, bad, or has not been."""
    status = StoredStatus.of(document)
    success = status.values.get("success")
    if not isinstance(success, bool):
        return State.NEVER
    return _by_age(verified.last_look(status), cutoff) if success else State.FAILING


def source_views(
    document: Mapping[str, Any], names: Iterable[str], cutoff: datetime, verified: Verified = NOTHING
) -> tuple[SourceView, ...]:
    """The named sources, in this order."""
    status = StoredStatus.of(document)
    return tuple(_source_view(name, status.source(name), cutoff, verified) for name in names)


def source_names(documents: Iterable[Mapping[str, Any]], first: Iterable[str]) -> list[str]:
    """These, then any others that some company has."""
    found = {name for document in documents for name in StoredStatus.of(document).sources if is_name(name)}
    known = list(first)
    return [*known, *sorted(found - set(known))]


def _source_view(name: str, source: Mapping[str, Any], cutoff: datetime, verified: Verified) -> SourceView:
    outcome = as_text(source.get("outcome"), 40)
    last_attempt, last_success = as_time(source.get("lastAttempt")), as_time(source.get("lastSuccess"))
    if verified.holds_of(name, source):
        last_attempt, last_success = verified.later(last_attempt), verified.later(last_success)
    rows = source.get("rows")
    return SourceView(
        name=name,
        state=_source_state(outcome, last_success, cutoff),
        outcome=outcome,
        last_attempt=last_attempt,
        last_success=last_success,
        last_changed=as_time(source.get("lastChanged")),
        data_as_of=as_time(source.get("dataAsOf")),
        rows=rows if isinstance(rows, int) else None,
        message=as_text(source.get("message")),
    )


def _source_state(outcome: str | None, success: datetime | None, cutoff: datetime) -> State:
    if outcome is None:
        return State.NEVER
    return State.FAILING if outcome in FAILURES else _by_age(success, cutoff)


def _by_age(success: datetime | None, cutoff: datetime) -> State:
    return State.FRESH if success is not None and success >= cutoff else State.STALE
