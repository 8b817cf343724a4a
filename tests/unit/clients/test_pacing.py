"""Limiters: no double burst, and a handler is not stuck behind a run."""

import asyncio
from contextlib import suppress

import pytest

from fmcsa_orchestrator.clients.pacing import FairShare, SavingLimiter, strict_limiter
from fmcsa_orchestrator.observability.context import SyncContext, entered


class Turnstile:
    """A limiter that lets one through at each turn, in order."""

    def __init__(self):
        self.waiting = []

    async def acquire(self):
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        await turn

    async def turn(self):
        for _ in range(5):
            await asyncio.sleep(0)
        self.waiting.pop(0).set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_handler_waits_for_one_request_of_a_run_at_the_most():
    turnstile = Turnstile()
    share = FairShare(turnstile)
    passed = []

    async def ask(who):
        await share.acquire()
        passed.append(who)

    with entered(SyncContext(is_background=True)):
        run = [asyncio.create_task(ask("run")) for _ in range(50)]
    await asyncio.sleep(0)
    handlers = [asyncio.create_task(ask("handler")) for _ in range(3)]
    for _ in range(8):
        await turnstile.turn()
    assert passed == ["run", "handler", "handler", "handler", "run", "run", "run", "run"]
    late = asyncio.create_task(ask("handler"))
    for _ in range(2):
        await turnstile.turn()
    assert passed[-2:] == ["run", "handler"]
    for task in run:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*run, *handlers, late)


@pytest.mark.parametrize(("rate", "at_once", "every_s"), [(1, 1, 1), (0.5, 1, 2), (20, 1, 0.05), (400, 4, 0.01)])
def test_a_limiter_has_no_double_burst(rate, at_once, every_s):
    limiter = strict_limiter(rate)
    assert (limiter.max_rate, limiter.time_period) == (at_once, every_s)


async def passed_at_once(limiter, most, *, background=False):
    """How many of so many callers get through without time going by."""
    with entered(SyncContext(is_background=background)):
        tasks = [asyncio.create_task(limiter.acquire()) for _ in range(most)]
    for _ in range(20):
        await asyncio.sleep(0)
    passed = sum(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return passed


async def test_what_is_not_used_is_saved_up_to_the_burst(jump):
    limiter = SavingLimiter(1, 12)
    assert await passed_at_once(limiter, 30) == 12
    assert await passed_at_once(limiter, 30) == 0
    jump(3.5)
    assert await passed_at_once(limiter, 30) == 3
    jump(1_000)
    assert await passed_at_once(limiter, 30) == 12


async def test_the_background_goes_evenly_and_its_requests_are_not_saved(jump):
    limiter = SavingLimiter(1, 4)
    assert await passed_at_once(limiter, 30, background=True) == 1
    assert await passed_at_once(limiter, 30) == 3
    jump(1.01)
    assert await passed_at_once(limiter, 30, background=True) == 1
    assert await passed_at_once(limiter, 30) == 0


async def test_a_refusal_takes_away_what_is_saved(jump):
    share = FairShare(SavingLimiter(1, 12))
    await share.empty()
    assert await passed_at_once(share, 30) == 0
    jump(2.01)
    assert await passed_at_once(share, 30) == 2
    await FairShare(strict_limiter(1)).empty()  # nothing to take away
