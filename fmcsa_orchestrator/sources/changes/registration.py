"""What changes in a carrier's registration: who it says it is, whether it is registered, its filing, its fleet, its rating."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, Severity
from fmcsa_orchestrator.model.documents import as_object, as_time, dig
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.event_type import EventType, picked

_TOGETHER = "Medium; high where several kinds of these change together, which `changedTogether` names."
PHONE = EventType("identity.phone_changed", Severity.MEDIUM, f"A phone or fax number is another one. {_TOGETHER}")
EMAIL = EventType("identity.email_changed", Severity.MEDIUM, f"The e-mail address is another one. {_TOGETHER}")
ADDRESS = EventType("identity.address_changed", Severity.MEDIUM, f"The address, or that for mail, is another one. {_TOGETHER}")
NAME = EventType("identity.name_changed", Severity.MEDIUM, f"The legal name, or the trade name, is another one. {_TOGETHER}")
OFFICER = EventType("identity.officer_changed", Severity.MEDIUM, f"The officers are others. {_TOGETHER}")
DEACTIVATED = EventType(
    "registration.deactivated",
    Severity.HIGH,
    "The USDOT number was active and is inactive or pending.",
    opposite="registration.reactivated",
)
REACTIVATED = EventType("registration.reactivated", Severity.INFO, "It is active again.", opposite="registration.deactivated")
ABSENT = EventType(
    "registration.absent",
    Severity.MEDIUM,
    "The carrier is no longer in the census, which is no proof that there is no such carrier: who it was last.",
    opposite="registration.returned",
)
RETURNED = EventType("registration.returned", Severity.INFO, "It is in the census again.", opposite="registration.absent")
UPDATED = EventType("mcs150.updated", Severity.INFO, "An MCS-150 was filed later than the last one.", opposite="mcs150.outdated")
OUTDATED = EventType(
    "mcs150.outdated",
    Severity.LOW,
    "24 months have passed, on the day of the file, since the last MCS-150: the day on which that was filed.",
    opposite="mcs150.updated",
)
FLEET = EventType(
    "fleet.size_changed",
    Severity.LOW,
    "The numbers of power units, before and now, are at least a tenth of the smaller one apart, and one.",
)
RATING = EventType(
    "rating.changed",
    Severity.INFO,
    "The safety rating is another one: `direction` is better, worse, or null where one is withdrawn. "
    "High where it is conditional, critical where unsatisfactory.",
)
TYPES = (
    PHONE, EMAIL, ADDRESS, NAME, OFFICER, DEACTIVATED, REACTIVATED, ABSENT, RETURNED, UPDATED, OUTDATED, FLEET, RATING,
)  # fmt: skip

_FIELD = "fmcsaData.registration"
_STATES = ("active", "inactive", "pending")
_RANKS = {"unsatisfactory": 0, "conditional": 1, "none": 2, "satisfactory": 3}
_RATED = {"conditional": Severity.HIGH, "unsatisfactory": Severity.CRITICAL}


def _words(value: Any) -> str:
    """Text without case, punctuation and blanks."""
    return re.sub(r"[\W_]+", "", str(value or "")).casefold()


def _digits(value: Any) -> str:
    """A phone number without punctuation, and without the country's 1."""
    return re.sub(r"\A1(?=\d{10}\Z)", "", re.sub(r"\D", "", str(value or "")))


def _address(value: Any) -> tuple[str, ...]:
    """An address; of a ZIP+4 what comes before the hyphen, which may be left out."""
    parts = as_object(value)
    names = [name for name in ("street", "neighborhood", "city", "state", "country") if name in parts]
    return (*(_words(parts[name]) for name in names), str(parts.get("zip") or "").strip()[:5])


def _names(value: Any) -> tuple[str, ...]:
    return tuple(sorted(filter(None, map(_words, value if isinstance(value, list) else ()))))


# What is told of, by path, and how it is compared.
_IDENTITY: Mapping[str, tuple[EventType, Callable[[Any], Any]]] = {
    "contact.phone": (PHONE, _digits),
    "contact.cellPhone": (PHONE, _digits),
    "contact.fax": (PHONE, _digits),
    "contact.email": (EMAIL, lambda value: str(value or "").strip().casefold()),
    "address": (ADDRESS, _address),
    "mailingAddress": (ADDRESS, _address),
    "legalName": (NAME, _words),
    "dbaName": (NAME, _words),
    "officers": (OFFICER, _names),
}
_OF_ADDRESSES = ("street", "neighborhood", "city", "state", "zip", "country")


def registration_events(change: FieldChange, _rules: AlertRules) -> Iterator[CarrierEvent]:
    """What it means. A field that is left out, before or now, is not known; one that is blank is."""
    before, after = as_object(change.before.get(_FIELD)), as_object(change.after.get(_FIELD))
    if "legalName" not in before or "legalName" not in after:  # there was no record to compare with, or there is none
        return
    if bool(before.get("records")) != bool(after.get("records")):
        yield _presence_event(before, after)
    yield from _identity_events(before, after)
    yield from _status_events(before, after)
    yield from _filing_events(before, after)
    yield from _fleet_events(before, after)
    yield from _rating_events(before, after)


def _presence_event(before: Mapping[str, Any], after: Mapping[str, Any]) -> CarrierEvent:
    kind = RETURNED if after.get("records") else ABSENT
    there: dict[str, Any] = {
        name: picked(side, ("legalName", "status")) if side.get("records") else None
        for name, side in (("before", before), ("after", after))
    }
    return kind.event("records", **there, data={"absentSince": (before if kind is RETURNED else after).get("absentSince")})


def _identity_events(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CarrierEvent]:
    changed = []
    for path, (kind, normal) in _IDENTITY.items():
        found = _shared(before, after, path)
        if found is not None and normal(found[0]) != normal(found[1]):
            changed.append((path, kind, *found))
    together = sorted({kind.name for _, kind, _, _ in changed})
    severity = Severity.HIGH if len(together) > 1 else None
    for path, kind, old, new in changed:
        yield kind.event(path, severity=severity, before=old, after=new, data={"changedTogether": together})


def _shared(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> tuple[Any, Any] | None:
    """What stands there on both sides, of an object only what both have: what is withheld is not told. None where it is."""
    folder, _, name = path.rpartition(".")
    sides = [as_object(dig(side, folder)) if folder else side for side in (before, after)]
    if not all(name in side for side in sides):
        return None
    old, new = (side[name] for side in sides)
    if path.lower().endswith("address"):
        old, new = as_object(old), as_object(new)
        names = [part for part in _OF_ADDRESSES if part in old and part in new]
        return picked(old, names), picked(new, names)
    return old, new


def _status_events(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CarrierEvent]:
    old, new = before.get("status"), after.get("status")
    if old in _STATES and new in _STATES and (old == "active") != (new == "active"):
        kind = REACTIVATED if new == "active" else DEACTIVATED
        yield kind.event("status", before=old, after=new)


def _filing_events(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CarrierEvent]:
    old, new = as_object(before.get("mcs150")), as_object(after.get("mcs150"))
    filed, filed_now = as_time(old.get("filedOn")), as_time(new.get("filedOn"))
    if filed is not None and filed_now is not None and filed_now > filed:
        yield UPDATED.event("mcs150.filedOn", before=filed, after=filed_now, occurred_on=filed_now)
    if old.get("outdated") is False and new.get("outdated") is True:
        yield OUTDATED.event("mcs150.outdated", before=False, after=True, data={"filedOn": filed_now})


def _fleet_events(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CarrierEvent]:
    path = "fleet.powerUnits"
    old, new = _count(before, path), _count(after, path)
    if old is not None and new is not None and abs(new - old) >= max(1, min(old, new) / 10):
        yield FLEET.event(path, before=old, after=new)


def _count(record: Mapping[str, Any], path: str) -> int | None:
    """A number that the record does not contradict."""
    doubts, number = record.get("doubtful"), dig(record, path)
    doubtful = [as_object(doubt).get("field") for doubt in doubts] if isinstance(doubts, list) else []
    return number if isinstance(number, int) and path not in doubtful else None


def _rating_events(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CarrierEvent]:
    old, new = (dig(side, "safetyRating.rating") for side in (before, after))
    if old == new or any(not isinstance(rating, str) or rating not in _RANKS for rating in (old, new)):
        return
    direction = None if new == "none" else "better" if _RANKS[new] > _RANKS[old] else "worse"
    rated_on = as_time(dig(after, "safetyRating.ratedOn"))
    severity = _RATED.get(new) if direction == "worse" else None
    yield RATING.event(
        "safetyRating", severity=severity, before=old, after=new, occurred_on=rated_on, data={"direction": direction}
    )
