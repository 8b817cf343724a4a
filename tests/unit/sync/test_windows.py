"""Windows and chunks: what is read ahead, how many companies go to the store together, and that none is lost or taken twice."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fmcsa_orchestrator import CompanySynced, RepositoryError, SourceReport, WindowFetched
from fmcsa_orchestrator.sync import fleet_run
from fmcsa_orchestrator.sync.fleet_run import CHUNK, HOLD_S, Pace
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.passing_time import PATIENCE_S
from tests.support.syncs import companies, orchestrator, value


class Batched(FakeSource):
    """Reads a window at once."""

    batch_size = 100

    def __init__(self, name, on_batch=None):
        super().__init__(name, value(name), owns=[name])
        self.batches = []
        self._on_batch = on_batch

    async def fetch_many(self, companies):
        self.batches.append([company.id for company in companies])
        if self._on_batch is not None:
            await self._on_batch(len(self.batches))
        return {company.usdot: SourceReport(fields={self.name: 1}, version="v1") for company in companies}

    async def version(self):
        return "v1"


@pytest.mark.parametrize(
    ("seconds", "before", "after"),
    [(HOLD_S, 10, 10), (HOLD_S / 100, 10, 20), (2 * HOLD_S, 10, 5), (1_000, 10, 1), (0, 80, CHUNK), (HOLD_S / 3, 1, 2)],
)
def test_a_chunk_is_as_large_as_can_be_done_with_in_time(seconds, before, after):
    pace = Pace(before)
    pace.learn(before, seconds)
    assert pace.size == after


async def test_the_next_window_is_read_while_the_store_takes_this_one():
    second_read = asyncio.Event()

    async def on_batch(number):
        if number == 2:
            second_read.set()

    repository = InMemoryRepository(companies(6))
    save = repository.save

    async def slow(updates):
        async with asyncio.timeout(PATIENCE_S):
            await second_read.wait()
        return await save(updates)

    repository.save = slow
    source = Batched("s", on_batch)
    summary = await orchestrator(repository, source, batch_size=3).sync_all_companies()
    assert (summary.success, summary.succeeded) == (True, 6)
    assert source.batches == [[0, 1, 2], [3, 4, 5]]


async def test_nothing_is_read_ahead_while_companies_are_asked_for_one_by_one():
    events = []
    source, plain = Batched("s"), FakeSource("plain", value("plain"))
    sync = orchestrator(InMemoryRepository(companies(4)), source, plain, batch_size=2)
    assert (await sync.sync_all_companies(on_event=events.append)).succeeded == 4
    order = [type(event).__name__ for event in events if isinstance(event, WindowFetched | CompanySynced)]
    assert order == ["WindowFetched", "CompanySynced", "CompanySynced"] * 2


async def test_a_store_that_breaks_ends_the_reading_ahead_too():
    repository = InMemoryRepository(companies(6))
    began, ended = asyncio.Event(), []

    async def on_batch(number):
        if number == 2:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(number)

    async def broken(*_):
        async with asyncio.timeout(PATIENCE_S):
            await began.wait()
        raise RepositoryError("down")

    repository.save = broken
    before = asyncio.all_tasks()
    summary = await orchestrator(repository, Batched("s", on_batch), batch_size=3).sync_all_companies()
    assert (summary.stopped, ended) == ("database", [2])
    assert asyncio.all_tasks() == before


async def test_what_is_saved_without_effect_is_taken_once():
    repository = InMemoryRepository(companies(9))
    save = repository.save

    async def without_effect(updates):
        await save([update for update in updates if update.company_id not in {1, 4}])
        return {}

    repository.save = without_effect
    source = Batched("s")
    summary = await orchestrator(repository, source, batch_size=3).sync_all_companies()
    assert summary.stopped is None
    assert sorted(key for batch in source.batches for key in batch) == list(range(9))


def noting(repository):
    """What the windows of a run are asked with from now on: how many ids are named, and since which attempt."""
    asked, take_due = [], repository.take_due

    async def noted(since, now, limit, without, *, after=None):
        asked.append((len(without), after))
        return await take_due(since, now, limit, without, after=after)

    repository.take_due = noted
    return asked


async def test_those_that_were_left_as_they_are_are_passed_over_by_their_time():
    repository = InMemoryRepository(companies(100))
    sync = orchestrator(repository, Batched("s"), batch_size=10)
    for _ in range(2):
        assert (await sync.sync_all_companies()).success
    hour = datetime.now(UTC) - timedelta(hours=1)
    for number, company in enumerate(repository.companies.values()):
        company["fmcsaData"]["syncStatus"]["lastRun"] = hour + timedelta(seconds=number // 5)
    asked = noting(repository)
    assert (await sync.sync_all_companies()).succeeded == 100
    assert len(asked) == 11
    assert max(named for named, _ in asked) <= 15  # a window in hand, and those of the very time
    times = [after for _, after in asked if after is not None]
    assert (times, len(times) >= 9) == (sorted(set(times)), True)


async def test_however_many_were_attempted_at_the_same_time_few_are_left_out_by_name(monkeypatch):
    """As after a restore that stamps them all alike: a query that names thousands of ids grows with each window."""
    monkeypatch.setattr(fleet_run, "MOST_NAMED", 50)
    repository = InMemoryRepository(companies(300))
    sync = orchestrator(repository, Batched("s"), batch_size=20)
    for _ in range(2):
        assert (await sync.sync_all_companies()).success
    at = datetime.now(UTC) - timedelta(hours=1)
    for company in repository.companies.values():
        company["fmcsaData"]["syncStatus"]["lastRun"] = at
    asked = noting(repository)
    assert (await sync.sync_all_companies()).succeeded == 300
    assert 50 <= max(named for named, _ in asked) < 50 + 3 * 20
