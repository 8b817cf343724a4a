"""The wall clock set forward and back by hours, between runs, within one, and differently on two hosts."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Orchestrator, SourceReport
from fmcsa_orchestrator.report.wording import age
from fmcsa_orchestrator.sync import clock
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.world import status_of

JUMPS = [timedelta(hours=hours) for hours in (-30, -5, -1, 1, 5, 30)]
SMALL = [timedelta(seconds=seconds) for seconds in (-240, -60, -2, -0.5, 0.5, 2, 60, 240)]
TOLERANCE = timedelta(minutes=5)  # by which the clocks of two hosts may differ without anybody noticing


def companies(number=6):
    return [{"_id": key, "name": f"C{key}", "dotNumber": key + 1} for key in range(number)]


def orchestrator(repository, fetch=lambda _: SourceReport(), **options):
    source = FakeSource("s", fetch)
    options = {"limiter": AsyncLimiter(10_000, 1), "batch_size": 2, **options}
    return Orchestrator(sources=[source], repository=repository, **options), source


def asked(source):
    """How many times each company was read; forgotten then."""
    counts = Counter(company.id for company in source.asked)
    source.asked.clear()
    return counts


@pytest.mark.parametrize("first", [timedelta(), *JUMPS], ids=str)
@pytest.mark.parametrize("then", JUMPS, ids=str)
async def test_after_a_jump_each_run_still_takes_each_company_once(wall, first, then):
    sync, source = orchestrator(InMemoryRepository(companies()))
    for off in (timedelta(), first, first + then, first):
        wall.off = off
        summary = await sync.sync_all_companies()
        assert (summary.success, asked(source)) == (True, Counter(range(6)))
        assert timedelta() <= summary.finished_at - summary.started_at < timedelta(minutes=1)


@pytest.mark.parametrize("jump", SMALL, ids=str)
async def test_after_a_small_jump_nobody_waits_longer_than_the_tolerance(wall, jump):
    sync, source = orchestrator(InMemoryRepository(companies()))
    await sync.sync_all_companies()
    asked(source)
    wall.off = jump
    assert (await sync.sync_all_companies()).success
    assert set(asked(source).values()) <= {1}
    wall.off = jump + TOLERANCE
    assert (await sync.sync_all_companies()).success
    assert asked(source) == Counter(range(6))


@pytest.mark.parametrize("jump", [*JUMPS, *SMALL], ids=str)
async def test_a_jump_within_a_run_does_not_show_in_it(wall, jump):
    def fetch(company):
        wall.off += jump
        return SourceReport()

    repository = InMemoryRepository(companies())
    sync, source = orchestrator(repository, fetch)
    summary = await sync.sync_all_companies()
    assert (summary.success, asked(source)) == (True, Counter(range(6)))
    stamps = [status_of(company)["lastRun"] for company in repository.companies.values()]
    assert stamps == sorted(stamps)
    assert summary.started_at <= stamps[0]
    assert stamps[-1] <= summary.finished_at < summary.started_at + timedelta(minutes=1)


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_hosts_with_different_clocks_take_turns_without_starving_anybody(wall, jump):
    repository = InMemoryRepository(companies())
    right, wrong = orchestrator(repository), orchestrator(repository)
    for _ in range(3):
        for off, (sync, source) in ((timedelta(), right), (jump, wrong)):
            wall.off = off
            assert (await sync.sync_all_companies()).success
            assert asked(source) == Counter(range(6))


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_a_handler_with_another_clock_costs_a_run_no_more_than_one_more_look_each_time(wall, jump):
    repository = InMemoryRepository(companies())
    handler, others = orchestrator(repository)

    async def fetch(company):
        if company.id == 5 and len(source.asked) < 10:
            wall.off = jump
            assert (await handler.sync_company(0)).success
            wall.off = timedelta()
        return SourceReport()

    sync, source = orchestrator(repository, fetch)
    summary = await sync.sync_all_companies()
    assert summary.success
    counts = asked(source)
    assert counts - Counter(range(6)) in (Counter(), Counter({0: 1}))
    assert len(others.asked) == 1


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_ages_shown_after_a_jump_are_never_negative(wall, jump):
    repository = InMemoryRepository(companies(1))
    wall.off = jump
    sync, _ = orchestrator(repository)
    await sync.sync_all_companies()
    status = status_of(repository.companies[0])
    for moment in (status["lastRun"], status["sources"]["s"]["lastSuccess"]):
        assert not age(moment, datetime.now(UTC)).startswith("-")


def test_thousands_of_quick_runs_in_a_second_still_come_one_after_the_other(wall):
    starts = []
    for _ in range(3_000):
        run = clock.RunClock()
        starts.append(run.started_at)
        run.now()
    assert all(earlier < later for earlier, later in itertools.pairwise(starts))
