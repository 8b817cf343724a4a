"""The orchestrator with fakes only: order, isolation, honest stamps, time and cancellation."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import (
    Company,
    Document,
    MalformedPayloadError,
    Orchestrator,
    Outcome,
    SourceReport,
    SourceUnavailableError,
)
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.syncs import companies, orchestrator, raises, status, value

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_the_least_recently_attempted_go_first_one_at_a_time():
    running = 0

    async def fetch(company):
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        running -= 1
        return SourceReport()

    ages = {0: None, 1: 3, 2: 9, 3: 1}
    stored = [
        company
        | (
            {"fmcsaData": {"syncStatus": {"lastRun": LONG_AGO - timedelta(days=ages[company["_id"]])}}}
            if ages[company["_id"]]
            else {}
        )
        for company in companies(4)
    ]
    source = FakeSource("one", fetch)
    repository = InMemoryRepository(stored)
    summary = await orchestrator(repository, source, batch_size=2).sync_all_companies()
    assert [company.id for company in source.asked] == [0, 2, 1, 3]
    assert (summary.total, summary.succeeded, summary.success, summary.stopped) == (4, 4, True, None)


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError("no text for you")


class Odd(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "kind"),
    [(SourceUnavailableError("down"), "upstream_unavailable"), (MalformedPayloadError("odd"), "malformed"), (RuntimeError("bug"), "unexpected"),
     (UnprintableError(), "unexpected"), (Odd("base"), "unexpected"), (asyncio.CancelledError(), "unexpected"), (GeneratorExit(), "unexpected"),
     (TimeoutError("own"), "timeout"), (BaseExceptionGroup("g", [Odd()]), "unexpected"), (StopAsyncIteration(), "unexpected")],
)  # fmt: skip
async def test_a_source_that_raises_anything_fails_alone(error, kind, caplog):
    repository = InMemoryRepository(companies(2))
    good = [FakeSource("before", value("a.x")), FakeSource("after", value("b.x"))]
    summary = await orchestrator(repository, good[0], FakeSource("bad", raises(error)), good[1]).sync_all_companies()
    assert (summary.total, summary.failed) == (2, 2)
    assert summary.errors[0]["companyId"] == 0
    assert [(failure.source, failure.kind) for failure in summary.errors[0]["errors"]] == [("bad", kind)]
    stored = status(repository)
    assert {name: source["outcome"] for name, source in stored["sources"].items()} == {
        "before": "changed", "bad": "timed_out" if kind == "timeout" else "failed", "after": "changed",
    }  # fmt: skip
    assert stored["success"] is False
    assert "badLastSync" not in stored
    assert {"beforeLastSync", "afterLastSync"} <= stored.keys()
    assert ("Traceback" in caplog.text) is (kind == "unexpected")


@pytest.mark.parametrize("answer", [None, {}, "text", 5, [SourceReport()]])
async def test_a_source_of_the_wrong_type_fails_alone(answer):
    repository = InMemoryRepository(companies(1))
    result = await orchestrator(repository, FakeSource("bad", lambda _: answer), FakeSource("good", value("b"))).sync_company(0)
    assert (result.outcomes["bad"].outcome, result.outcomes["good"].outcome) == (Outcome.FAILED, Outcome.CHANGED)
    assert "not a SourceReport" in result.errors[0].error


async def test_a_source_that_hangs_is_cancelled_and_the_others_get_their_time(jump):
    cancelled = asyncio.Event()

    async def hang(company):
        jump(50)  # its half of the time
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    repository = InMemoryRepository(companies(1))
    result = await orchestrator(
        repository, FakeSource("bad", hang), FakeSource("good", value("b")), company_timeout_s=100
    ).sync_company(0)
    assert cancelled.is_set()
    assert (result.outcomes["bad"].outcome, result.outcomes["good"].outcome) == (Outcome.TIMED_OUT, Outcome.CHANGED)
    assert result.errors[0].kind == "timeout"


async def test_a_later_source_sees_the_company_as_earlier_ones_left_it():
    seen = []

    def look(company):
        seen.append(company.document["score"]["value"])
        return SourceReport()

    repository = InMemoryRepository(companies(1, score={"value": 1, "own": "kept"}))
    await orchestrator(repository, FakeSource("first", value("score.value", 2)), FakeSource("second", look)).sync_company(0)
    assert seen == [2]
    assert repository.companies[0]["score"] == {"value": 2, "own": "kept"}


async def test_changed_then_unchanged_with_honest_stamps():
    repository = InMemoryRepository(companies(1))
    sync = orchestrator(repository, FakeSource("s", lambda _: SourceReport(fields={"a": 1}, documents=[Document("1", {"n": 1})])))
    first = await sync.sync_company(0)
    after_first = status(repository)["sources"]["s"]
    second = await sync.sync_company(0)
    after_second = status(repository)["sources"]["s"]
    assert (first.outcomes["s"].outcome, first.outcomes["s"].written) == (Outcome.CHANGED, 1)
    assert (second.outcomes["s"].outcome, second.outcomes["s"].written) == (Outcome.UNCHANGED, 0)
    assert after_second["lastChanged"] == after_first["lastChanged"] <= after_second["lastSuccess"]
    assert repository.current_rows("fmcsaS", 0)[0]["n"] == 1


async def test_a_failure_keeps_data_and_stamps_of_the_last_success():
    repository = InMemoryRepository(companies(1))
    good = FakeSource("s", lambda _: SourceReport(fields={"a": 1}, documents=[Document("1", {"n": 1})]))
    await orchestrator(repository, good).sync_company(0)
    before, stamp = repository.companies[0], status(repository)["sLastSync"]
    await orchestrator(repository, FakeSource("s", raises(SourceUnavailableError("down")))).sync_company(0)
    assert repository.companies[0]["a"] == before["a"]
    assert len(repository.current_rows("fmcsaS", 0)) == 1
    assert status(repository)["sLastSync"] == stamp == status(repository)["sources"]["s"]["lastSuccess"]
    assert (status(repository)["sources"]["s"]["outcome"], status(repository)["success"]) == ("failed", False)
    assert status(repository)["errors"][0]["kind"] == "upstream_unavailable"
    await orchestrator(repository, good).sync_company(0)
    assert (status(repository)["errors"], status(repository)["success"]) == ([], True)


async def test_what_is_incomplete_is_stored_and_told():
    report = SourceReport(fields={"a": 1}, version="v", incomplete=SourceUnavailableError("second half"))
    repository = InMemoryRepository(companies(1))
    result = await orchestrator(repository, FakeSource("s", lambda _: report)).sync_company(0)
    assert (result.success, repository.companies[0]["a"], result.errors[0].kind) == (False, 1, "upstream_unavailable")
    assert "sLastSync" not in status(repository)
    assert status(repository)["sources"]["s"]["version"] is None


async def test_a_run_ends_at_its_deadline_and_the_next_carries_on(jump):
    async def fetch(company):
        if company.id == 2:
            jump(60)
            await asyncio.Event().wait()
        return SourceReport()

    repository = InMemoryRepository(companies(5))
    summary = await orchestrator(repository, FakeSource("s", fetch), batch_size=1).sync_all_companies(deadline_s=60)
    assert (summary.stopped, summary.success, summary.total) == ("deadline", False, 2)
    later = FakeSource("s", lambda _: SourceReport())
    await orchestrator(repository, later).sync_all_companies()
    assert [company.id for company in later.asked] == [2, 3, 4, 0, 1]


async def test_a_handlers_time_is_kept(jump):
    async def hang(company):
        jump(50)
        await asyncio.Event().wait()

    repository = InMemoryRepository(companies(1))
    sync = orchestrator(repository, FakeSource("bad", hang), FakeSource("good", value("b")))
    result = await sync.sync_company(0, timeout_s=100)
    assert (result.outcomes["bad"].outcome, result.outcomes["good"].outcome) == (Outcome.TIMED_OUT, Outcome.CHANGED)

    async def slow_store(*_):
        jump(100)
        await asyncio.Event().wait()

    repository.find_company = slow_store
    result = await sync.sync_company(0, timeout_s=100)
    assert (result.success, result.errors[0].kind) == (False, "timeout")


async def test_cancellation_passes_and_leaves_the_old_status():
    started = asyncio.Event()

    async def hang(company):
        started.set()
        await asyncio.Event().wait()

    repository = InMemoryRepository(companies(1))
    for call in (lambda o: o.sync_all_companies(), lambda o: o.sync_company(0)):
        task = asyncio.create_task(call(orchestrator(repository, FakeSource("s", hang))))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(status(repository)) == ["lease"]
        assert status(repository)["lease"]["owner"] is None
        started.clear()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_interpreters_exit_passes(error):
    async def main():
        await orchestrator(InMemoryRepository(companies(1)), FakeSource("s", raises(error()))).sync_all_companies()

    with pytest.raises(error):
        asyncio.run(main())


async def test_every_call_into_a_source_passes_the_limiter():
    class Counting(AsyncLimiter):
        acquired = 0

        async def acquire(self, amount=1):
            self.acquired += 1

    limiter = Counting(1, 1)
    sources = [FakeSource("a", value("x")), FakeSource("b", value("y"))]
    await Orchestrator(sources=sources, repository=InMemoryRepository(companies(3)), limiter=limiter).sync_all_companies()
    assert limiter.acquired == 6


def test_a_result_reads_as_attributes_and_keys():
    company = Company(1, 7)
    assert company.stored_rows("x") == 0
