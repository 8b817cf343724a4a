"""Out-of-service orders that are issued, scheduled or rescinded."""

from collections.abc import Iterator

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange, Severity
from fmcsa_orchestrator.sources.changes.event_type import EventType, picked

ISSUED = EventType(
    "oos_order.issued",
    Severity.CRITICAL,
    "FMCSA has ordered the carrier out of service, or such an order is in force again: its day and reason.",
    opposite="oos_order.rescinded",
)
SCHEDULED = EventType(
    "oos_order.scheduled", Severity.HIGH, "An order is issued for a day to come.", opposite="oos_order.rescinded"
)
RESCINDED = EventType(
    "oos_order.rescinded",
    Severity.MEDIUM,
    "An order is rescinded, or is no longer in the file: its day, reason, and the day of rescission.",
    opposite="oos_order.issued",
)
TYPES = (ISSUED, SCHEDULED, RESCINDED)

# An order whose dates cannot be read may be in force: it is told as if it were.
_BY_STATE = {"inForce": ISSUED, "unreadable": ISSUED, "scheduled": SCHEDULED, "rescinded": RESCINDED}
_TOLD = ("orderedOn", "reason", "rescindedOn", "state")


def order_events(change: RowChange) -> Iterator[CarrierEvent]:
    """What it means. One that is rescinded when it is first seen is no news of any danger: info only."""
    before = None if change.before is None else picked(change.before, _TOLD)
    after = None if change.after is None else picked(change.after, _TOLD)
    day = (after or before or {}).get("orderedOn")
    occurred_on = day if not isinstance(day, str) else None
    if after is None:
        if before is not None and before["state"] != "rescinded":
            yield RESCINDED.event(change.key, before=before, occurred_on=occurred_on)
    elif before is None or before["state"] != after["state"]:
        kind = _BY_STATE[after["state"]]
        is_old = before is None and kind is RESCINDED
        yield kind.event(
            change.key, severity=Severity.INFO if is_old else None, before=before, after=after, occurred_on=occurred_on
        )
