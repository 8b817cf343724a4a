"""What a change of authority or insurance means; that a carrier or a row is not in the files means nothing."""

from datetime import UTC, datetime

import pytest

from fmcsa_orchestrator.model.carrier_events import FieldChange, Observation, RowChange
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.authority import authority_events, authority_order_events
from fmcsa_orchestrator.sources.changes.insurance import filing_events

DAY, LATER = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
PATH = "fmcsaData.authority"
NEW, BACK = {"firstSeen": LATER, "lastChanged": LATER}, {"firstSeen": DAY, "lastChanged": LATER}
CHANGE = {"changedOn": DAY, "status": "Inactive", "reason": "REVOKED"}
AUTHORITY = {"docket": "MC1", "kind": "Motor Carrier of Property", "state": "active", "bipdRequired": 750_000.0,
             "bipdOnFile": 750_000.0, "cargoRequired": False, "cargoOnFile": False, "bondRequired": None, "bondOnFile": None,
             "lastChange": None}  # fmt: skip
ORDER = {"record": "order", "docket": "MC1", "kind": "Motor Carrier of Property", "state": "standing",
         "description": "INVOLUNTARY SUSPENSION", "servedOn": DAY, "effectiveOn": LATER, **NEW}  # fmt: skip
FILING = {"docket": "MC1", "type": "bipd", "typeCode": "1", "form": "BMC-91X", "layer": "primary", "classCode": "P",
          "maxCoverage": 750_000.0, "underlyingLimit": 0.0, "policyNumber": "TRK 77-1", "effectiveOn": DAY, "insurer": "Harbor Co.",
          "state": "inForce", "ending": None, "endReason": None, "cancelledAsOf": None, **NEW}  # fmt: skip
CANCELLED = {**FILING, "state": "ended", "ending": "cancelled", "endReason": "CANCEL", "cancelledAsOf": LATER}


def field(*entries, total=None):
    return {"total": len(entries) if total is None else total, "authorities": list(entries)}


def of_fields(before, after):
    return list(authority_events(FieldChange({PATH: before}, {PATH: after}, {}), AlertRules()))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"state": "inactive"}, {}, ["authority.reinstated"]),
        ({"state": "withdrawn"}, {}, ["authority.reinstated"]),
        ({"state": "pending"}, {}, ["authority.granted"]),
        ({}, {"state": "withdrawn"}, ["authority.withdrawn"]),
        ({}, {"state": "inactive"}, ["authority.status_changed"]),
        ({}, {"state": "inactive", "lastChange": CHANGE}, ["authority.revoked"]),
        ({"state": None}, {"state": None, "lastChange": CHANGE}, []),  # not known before
        ({"state": "unknown"}, {}, []),
        ({}, {"state": "unknown"}, []),
        ({}, {"kind": "MOTOR CARRIER OF PROPERTY"}, []),
        ({}, {"bipdOnFile": 0.0}, ["insurance.below_required"]),
        ({"bipdOnFile": 0.0}, {}, ["insurance.required_met"]),
        ({}, {"bipdOnFile": None}, []),
        ({}, {"bipdRequired": 5_000_000.0}, ["insurance.requirement_changed", "insurance.below_required"]),
        ({}, {"cargoRequired": True}, ["insurance.requirement_changed", "insurance.below_required"]),
        ({}, {"bondRequired": True, "bondOnFile": False}, []),
    ],
)
def test_what_a_change_of_an_authority_means(old, new, expected):
    events = of_fields(field({**AUTHORITY, **old}), field({**AUTHORITY, **new}))
    assert [event.type for event in events] == expected
    assert all(event.key.startswith("MC1:motor carrier of property") for event in events)


def test_what_is_not_in_the_file_is_not_ended():
    other = {**AUTHORITY, "kind": "Broker of Property"}
    assert of_fields(None, field(AUTHORITY)) == of_fields(field(AUTHORITY), None) == of_fields(field(AUTHORITY), field()) == []
    assert [event.type for event in of_fields(field(AUTHORITY), field(AUTHORITY, other))] == ["authority.granted"]
    assert of_fields(field(AUTHORITY, total=21), field(AUTHORITY, other)) == []  # the list was not all
    assert of_fields(field(other, AUTHORITY), field(AUTHORITY, other)) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, ORDER, [("authority.suspended", "critical")]),
        (None, {**ORDER, "state": "unreadable", "effectiveOn": "soon"}, [("authority.suspended", "critical")]),
        (None, {**ORDER, "description": "REVOCATION"}, [("authority.revoked", "critical")]),
        (None, {**ORDER, "state": "scheduled"}, [("authority.suspension_noticed", "high")]),
        (None, {**ORDER, "state": "lifted"}, [("authority.suspended", "info")]),
        ({**ORDER, "state": "scheduled"}, ORDER, [("authority.suspended", "critical")]),
        (ORDER, {**ORDER, "state": "lifted"}, [("authority.reinstated", "low")]),
        (ORDER, {**ORDER, "anything": 1}, []),
        (ORDER, None, []),
        (None, {**ORDER, **BACK}, []),
        (None, {**ORDER, "record": "history"}, []),
    ],
)
def test_what_an_order_means(before, after, expected):
    events = list(authority_order_events(RowChange("order:MC1:7", before, after)))
    assert [(event.type, event.severity) for event in events] == expected


def test_a_reinstatement_that_two_files_show_is_one_event():
    seen = Observation("c", 123, "authority", LATER, LATER)
    (order,) = authority_order_events(RowChange("order:MC1:7", ORDER, {**ORDER, "state": "lifted"}))
    (state,) = of_fields(field({**AUTHORITY, "state": "inactive"}), field(AUTHORITY))
    assert seen.document(order)["id"] == seen.document(state)["id"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, FILING, [("insurance.filed", "info")]),
        (None, {**FILING, "state": "scheduled"}, [("insurance.filed", "info")]),
        (None, {**FILING, **BACK}, []),
        (FILING, None, []),
        (FILING, {**FILING, "transactions": 2, "policyNumber": "TRK77-1"}, []),
        ({**FILING, "state": "scheduled"}, FILING, []),
        (FILING, CANCELLED, [("insurance.cancelled", "high")]),
        (FILING, {**CANCELLED, "ending": "replaced"}, [("insurance.replaced", "info")]),
        (FILING, {**CANCELLED, "ending": "renamed"}, [("insurance.replaced", "info")]),
        (FILING, {**CANCELLED, "ending": "other"}, [("insurance.cancelled", "medium")]),
        (None, CANCELLED, [("insurance.cancelled", "info")]),
        (CANCELLED, FILING, [("insurance.filed", "info")]),
    ],
)
def test_what_a_filing_means_and_that_its_number_is_not_told(before, after, expected):
    events = list(filing_events(RowChange("MC1:1:P:TRK771", before, after)))
    assert [(event.type, event.severity) for event in events] == expected
    for event in events:
        assert event.data["policyDigest"] in event.key
        assert "77" not in str((event.key, event.before, event.after)).replace(event.data["policyDigest"], "")


def test_a_policy_has_one_digest_however_its_number_is_written():
    digests = {
        event.data["policyDigest"]
        for number in ("TRK 77-1", "trk771", "TRK-77 1")
        for event in filing_events(RowChange("x", None, {**FILING, "policyNumber": number}))
    }
    assert len(digests) == 1
