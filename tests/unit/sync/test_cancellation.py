"""Cancelled, stopped, or out of time at every single turn of the event loop: nothing held, nothing mixed, nothing lost."""

import asyncio
from functools import partial
from itertools import count

import pytest

from fmcsa_orchestrator import CompanySyncResult, SyncSummary
from tests.support.passing_time import jumping_time
from tests.support.steps import Small, after_turns

MOST = 600  # turns that no call here takes
TTL_S = 3_000


@pytest.fixture(autouse=True)
def no_waiting_for_others(monkeypatch):
    """A call does not wait for others that might want the same."""
    monkeypatch.setattr("fmcsa_orchestrator.sync.shared_reads.MOMENT_S", 0)


async def first_run(small):
    return small.orchestrator.sync_all_companies


async def next_version(small):
    await small.orchestrator.sync_all_companies()
    small.state = 2
    return await first_run(small)


async def nothing_new(small):
    await small.orchestrator.sync_all_companies()
    return await first_run(small)


async def forced(small):
    await small.orchestrator.sync_all_companies()
    return lambda **options: small.orchestrator.sync_all_companies(force=True, **options)


async def handler(small):
    await small.orchestrator.sync_all_companies()
    small.state = 2
    return lambda: small.orchestrator.sync_company(1, force=True)


async def sharing(small):
    await small.orchestrator.sync_all_companies()
    small.state = 2

    async def three():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(small.orchestrator.sync_company(1, force=True)) for _ in range(3)]
        return [task.result() for task in tasks]

    return three


RUNS = [first_run, next_version, nothing_new, forced]
ALL = [*RUNS, handler, sharing]


async def at_every_turn(scenario, cut, check, **options):
    """Cut the scenario short at one turn after the other until it is over by then; the next run mends all, each time."""
    for turn in count():
        small = Small(**options)
        with jumping_time() as jump:
            call = await scenario(small)
            outcome = await after_turns(turn, call, partial(cut, small, jump))
            assert not list(small.faults()), turn
            if outcome is None:
                break
            check(turn, outcome)
            assert (await small.orchestrator.sync_all_companies()).stopped is None
            assert not list(small.missing()), turn
    assert 20 < turn < MOST


def is_cancelled(turn, outcome):
    assert isinstance(outcome, asyncio.CancelledError), (turn, outcome)


@pytest.mark.parametrize("plain", [True, False], ids=["with rows each time", "batch only"])
@pytest.mark.parametrize("scenario", ALL)
async def test_cancelled_at_every_turn(scenario, plain):
    async def cut(small, jump, task):
        task.cancel()

    await at_every_turn(scenario, cut, is_cancelled, plain=plain)


@pytest.mark.parametrize("later", [0, 1])
async def test_cancelled_at_every_turn_of_a_heartbeat(later):
    """A heartbeat is under way as well: it is no task that stays behind, nor does it take a lease again that was given back."""

    async def cut(small, jump, task):
        jump(TTL_S / 2)
        for _ in range(later):
            await asyncio.sleep(0)
        task.cancel()

    def check(turn, outcome):  # the last turns may be over before the cancellation
        assert isinstance(outcome, asyncio.CancelledError) or outcome.success is False, (turn, outcome)

    await at_every_turn(next_version, cut, check, lease_ttl_s=TTL_S)


@pytest.mark.parametrize("scenario", ALL)
async def test_stopped_twice_at_every_turn(scenario):
    async def cut(small, jump, task):
        small.orchestrator.stop()
        await asyncio.sleep(0)
        small.orchestrator.stop()

    await at_every_turn(scenario, cut, is_told("stopped"))


@pytest.mark.parametrize("stop_too", [False, True], ids=["alone", "and stopped then"])
@pytest.mark.parametrize("scenario", [next_version, nothing_new])
async def test_out_of_time_at_every_turn(scenario, stop_too):
    async def in_time(small):
        call = await scenario(small)
        return lambda: call(deadline_s=50)

    async def cut(small, jump, task):
        jump(60)
        await asyncio.sleep(0)
        if stop_too:
            small.orchestrator.stop()

    await at_every_turn(in_time, cut, is_told("deadline", "stopped"))


def is_told(*words):
    """The result says why it ended early, unless it was over all the same."""

    def check(turn, outcome):
        for result in outcome if isinstance(outcome, list) else [outcome]:
            assert isinstance(result, SyncSummary | CompanySyncResult), (turn, result)
            if isinstance(result, SyncSummary):
                assert result.stopped in {*words, None}, (turn, result)
            else:
                assert result.success or [error.kind for error in result.errors] == ["timeout"], (turn, result)

    return check


@pytest.mark.parametrize("apart", [1, 2, 3], ids=lambda turns: f"{turns} apart")
@pytest.mark.parametrize("scenario", [next_version, handler, sharing])
async def test_cancelled_again_and_again_at_every_turn(scenario, apart):
    """Whoever is impatient cancels again while leases are given back: that is done all the same."""

    async def cut(small, jump, task):
        for _ in range(4):
            task.cancel()
            for _ in range(apart):
                await asyncio.sleep(0)

    await at_every_turn(scenario, cut, is_cancelled)
