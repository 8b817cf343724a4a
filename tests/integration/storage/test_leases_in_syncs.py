"""Syncs under leases, on every store: who waits, who is passed over, who was too slow, and what becomes of their writes."""

import asyncio
from datetime import timedelta

import pytest

from fmcsa_orchestrator import (
    Document,
    RepositoryError,
    SourceReport,
)
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.status import LEASE
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.leases import TTL_S, Versioned, force, orchestrator, run_lease_of, set_back


@pytest.fixture
async def backend(backend):
    await backend.add({"_id": 1, "name": "One", "dotNumber": 101}, {"_id": 2, "name": "Two", "dotNumber": 102})
    return backend


async def test_after_a_sync_nobody_holds_the_company(backend):
    assert (await orchestrator(backend, FakeSource("s", lambda _: SourceReport(fields={"a": 1}))).sync_company(1)).success
    lease = (await backend.company(1))["fmcsaData"]["syncStatus"]["lease"]
    assert (lease["owner"], lease["expiresAt"], lease["token"], lease["finishedToken"]) == (None, None, 1, 1)


async def test_a_second_run_returns_at_once_and_says_who_runs_since_when(backend):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def fetch(_):
        started.set()
        await go_on.wait()
        return SourceReport()

    first = asyncio.create_task(orchestrator(backend, FakeSource("s", fetch)).sync_all_companies())
    await started.wait()
    lease = await run_lease_of(backend)
    second = FakeSource("s", lambda _: SourceReport())
    summary = await orchestrator(backend, second).sync_all_companies()
    assert (summary.stopped, summary.success, summary.total, second.asked) == ("lease_held", False, 0, [])
    (failure,) = summary.errors[0]["errors"]
    assert failure.kind == "lease_held"
    assert lease["owner"] in failure.error
    assert f"since {lease['since']:%Y-%m-%d %H:%M:%S}" in failure.error
    go_on.set()
    assert (await first).success
    assert (await orchestrator(backend, second).sync_all_companies()).success


async def test_a_run_passes_over_a_company_that_somebody_else_has_in_hand(backend):
    await backend.repository.company_leases.take([await backend.company(1)], "a handler", TTL_S)
    source = FakeSource("s", lambda _: SourceReport())
    summary = await orchestrator(backend, source).sync_all_companies()
    assert (summary.success, summary.succeeded, summary.skipped, summary.failed) == (True, 1, 1, 0)
    assert [company.id for company in source.asked] == [2]
    assert [failure.kind for entry in summary.errors for failure in entry["errors"]] == ["lease_held"]


async def test_a_company_whose_holder_died_is_taken_over(backend):
    await backend.repository.company_leases.take([await backend.company(1)], "dead", TTL_S)
    await set_back(backend, TTL_S + 1)
    assert (await orchestrator(backend, FakeSource("s", lambda _: SourceReport())).sync_company(1)).success


async def test_one_who_was_slow_notices_and_writes_nothing_more(backend, jump):
    """Overtaken while its source was read: neither rows nor fields nor status of it arrive."""
    before = {}

    async def fetch(company):
        await set_back(backend, TTL_S + 1)
        winner = FakeSource("s", lambda _: SourceReport(fields={"who": "winner"}, documents=[Document("w", {"n": 1})]))
        assert (await orchestrator(backend, winner).sync_company(1)).success
        before["company"], before["rows"] = await backend.company(1), await backend.rows("fmcsaS")
        jump(TTL_S + 1)
        return SourceReport(fields={"who": "loser"}, documents=[Document("l", {"n": 2})])

    loser = orchestrator(backend, FakeSource("s", fetch))
    result = await loser.sync_company(1)
    assert (result.success, [error.kind for error in result.errors]) == (False, ["lease_lost"])
    assert await backend.company(1) == before["company"]
    assert await backend.rows("fmcsaS") == before["rows"]
    assert [row["_id"] for row in before["rows"]] == ["1:w"]


async def test_one_whose_clock_stood_still_is_refused_and_what_it_wrote_is_read_again(backend):
    """As a machine that was put to sleep: it believes the lease to be its own, and writes rows over the winner's."""
    upstream = {"n": 1}

    def read(_):
        return SourceReport(fields={"n": upstream["n"]}, documents=[Document("r", {"n": upstream["n"]})], version="v1")

    async def fetch(company):
        slow = read(company)
        upstream["n"] = 2
        await set_back(backend, TTL_S + 1)
        assert (await orchestrator(backend, Versioned("s", read)).sync_company(1)).success
        return slow

    result = await orchestrator(backend, Versioned("s", fetch)).sync_company(1)
    assert (result.success, [error.kind for error in result.errors]) == (False, ["lease_lost"])
    company = await backend.company(1)
    assert (company["n"], company["fmcsaData"]["syncStatus"]["sources"]["s"]["version"]) == (2, None)
    assert (await orchestrator(backend, Versioned("s", read)).sync_all_companies()).success
    assert {row["n"] for row in await backend.rows("fmcsaS")} == {2}


async def test_one_overtaken_between_rows_and_status_leaves_the_winners_status(backend):
    repository = backend.repository
    original = repository.save

    async def overtaken(updates):
        repository.save = original
        await set_back(backend, TTL_S + 1)
        winner = FakeSource("s", lambda _: SourceReport(fields={"who": "winner"}))
        assert (await orchestrator(backend, winner).sync_company(1)).success
        return await original(updates)

    repository.save = overtaken
    result = await orchestrator(backend, FakeSource("s", lambda _: SourceReport(fields={"who": "loser"}))).sync_company(1)
    assert [error.kind for error in result.errors] == ["lease_lost"]
    assert (await backend.company(1))["who"] == "winner"


@pytest.mark.parametrize("overtaken", [True, False], ids=["overtaken", "nobody came"])
async def test_a_write_that_took_longer_than_the_lease_makes_the_next_sync_read_again(backend, overtaken):
    """The rows may have arrived after somebody else had taken over: then nothing is claimed to be known any more."""

    def read(_):
        return SourceReport(documents=[Document("r", {"n": 1})], version="v1")

    assert (await orchestrator(backend, Versioned("s", read)).sync_company(1)).success
    loop = asyncio.get_running_loop()
    original, repository = backend.repository.write_rows, backend.repository

    async def slow(*write):
        answer = await original(*write)
        much_later = loop.time() + TTL_S + 1
        loop.time = lambda: much_later
        if overtaken:
            await force(backend, 1, {f"{LEASE}token": 99, f"{LEASE}owner": "another"})
        return answer

    repository.write_rows = slow
    changed = Versioned("s", lambda _: SourceReport(documents=[Document("r", {"n": 2})], version="v1"))
    try:
        result = await orchestrator(backend, changed).sync_company(1, force=True)
    finally:
        del loop.time
    repository.write_rows = original
    if not overtaken:
        assert result.success
        return
    assert [error.kind for error in result.errors] == ["lease_lost"]
    assert (await backend.company(1))["fmcsaData"]["syncStatus"]["sources"]["s"]["version"] is None
    await set_back(backend, TTL_S + 1)
    again = Versioned("s", read)
    assert (await orchestrator(backend, again).sync_company(1)).success
    assert len(again.asked) == 1


async def test_calls_for_one_company_at_one_time_share_one_sync(backend):
    go_on = asyncio.Event()

    async def fetch(_):
        await go_on.wait()
        return SourceReport(fields={"a": 1})

    source = FakeSource("s", fetch)
    shared = orchestrator(backend, source)
    calls = [asyncio.create_task(shared.sync_company(1)) for _ in range(20)]
    while not source.asked:
        await asyncio.sleep(0)
    calls[0].cancel()  # the others still want the answer
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await calls[0]
    results = await asyncio.gather(*calls[1:])
    assert all(result.success for result in results)
    assert len(source.asked) == 1
    await shared.sync_company(1)
    assert len(source.asked) == 2


async def test_a_shared_sync_ends_when_nobody_wants_it_any_more(backend):
    ended = asyncio.Event()

    async def fetch(_):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    source = FakeSource("s", fetch)
    shared = orchestrator(backend, source)
    calls = [asyncio.create_task(shared.sync_company(1)) for _ in range(2)]
    while not source.asked:
        await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert ended.is_set()
    assert (await backend.company(1))["fmcsaData"]["syncStatus"]["lease"]["owner"] is None


async def test_a_handler_waits_for_the_company_that_a_run_has_in_hand(backend, monkeypatch):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def fetch(company):
        if company.id == 1:
            started.set()
            await go_on.wait()
        return SourceReport()

    run = asyncio.create_task(orchestrator(backend, FakeSource("s", fetch)).sync_all_companies())
    await started.wait()
    own = FakeSource("s", lambda _: SourceReport())
    handler = orchestrator(backend, own)
    monkeypatch.setattr("fmcsa_orchestrator.sync.on_demand.LEASE_WAIT_S", 1_000)  # no second look within its time
    late = await handler.sync_company(1)
    assert (late.success, late.errors[0].kind, own.asked) == (False, "lease_held", [])
    monkeypatch.setattr("fmcsa_orchestrator.sync.on_demand.LEASE_WAIT_S", 0.001)
    waiting = asyncio.create_task(handler.sync_company(1))
    go_on.set()
    assert (await waiting).success
    assert (await run).success


async def test_what_ends_two_runs_goes_last_in_the_third(backend, jump):
    async def fetch(company):
        if company.id == 1:
            jump(60)
            await asyncio.Event().wait()
        return SourceReport()

    for expected in (0, 0, 1):
        hanging = orchestrator(backend, FakeSource("s", fetch), lease_ttl_s=300)
        summary = await hanging.sync_all_companies(deadline_s=60)
        assert (summary.stopped, summary.total) == ("deadline", expected)
    source = FakeSource("s", lambda _: SourceReport())
    await orchestrator(backend, source).sync_all_companies()
    assert [company.id for company in source.asked] == [2, 1]
    assert (await backend.company(1))["fmcsaData"]["syncStatus"]["success"] is True


async def test_what_became_of_the_last_run_is_kept(backend):
    assert await backend.repository.last_run() is None
    summary = await orchestrator(backend, FakeSource("s", lambda _: SourceReport())).sync_all_companies()
    kept = await backend.repository.last_run()
    assert (kept["total"], kept["success"], kept["stopped"]) == (2, True, None)
    assert abs(kept["finishedAt"] - summary.finished_at) < timedelta(seconds=1)
    assert (await run_lease_of(backend))["owner"] is None


async def test_a_company_synced_by_somebody_else_while_a_run_only_looked_at_it_is_no_failure(backend, monkeypatch):
    monkeypatch.setattr("fmcsa_orchestrator.sync.fleet_run.UNSTORABLE_LIMIT", 0)
    source = Versioned("s", lambda _: SourceReport(version="v1"))
    sync = orchestrator(backend, source, stale_after_h=-1)  # so that each look is written, however quick they are
    assert (await sync.sync_all_companies()).success
    original, repository = backend.repository.save, backend.repository

    async def overtaken(updates):
        repository.save = original
        assert (await orchestrator(backend, source).sync_company(1, force=True)).success
        return await original(updates)

    repository.save = overtaken
    summary = await sync.sync_all_companies()
    assert (summary.stopped, summary.succeeded, summary.skipped, summary.failed) == (None, 1, 1, 0)


@pytest.mark.parametrize("token", [{"$gt": 0}, "7", 1.5, True])
async def test_a_current_company_with_a_token_that_is_no_number_is_given_one(backend, token):
    source = Versioned("s", lambda _: SourceReport(version="v1"))
    sync = orchestrator(backend, source)
    assert (await sync.sync_all_companies()).success
    await force(backend, 1, {f"{LEASE}token": token})
    summary = await sync.sync_all_companies()
    assert (summary.stopped, summary.succeeded, summary.failed) == (None, 2, 0)
    assert type(dig(await backend.company(1), f"{LEASE}token")) is int
    assert (await sync.sync_company(1)).success


async def test_a_company_whose_sync_was_cut_short_is_read_again_though_its_version_says_it_is_current(backend):
    """Its number changed and changed back around a sync that wrote rows and was killed: they are the other number's."""

    def read(company):
        return SourceReport(documents=[Document("r", {"of": int(company.usdot)})], version="v1")

    assert (await orchestrator(backend, Versioned("s", read)).sync_company(1)).success
    original, repository = backend.repository.save, backend.repository

    async def killed(updates):
        raise asyncio.CancelledError

    repository.save = killed
    await force(backend, 1, {"dotNumber": 999})
    with pytest.raises(asyncio.CancelledError):
        await orchestrator(backend, Versioned("s", read)).sync_company(1)
    repository.save = original
    await force(backend, 1, {"dotNumber": 101})
    assert (await orchestrator(backend, Versioned("s", read)).sync_all_companies()).success
    (row,) = [row for row in await backend.rows("fmcsaS") if row["companyId"] == 1]
    assert (row["of"], row["usdot"]) == (101, 101)


@pytest.mark.parametrize("error", [RepositoryError("down"), RuntimeError("a bug of a host's repository")])
async def test_a_run_that_cannot_be_recorded_is_a_result_all_the_same(backend, error):
    async def refuse(facts):
        raise error

    backend.repository.record_run = refuse
    summary = await orchestrator(backend, FakeSource("s", lambda _: SourceReport())).sync_all_companies()
    assert (summary.success, summary.total) == (True, 2)
