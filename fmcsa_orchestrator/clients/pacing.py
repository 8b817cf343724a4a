"""What paces calls, and a rate in words -> an aiolimiter that never lets through more than that.

aiolimiter's bucket starts full, so AsyncLimiter(10, 1) lets 19 through within the first second. A bucket of one, refilled
every 1/rate seconds, spaces them evenly instead.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator.model.errors import RateLimitedError
from fmcsa_orchestrator.model.events import Waiting
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.observability.hooks import emit

LONGEST_PAUSE_S = 86_400.0  # of a longer Retry-After, or of a date by a clock that is wrong, so much is believed
_REFUSALS_COUNTED = 5  # in a row: from then on 32 seconds each
_FINEST_S = 0.01  # below this the event loop's timer is coarser than the spacing: let small groups through instead


def strict_limiter(per_second: float) -> AsyncLimiter:
    """At most `per_second` acquisitions in any second. Belongs to the event loop that first uses it."""
    if per_second * _FINEST_S > 1:
        return AsyncLimiter(per_second * _FINEST_S, _FINEST_S)
    return AsyncLimiter(1, 1 / per_second)


class SavingLimiter:
    """At most `per_second` on average. What is not used is saved, up to `burst` requests, for those who wait for an answer.

    The background goes evenly, a request every 1/`per_second` seconds; what it sends is not there to be saved. A new one is full.
    Belongs to the event loop that first uses it.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        self._account = AsyncLimiter(burst, burst / per_second)
        self._even = strict_limiter(per_second)
        self._per_second = per_second
        self._waiting = 0

    async def acquire(self) -> None:
        """Wait for one's turn."""
        if current().is_background:
            await self._even.acquire()
        self._waiting += 1
        try:
            await self._account.acquire()
        finally:
            self._waiting -= 1

    @property
    def wait_s(self) -> float:
        """Seconds that who comes now waits for its turn, at least: those who wait already come before."""
        return 0.0 if self._account.has_capacity() else self._waiting / self._per_second

    async def empty(self) -> None:
        """Give up what is saved."""
        while self._account.has_capacity():
            await self._account.acquire()


class FairShare:
    """A limiter in whose queue never more than one request of the background stands.

    The queue is served in turn, so that one who comes with a single request waits for one other at the most, and several
    together get half of the rate or more.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._background = asyncio.Lock()

    async def acquire(self) -> None:
        """Wait for one's turn."""
        if not current().is_background:
            await self._limiter.acquire()
            return
        async with self._background:
            await self._limiter.acquire()

    @property
    def wait_s(self) -> float:
        """Seconds that who comes now waits for its turn, at least, as far as the limiter tells."""
        return self._limiter.wait_s if isinstance(self._limiter, SavingLimiter) else 0.0

    async def empty(self) -> None:
        """Upstream has had enough: nothing that was saved may follow."""
        if isinstance(self._limiter, SavingLimiter):
            await self._limiter.empty()


class Brake:
    """Holds back every request to an upstream that has asked for a pause, or that refuses us for asking too often."""

    def __init__(
        self, upstream: str, *, patience_s: float, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._upstream = upstream
        self._patience_s = patience_s
        self._clock = clock
        self._sleep = sleep
        self._until = 0.0
        self._refusals = 0

    def hold(self, seconds: float) -> None:
        """Nobody asks for so many seconds from now."""
        self._until = max(self._until, self._clock() + min(seconds, LONGEST_PAUSE_S))

    def refused(self) -> None:
        """A refusal that names no time: 1 second, then 2, 4 ... while it goes on."""
        self.hold(random.uniform(0.75, 1.25) * float(2 ** min(self._refusals, _REFUSALS_COUNTED)))
        self._refusals += 1

    def passed(self) -> None:
        """Upstream has let a request through."""
        self._refusals = 0

    @property
    def left_s(self) -> float:
        """Seconds until requests may go out again; below zero where they may."""
        return self._until - self._clock()

    @property
    def wait_s(self) -> float:
        """The same, as far as one would wait: of a pause beyond our patience a request is told at once."""
        return self.left_s if 0 < self.left_s <= self._patience_s else 0.0

    async def wait(self) -> None:
        """Wait until requests may go out again.

        Raises: RateLimitedError when that is longer than our patience.
        """
        while (left := self.left_s) > 0:
            if left > self._patience_s:
                raise RateLimitedError(f"{self._upstream} asked for a pause of another {left:.0f} s", retry_after_s=left)
            await emit(Waiting(self._upstream, left))
            await self._sleep(left)
