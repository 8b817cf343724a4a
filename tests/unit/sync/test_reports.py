"""A host's own source that reports what is no report: it fails alone, and nothing of what it says is written or ended."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fmcsa_orchestrator import Document, Outcome, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.steps import Batched
from tests.support.syncs import companies, orchestrator, status, value

NOT_REPORTS = {
    "a generator": {"documents": (Document(str(n), {}) for n in range(2))},
    "an empty generator": {"documents": (n for n in ())},
    "a set": {"documents": set()},
    "a mapping": {"documents": {}},
    "a text": {"documents": ""},
    "dicts for documents": {"documents": [{"id": "1", "content": {}}]},
    "a good one and a bad": {"documents": [Document("9", {}), None]},
    "a content that is a list": {"documents": [Document("9", [("n", 1)])]},
    "an end that is a text": {"documents": [Document("9", {}, "2027-01-01")]},
    "rows as text": {"rows": "3"},
    "rows below zero": {"rows": -1},
    "rows as bool": {"rows": True},
    "rows without end": {"rows": 2**70},
    "a time as text": {"data_as_of": "2026-11-25"},
    "a time without a zone": {"data_as_of": datetime(2026, 11, 25)},  # that is the fault
    "a time beyond all times": {"data_as_of": datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))},
    "an outcome that is none": {"outcome": "splendid"},
    "an outcome as text": {"outcome": "changed"},
    "no outcome": {"outcome": None},
    "fields as pairs": {"fields": [("s", 2)]},
    "stamps as text": {"stamps": "s"},
    "a message that is none": {"message": b"x"},
    "a version that no store takes": {"version": "\ud800"},
    "an error that is none": {"incomplete": "half"},
}


def batched(fetch):
    return Batched("s", fetch, lambda: next(turns))


turns = iter(range(10**9))


@pytest.mark.parametrize("kind", [lambda fetch: FakeSource("s", fetch), batched], ids=["single", "batch"])
@pytest.mark.parametrize("way", ["run", "company"])
@pytest.mark.parametrize("bad", NOT_REPORTS.values(), ids=NOT_REPORTS.keys())
async def test_what_is_no_report_is_found_before_anything_is_written(bad, way, kind):
    repository = InMemoryRepository(companies(1))
    rows = [Document(str(n), {"n": n}) for n in range(7)]
    good = kind(lambda _: SourceReport(fields={"s": 1}, documents=rows))
    other = FakeSource("other", value("other"))
    await orchestrator(repository, good, other).sync_all_companies()
    before = repository.current_rows("fmcsaS", 0)
    sync = orchestrator(repository, kind(lambda _: SourceReport(**{"fields": {"s": 2}, "documents": None} | bad)), other)
    if way == "run":
        summary = await sync.sync_all_companies()
        assert (summary.stopped, summary.failed) == (None, 1)
        (failure,) = summary.errors[0]["errors"]
    else:
        (failure,) = (await sync.sync_company(0)).errors
    assert (failure.source, failure.kind) == ("s", "unexpected")
    assert repository.current_rows("fmcsaS", 0) == before
    assert repository.companies[0]["s"] == 1
    assert {name: entry["outcome"] for name, entry in status(repository)["sources"].items()} == {
        "s": "failed",
        "other": "unchanged",
    }


@pytest.mark.parametrize(
    ("said", "kind"),
    [(Outcome.FAILED, "unexpected"), (Outcome.TIMED_OUT, "timeout"), (Outcome.UNAVAILABLE, "upstream_unavailable")],
)
@pytest.mark.parametrize("message", [None, "the other system is down"])
async def test_a_source_that_says_it_has_failed_has_failed(said, kind, message):
    repository = InMemoryRepository(companies(1))
    await orchestrator(repository, FakeSource("s", value("s"))).sync_all_companies()
    stamp = status(repository)["sLastSync"]
    report = SourceReport(fields={"s": 2}, documents=[Document("1", {})], outcome=said, message=message)
    result = await orchestrator(repository, FakeSource("s", lambda _: report)).sync_company(0)
    assert (result.success, [error.kind for error in result.errors]) == (False, [kind])
    assert result.outcomes["s"].failed
    assert (message or said.value) in result.errors[0].error
    assert (repository.companies[0]["s"], repository.rows["fmcsaS"][0], status(repository)["sLastSync"]) == (1, {}, stamp)
    assert status(repository)["success"] is False


@pytest.mark.parametrize(("content", "outcome"), [(1, Outcome.UNCHANGED), (2, Outcome.CHANGED)])
async def test_whether_something_has_changed_is_not_for_the_source_to_say(content, outcome):
    repository = InMemoryRepository(companies(1))
    await orchestrator(repository, FakeSource("s", value("s"))).sync_all_companies()
    report = SourceReport(fields={"s": content}, outcome=Outcome.UNCHANGED)
    result = await orchestrator(repository, FakeSource("s", lambda _: report)).sync_company(0)
    assert (result.outcomes["s"].outcome, result.outcomes["s"].changed) == (outcome, content == 2)


async def test_all_rows_of_a_large_carrier_are_looked_at_before_the_first_is_written():
    rows = [Document(str(n), {"n": n}) for n in range(10_100)]
    repository = InMemoryRepository(companies(1))
    for bad in ([*rows, "no document"], [*rows, Document("x", {"hash": 1})], [*rows, Document(5, {})]):
        source = FakeSource("s", lambda _, bad=bad: SourceReport(documents=bad))
        assert not (await orchestrator(repository, source).sync_company(0)).success
        assert repository.rows["fmcsaS"][0] == {}


async def test_a_text_that_no_store_takes_costs_nothing_but_itself():
    repository = InMemoryRepository(companies(1))
    said = FakeSource("said", lambda _: SourceReport(message="half a \ud83d", data_as_of=datetime(2026, 11, 25, tzinfo=UTC)))

    def fail(_):
        raise RuntimeError("half a \ud83d")

    assert (await orchestrator(repository, said, FakeSource("failing", fail)).sync_all_companies()).failed == 1
    stored = status(repository)
    texts = [stored["sources"]["said"]["message"], stored["errors"][0]["error"], stored["sources"]["failing"]["message"]]
    assert all("half a" in text for text in texts)
    assert all(text.encode() for text in texts)
