"""Inspections that are new, other, or gone before their time."""

from collections.abc import Iterator

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange, Severity
from fmcsa_orchestrator.sources.changes.event_type import EventType, picked

ADDED = EventType(
    "inspection.added",
    Severity.INFO,
    "An inspection is in SMS's file that was not: its report, day, level, state, out-of-service orders and violations. "
    "Low where it found a violation.",
    opposite="inspection.removed",
)
OOS = EventType(
    "inspection.oos_violation", Severity.HIGH, "An inspection that is new put a driver, vehicle or load out of service."
)
CHANGED = EventType("inspection.changed", Severity.LOW, "What is told of an inspection has been corrected.")
REMOVED = EventType(
    "inspection.removed",
    Severity.INFO,
    "An inspection is no longer in SMS's file although its 24 months are not over.",
    opposite="inspection.added",
)
TYPES = (ADDED, OOS, CHANGED, REMOVED)

_ORDERS = ("driverOos", "vehicleOos", "hazmatOos")
_TOLD = ("reportNumber", "reportState", "inspectedOn", "level", *_ORDERS, "violations")


def inspection_events(change: RowChange) -> Iterator[CarrierEvent]:
    """What it means. The weight that falls with time is no event."""
    before = None if change.before is None else picked(change.before, _TOLD)
    after = None if change.after is None else picked(change.after, _TOLD)
    day = (after or before or {}).get("inspectedOn")
    if after is None:
        yield REMOVED.event(change.key, before=before, occurred_on=day)
    elif before is None:
        severity = Severity.LOW if after["violations"] else None
        yield ADDED.event(change.key, severity=severity, after=after, occurred_on=day)
        if any(after[name] for name in _ORDERS):
            yield OOS.event(change.key, after=after, occurred_on=day)
    elif before != after:
        yield CHANGED.event(change.key, before=before, after=after, occurred_on=day)
