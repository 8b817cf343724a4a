"""Operating authority that is granted, withdrawn, suspended, revoked or reinstated; coverage that its docket lacks.

The files of Motus leave out carriers and authorities silently: what is in them no more has not ended by that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, RowChange, Severity
from fmcsa_orchestrator.model.documents import as_number, as_object, as_time
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.event_type import EventType, picked

GRANTED = EventType("authority.granted", Severity.INFO, "An authority is active that was pending, or was not in the file.")
NOTICED = EventType(
    "authority.suspension_noticed",
    Severity.HIGH,
    "An order to suspend or revoke an authority has been served, and is to come into effect.",
    opposite="authority.reinstated",
)
SUSPENDED = EventType(
    "authority.suspended",
    Severity.CRITICAL,
    "An order that suspends an authority is in effect, or has no day that can be read. Info where it is lifted when first seen.",
    opposite="authority.reinstated",
)
REVOKED = EventType(
    "authority.revoked",
    Severity.CRITICAL,
    "An order that revokes an authority is in effect, or an authority is inactive whose last change says so.",
    opposite="authority.reinstated",
)
REINSTATED = EventType(
    "authority.reinstated",
    Severity.LOW,
    "An authority is active again, or an order against it is lifted; told once where both are seen together.",
)
WITHDRAWN = EventType("authority.withdrawn", Severity.HIGH, "An authority was withdrawn.", opposite="authority.reinstated")
STATUS = EventType("authority.status_changed", Severity.MEDIUM, "The state of an authority is another one, as none of these.")
BELOW = EventType(
    "insurance.below_required",
    Severity.CRITICAL,
    "What is on file for a docket is less than its authority requires, of liability (dollars), cargo or bond, and was not.",
    opposite="insurance.required_met",
)
MET = EventType("insurance.required_met", Severity.INFO, "It is no longer less.", opposite="insurance.below_required")
REQUIREMENT = EventType("insurance.requirement_changed", Severity.LOW, "An authority requires other insurance than it did.")
TYPES = (GRANTED, NOTICED, SUSPENDED, REVOKED, REINSTATED, WITHDRAWN, STATUS, BELOW, MET, REQUIREMENT)

_FIELD = "fmcsaData.authority"
_STATES = ("active", "pending", "inactive", "withdrawn")
_ACTIVE_AGAIN: dict[str, Any] = {"before": "inactive", "after": "active"}  # in whichever file it is seen, so that it is one event
_OF_ORDERS = ("docket", "kind", "state", "description", "servedOn", "effectiveOn")
_COVERAGES = {"bipd": "bipdRequired bipdOnFile", "cargo": "cargoRequired cargoOnFile", "bond": "bondRequired bondOnFile"}


def _key(row: Mapping[str, Any]) -> str:
    return f"{row.get('docket') or ''}:{str(row.get('kind') or '').casefold()}"


def authority_order_events(change: RowChange) -> Iterator[CarrierEvent]:
    """What a row means: of the three files' rows only orders tell anything, and one that is there no more, or again, does not."""
    before, after = change.before, change.after
    if after is None or after.get("record") != "order" or (before or {}).get("state") == after["state"]:
        return
    if before is None and after["firstSeen"] != after["lastChanged"]:
        return
    order, effective = picked(after, _OF_ORDERS), as_time(after["effectiveOn"])
    data = {"docket": after["docket"], "authorityType": after["kind"]}
    if after["state"] == "lifted" and before is not None:
        yield REINSTATED.event(_key(after), **_ACTIVE_AGAIN, data={**data, "order": order})
        return
    description = (after["description"] or "").upper()
    kind = NOTICED if after["state"] == "scheduled" else REVOKED if "REVO" in description else SUSPENDED
    yield kind.event(
        change.key,
        severity=Severity.INFO if after["state"] == "lifted" else None,
        before=None if before is None else picked(before, _OF_ORDERS),
        after=order,
        occurred_on=as_time(after["servedOn"]) if kind is NOTICED else effective,
        data=data,
    )


def authority_events(change: FieldChange, _rules: AlertRules) -> Iterator[CarrierEvent]:
    """What a change of the authorities means. One that is no longer listed proves nothing, nor does a carrier in no file."""
    before, after = as_object(change.before.get(_FIELD)), as_object(change.after.get(_FIELD))
    if not before or not after:
        return
    old, new = _by_key(before), _by_key(after)
    is_all = (as_number(before.get("total")) or 0) <= len(_entries(before))
    for key, entry in new.items():
        if key in old or is_all:
            yield from _state_events(key, _state(old.get(key)), entry)
        if key in old:
            yield from _coverage_events(key, old[key], entry)


def _entries(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = value.get("authorities")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _by_key(value: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Each authority once; of several of one docket and kind the first, which is active if any is."""
    found: dict[str, Mapping[str, Any]] = {}
    for entry in _entries(value):
        found.setdefault(_key(entry), entry)
    return found


def _state(entry: Mapping[str, Any] | None) -> str | None:
    """Its state; of one that only the history has, that of its last change."""
    if entry is None:
        return None
    return str(entry.get("state") or as_object(entry.get("lastChange")).get("status") or "").strip().lower()


def _state_events(key: str, old: str | None, entry: Mapping[str, Any]) -> Iterator[CarrierEvent]:
    """`old` is None where it was not listed, and is no change where it is not known."""
    new, last = _state(entry), as_object(entry.get("lastChange"))
    if new not in _STATES or old == new or (old is not None and old not in _STATES):
        return
    data = {"docket": entry.get("docket"), "authorityType": entry.get("kind"), "reason": last.get("reason")}
    changed_on = as_time(last.get("changedOn"))
    if old == "inactive" and new == "active":
        yield REINSTATED.event(key, **_ACTIVE_AGAIN, occurred_on=changed_on, data=data)
        return
    if new == "active":
        kind = REINSTATED if old == "withdrawn" else GRANTED
    elif new == "withdrawn":
        kind = WITHDRAWN
    else:
        is_revoked = new == "inactive" and "REVO" in str(last.get("reason") or "").upper()
        kind = REVOKED if is_revoked else STATUS
    yield kind.event(key, before=old, after=new, occurred_on=changed_on, data=data)


def _coverage_events(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[CarrierEvent]:
    for coverage, names in _COVERAGES.items():
        required, on_file = names.split()
        sides: list[dict[str, Any]] = [{"required": side.get(required), "onFile": side.get(on_file)} for side in (old, new)]
        told: dict[str, Any] = {
            "before": sides[0],
            "after": sides[1],
            "data": {"docket": new.get("docket"), "coverage": coverage},
        }
        if any(type(side["required"]) not in {bool, int, float} for side in sides):
            continue
        if sides[0]["required"] != sides[1]["required"]:
            yield REQUIREMENT.event(f"{key}:{coverage}", **told)
        was, now = (_lacks(**side) for side in sides)
        if was is not None and now is not None and was != now:
            yield (BELOW if now else MET).event(f"{key}:{coverage}", **told)


def _lacks(required: float | bool, onFile: Any) -> bool | None:  # noqa: N803  # as the field is called
    """Whether less is on file than is required: dollars, or whether there is any; None where that is not known."""
    return onFile < required if type(onFile) in {bool, int, float} else None
