"""What is sent: an event as JSON and as text, a digest of many."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.delivery.notice import Digest, notice_of
from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.storage.mongodb.driver import ObjectId
from tests.support.deliveries import event


def stored(number, **more):
    return {"_id": number, **event(number, **more), "expiring": datetime(2026, 11, 27, tzinfo=UTC)}


def test_the_body_is_a_cloud_event_and_nothing_of_the_store():
    document = stored(1, company=ObjectId("65a1b2c3d4e5f60718293a4b"))
    body = json.loads(notice_of(document).body())
    assert body.keys() == {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
    assert (body["id"], body["specversion"], body["time"]) == (document["id"], "1.0", "2026-11-27T09:00:00Z")
    assert body["data"]["companyId"] == "65a1b2c3d4e5f60718293a4b"
    assert notice_of(document).body() == notice_of(document).body()


def test_the_text_tells_what_has_changed():
    notice = notice_of(stored(7, severity=Severity.HIGH))
    assert notice.title == "[high] violation.added: USDOT 1021580"
    assert notice.text == "violation.added: row-7: violationCode 393.7\ncompany: c1"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(VALUES, VALUES, st.text())
def test_whatever_a_source_tells_is_json_and_text_of_bounded_length(before, after, company):
    document = stored(1, company=company)
    document["data"] |= {"before": before, "after": after}
    notice = notice_of(document)
    assert json.loads(notice.body())["id"] == document["id"]
    assert len(notice.text) < 400
    assert "\x1b" not in notice.title + notice.text
    assert len(notice.text.split("\n")) == 2


def test_a_digest_counts_all_and_tells_the_most_severe_carrier_by_carrier():
    digest = Digest()
    for number in range(250):
        digest.add([stored(number, company=f"c{number % 3}", severity=Severity.LOW)])
    digest.add([stored(900, company="c9", severity=Severity.CRITICAL), stored(901, company="c2", severity=Severity.HIGH)])
    notice = digest.notice("r:2026-11-27")
    assert (digest.count, notice.id) == (252, "r:2026-11-27")
    assert notice.title == "FMCSA: 252 changes at 1 carrier (1 critical, 1 high, 250 low)"
    lines = notice.text.split("\n")
    assert lines[0] == "USDOT 1021580 (company c9)"
    assert lines[1] == "  [critical] violation.added: row-900: violationCode 393.900"
    assert lines[3] == "USDOT 1021580 (company c2)"
    assert lines[-1] == "and 152 more that are less severe; all: fmcsa-orchestrator events"
    assert len(notice.events) == 100
    assert "_id" not in notice.events[0]


def test_a_digest_of_one():
    digest = Digest()
    digest.add([stored(1)])
    assert digest.notice("x").title == "FMCSA: 1 change at 1 carrier (1 low)"
    assert "more" not in digest.notice("x").text
