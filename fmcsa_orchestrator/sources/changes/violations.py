"""Violations that are new, or gone before their time."""

from collections.abc import Iterator

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange, Severity
from fmcsa_orchestrator.sources.changes.event_type import EventType, picked

ADDED = EventType(
    "violation.added",
    Severity.LOW,
    "A violation is in SMS's file that was not: its code, BASIC, weight, unit and inspection. "
    "Medium with an out-of-service order.",
    opposite="violation.removed",
)
REMOVED = EventType(
    "violation.removed",
    Severity.INFO,
    "A violation is no longer in SMS's file although its 24 months are not over, as after a challenge by DataQs.",
    opposite="violation.added",
)
TYPES = (ADDED, REMOVED)

_TOLD = ("violationCode", "description", "basic", "severityWeight", "outOfService", "unit", "uniqueId", "inspectedOn")


def violation_events(change: RowChange) -> Iterator[CarrierEvent]:
    """What it means. Weights that fall with time are no event."""
    if change.before is None and change.after is not None:
        severity = Severity.MEDIUM if change.after.get("outOfService") else None
        row = change.after
        yield ADDED.event(change.key, severity=severity, after=picked(row, _TOLD), occurred_on=row.get("inspectedOn"))
    elif change.after is None and change.before is not None:
        row = change.before
        yield REMOVED.event(change.key, before=picked(row, _TOLD), occurred_on=row.get("inspectedOn"))
