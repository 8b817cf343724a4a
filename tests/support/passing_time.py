"""Time that passes when a test says so, and waiting that only a real hang ends in failure."""

import asyncio
from contextlib import contextmanager

PATIENCE_S = 240  # no machine is so busy; below pytest's own limit, so that the failing line is shown


@contextmanager
def jumping_time():
    """The event loop's time, put forward by `jump(seconds)`: timers that are due by then fire, in their order."""
    loop = asyncio.get_running_loop()
    passed = [0.0]

    def jump(seconds):
        passed[0] += seconds

    original = loop.time
    loop.time = lambda: original() + passed[0]
    try:
        yield jump
    finally:
        del loop.time


async def turns(count=50):
    """Let everything go on that does not wait for time: so many turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition):
    """Wait, for a bounded time, until the condition gives something true; that."""
    async with asyncio.timeout(PATIENCE_S):
        while not (answer := condition()):
            await asyncio.sleep(0.003)
    return answer
