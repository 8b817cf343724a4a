"""Handlers that come together: read together, each with its own answer, until the last of them has gone."""

import asyncio

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import RequestRejectedError, SourceReport
from fmcsa_orchestrator.model.company import Company
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.sync.batch_reader import BatchReader
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.shared_reads import SharedReads
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.passing_time import turns, until
from tests.support.syncs import companies, orchestrator, value


class Gated:
    """A batch source that answers when it is let; `bad` numbers fail their batch, `missing` ones are left out."""

    name, batch_size = "gated", 100

    def __init__(self, *, bad=(), missing=(), name="gated", requests=1):
        self.name = name
        self.owns = (name,)
        self.bad, self.missing = set(bad), set(missing)
        self.batches, self.singles = [], []
        self.open = asyncio.Event()
        self._requests = requests

    async def fetch_many(self, companies):
        self.batches.append([company.id for company in companies])
        await self.open.wait()
        if self.bad & {company.id for company in companies}:
            raise RequestRejectedError("a bad one")
        return {
            company.usdot: SourceReport(fields={self.name: company.id}, version="v1")
            for company in companies
            if company.id not in self.missing
        }

    async def fetch(self, company):
        self.singles.append(company.id)
        return SourceReport(fields={self.name: company.id}, version="v1")

    async def version(self):
        return "v1"

    def estimate(self, companies):
        return {"portal": 1 + self._requests}


def reads(limiter=None):
    return SharedReads(limiter or AsyncLimiter(10_000, 1), Isolation(), 1_000)


def company(number):
    return Company(number, UsdotNumber(100 + number))


async def test_who_comes_while_a_batch_is_read_joins_the_next():
    shared, source = reads(), Gated()
    first = asyncio.create_task(shared.read(source, company(0)))
    await turns()
    others = [asyncio.create_task(shared.read(source, company(number))) for number in (1, 2)]
    await turns()
    assert source.batches == [[0]]
    source.open.set()
    answers = await asyncio.gather(first, *others)
    assert source.batches == [[0], [1, 2]]
    assert [answer.fields["gated"] for answer in answers] == [0, 1, 2]


async def test_a_bad_company_fails_alone():
    shared, source = reads(), Gated(bad={1})
    source.open.set()
    shared.callers = 3
    answers = await asyncio.gather(*(shared.read(source, company(number)) for number in range(3)))
    assert [getattr(answer, "kind", "good") for answer in answers] == ["good", "rejected", "good"]
    assert source.batches[0] == [0, 1, 2]


async def test_what_a_batch_leaves_out_is_fetched_on_its_own():
    source = Gated(missing={1})
    source.open.set()
    repository = InMemoryRepository(companies(2))
    sync = orchestrator(repository, source)
    results = await asyncio.gather(*(sync.sync_company(number) for number in range(2)))
    assert all(result.success for result in results)
    assert (source.batches, source.singles) == ([[0, 1]], [1])
    assert [repository.companies[number]["gated"] for number in range(2)] == [0, 1]


async def test_a_reading_ends_with_the_last_who_waits_for_it():
    before = asyncio.all_tasks()
    shared, source = reads(), Gated()
    waiting = [asyncio.create_task(shared.read(source, company(number))) for number in range(2)]
    await turns()
    waiting[0].cancel()
    await turns()
    assert len(source.batches) == 1
    assert len(asyncio.all_tasks() - before) == 3  # the second caller, the reading, the call into the source
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert asyncio.all_tasks() == before
    source.open.set()
    assert (await shared.read(source, company(5))).fields["gated"] == 5


async def test_a_reader_that_breaks_tells_all_who_wait():
    class Broken:
        async def acquire(self):
            raise RuntimeError("a limiter with a bug")

    shared, source = reads(Broken()), Gated()
    shared.callers = 2
    answers = await asyncio.gather(*(shared.read(source, company(number)) for number in range(2)))
    assert [answer.kind for answer in answers] == ["unexpected"] * 2


@pytest.mark.parametrize(("requests", "share"), [(1, 1 / 2), (3, 2 / 3)])
async def test_time_follows_what_a_source_has_to_ask(requests, share, jump):
    async def ask(_):
        jump(200)
        await asyncio.Event().wait()

    asking = FakeSource("asking", ask)
    asking.estimate = lambda _: {"portal": 1 + requests}
    other = FakeSource("other", value("other"))
    sync = orchestrator(InMemoryRepository(companies(1)), asking, other, lease_ttl_s=1_000)
    result = await sync.sync_company(0, timeout_s=300)
    (error,) = result.errors
    assert (error.source, error.kind) == ("asking", "timeout")
    assert float(error.error.removeprefix("gave up after ").removesuffix(" s")) == pytest.approx(270 * share, rel=0.02)


async def test_what_is_read_at_the_same_time_takes_nothing_of_the_others_time(jump):
    class Hanging(Gated):
        async def fetch_many(self, companies):
            await turns()
            jump(181)
            await self.open.wait()

    slow, quick = Hanging(name="slow"), Gated(name="quick")
    quick.open.set()
    repository = InMemoryRepository(companies(1))
    result = await orchestrator(repository, slow, quick, lease_ttl_s=1_000).sync_company(0, timeout_s=200)
    assert [(error.source, error.kind) for error in result.errors] == [("slow", "timeout")]
    assert result.errors[0].error == "gave up after 180 s"  # all of nine tenths
    assert repository.companies[0]["quick"] == 0


# --- what a run reads, and who has not the time


def run_reader():
    return BatchReader(SourceCaller(AsyncLimiter(10_000, 1), Isolation()), 1_000)


async def test_what_a_handler_waits_for_comes_along_with_a_batch_of_a_run_that_has_room():
    source, shared = Gated(), reads()
    source.batch_size = 3
    source.open.set()
    with shared.caller(), shared.caller():  # one who has not asked yet is waited for, for a moment
        wish = asyncio.create_task(shared.read(source, company(7)))
        await turns()
        found = await shared.read_along(source, [company(1), company(2)], run_reader())
    assert (source.batches, list(found)) == ([[1, 2, 7]], [101, 102, 107])
    assert (await wish).fields == {"gated": 7}


async def test_a_full_batch_takes_nobody_along():
    source, shared = Gated(), reads()
    source.batch_size = 2
    source.open.set()
    with shared.caller(), shared.caller():
        wish = asyncio.create_task(shared.read(source, company(7)))
        await turns()
        await shared.read_along(source, [company(1), company(2)], run_reader())
        assert source.batches == [[1, 2]]
    assert (await wish).fields == {"gated": 7}
    assert source.batches == [[1, 2], [7]]


@pytest.mark.parametrize("end", ["fails", "is cancelled"])
async def test_what_a_run_does_not_bring_is_read_for_the_handler_itself(end):
    source, shared = Gated(bad=[1, 2]), reads()
    source.batch_size = 3
    with shared.caller(), shared.caller():
        wish = asyncio.create_task(shared.read(source, company(7)))
        await turns()
        run = asyncio.create_task(shared.read_along(source, [company(1), company(2)], run_reader()))
        await turns()
        if end == "is cancelled":
            run.cancel()
            await asyncio.wait([run])
        source.open.set()
        await asyncio.wait([run])
    assert (await wish).fields == {"gated": 7}


class Held(Gated):
    """Nothing goes out for so many seconds."""

    held_s = 30.0

    def wait_s(self):
        return self.held_s


async def test_who_has_not_the_time_is_told_at_once_and_served_in_the_background():
    source, repository = Held(), InMemoryRepository(companies(1))
    source.open.set()
    sync = orchestrator(repository, source)
    result = await sync.sync_company(0, timeout_s=20)
    assert [(error.kind, error.error) for error in result.errors] == [
        ("timeout", "the rate allows the first answer in about 30 s, and there are 18 s for it")
    ]
    assert (result.pending, source.batches) == (("gated",), [])
    source.held_s = 0.0
    await until(lambda: source.batches)
    await until(lambda: "gated" in repository.companies[0])
    assert (await sync.sync_company(0, timeout_s=20)).success
    await sync.close()


async def test_what_the_time_did_not_suffice_for_is_brought_by_the_background():
    source, repository = Gated(), InMemoryRepository(companies(1))
    sync = orchestrator(repository, source)
    result = await sync.sync_company(0, timeout_s=0.05)
    assert ([error.kind for error in result.errors], result.pending) == (["timeout"], ("gated",))
    source.open.set()
    await until(lambda: "gated" in repository.companies[0])
    await sync.close()


async def test_a_call_that_was_stopped_goes_on_nowhere():
    source, repository = Gated(), InMemoryRepository(companies(1))
    sync = orchestrator(repository, source)
    call = asyncio.create_task(sync.sync_company(0, timeout_s=20))
    await until(lambda: source.batches)
    sync.stop()
    assert (await call).pending == ()
    source.open.set()
    await turns()
    assert (source.batches, "gated" in repository.companies[0]) == ([[0]], False)
