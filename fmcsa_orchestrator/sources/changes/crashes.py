"""Crashes that are a carrier's, or no longer are, and those that FMCSA finds not preventable."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange, Severity
from fmcsa_orchestrator.model.documents import as_object, as_time
from fmcsa_orchestrator.sources.changes.event_type import EventType, picked

ADDED = EventType(
    "crash.added",
    Severity.MEDIUM,
    "A crash that FMCSA holds to be this carrier's is in the files, and was not: its report, day, fatalities and injuries. "
    "Critical where somebody died, high where somebody was injured, medium where a vehicle was towed away, else low.",
    opposite="crash.removed",
)
CHANGED = EventType(
    "crash.changed", Severity.MEDIUM, "Day, fatalities or injuries of a crash have been corrected. As severe as a new one."
)
REATTRIBUTED = EventType(
    "crash.reattributed",
    Severity.INFO,
    "A crash is still in the file under this USDOT number, but FMCSA no longer holds it to be this carrier's.",
    opposite="crash.added",
)
REMOVED = EventType(
    "crash.removed",
    Severity.INFO,
    "A crash is no longer in the files under this USDOT number: it was deleted, or given to another carrier.",
    opposite="crash.added",
)
NOT_PREVENTABLE = EventType("crash.not_preventable", Severity.INFO, "FMCSA has found that a crash could not have been avoided.")
TYPES = (ADDED, CHANGED, REATTRIBUTED, REMOVED, NOT_PREVENTABLE)

_TOLD = ("reportState", "reportNumber", "crashedOn", "fatalities", "injuries")  # the same for every vehicle of a crash
_MORE = ("towAway", "hazmatReleased", "location", "city")
_SEVERITIES = {"fatal": Severity.CRITICAL, "injury": Severity.HIGH, "towAway": Severity.MEDIUM}


def crash_of_row(key: str) -> str:
    """What a crash is known by, of what a vehicle in it is: state and number of the report."""
    return ":".join(key.split(":", 2)[:2])


def crash_events(change: RowChange) -> Iterator[CarrierEvent]:
    """What it means for a vehicle in a crash: what all vehicles would tell is one event, and none where others are left.

    That SMS has it no more after 24 months, and weights that fall with time, are no event.
    """
    before, after = change.before, change.after
    was, now = _is_confirmed(before), _is_confirmed(after)
    if now and not was and not (before is None and change.others_before):
        yield _event(ADDED, change.key, None, after)
    elif was and after is None and not change.others_after:
        yield _event(REMOVED, change.key, before, None)
    elif was and after is not None and now is False:
        yield _event(REATTRIBUTED, change.key, before, after, "matchStatus")
    elif was and now:
        if picked(before or {}, _TOLD) != picked(after or {}, _TOLD):
            yield _event(CHANGED, change.key, before, after)
        if _is_not_preventable(after) and not _is_not_preventable(before):
            yield _event(NOT_PREVENTABLE, change.key, before, after, "notPreventable")


def _event(
    kind: EventType, key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, *more: str
) -> CarrierEvent:
    row = after or before or {}
    severity = _SEVERITIES.get(row["severity"], Severity.LOW) if kind in {ADDED, CHANGED} else None
    return kind.event(
        crash_of_row(key),
        severity=severity,
        before=_told(before, more),
        after=_told(after, more),
        occurred_on=as_time(row["crashedOn"]),
        data=picked(row, _MORE),
    )


def _told(row: Mapping[str, Any] | None, more: Sequence[str]) -> dict[str, Any] | None:
    return None if row is None else picked({**row, "notPreventable": _is_not_preventable(row)}, (*_TOLD, *more))


def _is_confirmed(row: Mapping[str, Any] | None) -> bool | None:
    """Whether FMCSA holds it to be this carrier's: as MCMIS says, else by SMS, which counts no other; None where neither says."""
    if row is None:
        return False
    status = row.get("matchStatus")
    return (True if row.get("sms") else None) if status is None else status == "complete"


def _is_not_preventable(row: Mapping[str, Any] | None) -> bool:
    return as_object(as_object(row).get("sms")).get("notPreventable") is True
