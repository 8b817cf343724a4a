"""A subscriber's document: what it may be, when its turn is, what becomes of it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.model import subscriber
from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.subscriber import Subscriber, SubscriberState, set_back
from tests.support.deliveries import AT, Clock, Deliveries, FlakyReceiver, event

GOOD = {
    "webhook": {"_id": "w", "kind": "webhook", "address": "https://hooks.example.com/x", "secret": "ops"},
    "apprise": {"_id": "a", "kind": "apprise", "secret": "mail", "form": "digest", "hour": 6, "timeZone": "America/Chicago"},
    "callable": {"_id": "c", "kind": "callable", "types": ["violation", "crash.added"], "companies": [1, "x"], "leastSeverity": "high"},
}  # fmt: skip


@pytest.mark.parametrize("document", GOOD.values(), ids=GOOD)
def test_a_document_is_read_and_written_alike(document):
    written = Subscriber.of(document).begun(7, AT).document()
    assert Subscriber.of(written).document() == written
    assert written | document == written
    assert all(type(value) in {str, int, list, datetime, type(None)} for value in written.values())


@pytest.mark.parametrize(
    ("kind", "change", "word"),
    [("webhook", {"address": None}, "address"), ("webhook", {"secret": None}, "secret"), ("webhook", {"form": "digest"}, "digest"),
     ("apprise", {"secret": None}, "secret"), ("apprise", {"address": "mailto://u:p@x"}, "secrets"), ("callable", {"_id": "$no"}, "_id"),
     ("callable", {"_id": ""}, "_id"), ("callable", {"kind": "pigeon"}, "kind"), ("callable", {"hour": 24}, "hour"),
     ("callable", {"timeZone": "Mars/Olympus"}, "time zone"), ("callable", {"timeZone": "../../etc/passwd"}, "time zone"),
     ("callable", {"quietFrom": 22}, "quiet"), ("callable", {"quietFrom": 7, "quietUntil": 7}, "quiet"),
     ("callable", {"types": ["$ne"]}, "types"), ("callable", {"leastSeverity": "loud"}, "leastSeverity")],
)  # fmt: skip
def test_one_that_cannot_be_is_refused_without_what_it_says(kind, change, word):
    with pytest.raises(SettingsError, match=word) as caught:
        Subscriber.of({**GOOD[kind], **change})
    assert "mailto" not in str(caught.value)


def test_severities():
    assert Subscriber.of(GOOD["callable"]).severities == ["high", "critical"]
    assert Subscriber.of(GOOD["webhook"]).severities == []


@pytest.mark.parametrize(
    ("hour", "quiet", "due"),
    [(21, (22, 7), True), (22, (22, 7), False), (3, (22, 7), False), (7, (22, 7), True), (12, (9, 17), False), (17, (9, 17), True),
     (8, (9, 17), True), (3, None, True)],
)  # fmt: skip
def test_quiet_hours_are_by_the_clock_there(hour, quiet, due):
    quiet_from, quiet_until = quiet or (None, None)
    one = Subscriber(name="c", kind="callable", time_zone="America/Chicago", quiet_from=quiet_from, quiet_until=quiet_until)
    assert one.is_due(datetime(2026, 11, 27, (hour + 6) % 24, tzinfo=UTC)) is due  # six hours behind UTC in November


@given(st.integers(0, 40), st.floats(0, 100_000), st.booleans())
def test_a_retry_waits_at_least_as_long_as_asked_and_no_longer_than_needed(attempts, asked_s, moved):
    one = Subscriber(name="c", kind="callable", attempts=attempts, failing_since=AT)
    values = set_back(one, "no", AT, timedelta(days=5), pause_s=asked_s, is_gone=False, moved=moved)
    wait_s = (values["nextTry"] - AT).total_seconds()
    assert asked_s - 0.001 <= wait_s <= max(asked_s, 4_500) + 0.001
    assert wait_s >= 3.75
    assert "state" not in values


def test_one_that_has_got_on_is_not_parked_for_what_was_before():
    one = Subscriber(name="c", kind="callable", attempts=9, failing_since=AT - timedelta(days=9))
    for moved, attempts, state in ((True, 1, None), (False, 10, SubscriberState.PARKED)):
        values = set_back(one, "no", AT, timedelta(days=5), pause_s=None, is_gone=False, moved=moved)
        assert (values["attempts"], values.get("state")) == (attempts, state)


async def digests(receiver, hours, *, start=AT, appends=(), **attributes):
    """The hours, counted from the start, at which a digest was accepted; events come at the hours in `appends`."""
    world = Deliveries({"r": receiver})
    world.clock = Clock(start)
    world.store.leases.now = world.clock
    await world.subscribe("r", form="digest", **attributes)
    found = []
    for hour in range(hours):
        if hour in appends:
            await world.log.append([event(hour), event(hour + 10_000, company="c2", severity=Severity.HIGH)])
        before = len(receiver.received)
        await world.deliver()
        found += [hour] * (len(receiver.received) - before)
        world.clock.pass_by(hours=1)
    return found


async def test_a_digest_is_sent_once_a_day_at_its_hour_and_not_when_it_is_empty():
    receiver = FlakyReceiver()
    assert await digests(receiver, 24 * 6, appends=(0, 2, 23, 24, 71), hour=7) == [22, 46, 94]  # it begins at 9 o'clock
    assert len(set(receiver.received)) == 3


async def test_a_digest_that_fails_is_tried_again_but_not_in_quiet_hours():
    receiver = FlakyReceiver(["down"] * 9)
    found = await digests(receiver, 48, appends=(0,), hour=20, quiet_from=22, quiet_until=6)
    assert found == [24 + 13 - 9]  # it fails at 20 and 21, and from 6 to 12 on the next day
    assert receiver.sent == 10


async def test_the_day_of_a_digest_is_that_of_its_time_zone():
    start = datetime(2026, 3, 6, 0, tzinfo=UTC)  # on the 8th, clocks in Chicago go forward
    assert await digests(FlakyReceiver(), 96, start=start, appends=range(96), hour=7, time_zone="America/Chicago") == [
        13, 24 + 13, 48 + 12, 72 + 12,
    ]  # fmt: skip


def test_where_no_time_zones_are_installed_there_is_utc_all_the_same(monkeypatch):
    def nothing(name):
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(subscriber, "ZoneInfo", nothing)
    assert Subscriber(name="c", kind="callable", form="digest", hour=9).day(AT) == "2026-11-27"
    with pytest.raises(SettingsError, match="time zone"):
        Subscriber.of({**GOOD["callable"], "timeZone": "America/Chicago"})
