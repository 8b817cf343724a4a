"""What a change of a vehicle's row means for the crash that it was in."""

from datetime import UTC, datetime

import pytest

from fmcsa_orchestrator.model.carrier_events import Observation, RowChange
from fmcsa_orchestrator.sources.changes.crashes import crash_events, crash_of_row

DAY = datetime(2026, 5, 14, tzinfo=UTC)
SMS = {"notPreventable": None, "timeWeight": 3}
ROW = {"reportState": "OH", "reportNumber": "OH1", "sequence": 1, "crashedOn": DAY, "fatalities": 0, "injuries": 0, "towAway": True,
       "hazmatReleased": False, "location": "I-5 SB", "city": "LATHROP", "severity": "towAway", "matchStatus": "complete",
       "inMcmis": True, "sms": None}  # fmt: skip
HELD = {**ROW, "matchStatus": "hold"}
ONLY_SMS = {**ROW, "matchStatus": None, "inMcmis": False, "sms": SMS}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, ROW, [("crash.added", "medium")]),
        (None, {**ROW, "severity": "injury"}, [("crash.added", "high")]),
        (None, {**ROW, "severity": "fatal"}, [("crash.added", "critical")]),
        (None, {**ROW, "severity": "other"}, [("crash.added", "low")]),
        (None, ONLY_SMS, [("crash.added", "medium")]),
        (None, HELD, []),  # not yet this carrier's
        (HELD, ROW, [("crash.added", "medium")]),
        (ROW, HELD, [("crash.reattributed", "info")]),
        (ROW, None, [("crash.removed", "info")]),
        (HELD, None, []),
        (ROW, {**ROW, "sms": SMS, "weather": "snow"}, []),
        (ONLY_SMS, {**ONLY_SMS, "sms": None}, []),  # its 24 months are over
        (ROW, {**ROW, "fatalities": 1, "severity": "fatal"}, [("crash.changed", "critical")]),
        (ONLY_SMS, {**ONLY_SMS, "sms": {"notPreventable": True}}, [("crash.not_preventable", "info")]),
        ({**ROW, "sms": {"notPreventable": True}}, {**ROW, "sms": {"notPreventable": True, "timeWeight": 1}}, []),
    ],
)
def test_what_a_row_means(before, after, expected):
    events = list(crash_events(RowChange("OH:OH1:1", before, after)))
    assert [(event.type, event.severity) for event in events] == expected
    assert all((event.key, event.occurred_on) == ("OH:OH1", DAY) for event in events)


def test_the_vehicles_of_a_crash_tell_one_event():
    seen = Observation("c", 123, "crashes", DAY, DAY)
    changes = [RowChange(f"OH:OH1:{n}", None, {**ROW, "sequence": n, "vin": str(n), "towAway": n == 1}) for n in (1, 2)]
    ids = {seen.document(event)["id"] for change in changes for event in crash_events(change)}
    assert len(ids) == 1


def test_a_vehicle_more_or_less_is_no_crash_more_or_less():
    assert not list(crash_events(RowChange("OH:OH1:2", None, ROW, others_before=True)))
    assert not list(crash_events(RowChange("OH:OH1:2", ROW, None, others_after=True)))
    assert list(crash_events(RowChange("OH:OH1:2", HELD, ROW, others_before=True, others_after=True)))


@pytest.mark.parametrize("key", ["OH:OH1", "OH:OH1:1", "OH:OH1::2", "OH:OH1:1:2"])
def test_what_a_crash_is_known_by(key):
    assert crash_of_row(key) == "OH:OH1"
