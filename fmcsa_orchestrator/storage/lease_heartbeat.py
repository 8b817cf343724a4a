"""A lease kept alive while work goes on, and the writes that are made under it."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.storage.leases import RELEASE_S, lost_to_another, to_its_end

_BEATS = 3  # renewals within a lease's time


class Kept:
    """Renews a lease while the block runs, and ends the block when the lease is lost.

    `unsure` tells that a write may have reached the store, or may yet reach it, after the lease was ours.
    Raises: LeaseLostError from the block's end.
    """

    def __init__(self, renew: Callable[[], Awaitable[bool]], ttl_s: float) -> None:
        self.unsure = False
        self._renew = renew
        self._ttl_s = ttl_s
        self._scope = asyncio.timeout(None)
        self._is_lost = False
        self._good_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._good_until = loop.time() + self._ttl_s
        self._timer = loop.call_later(self._ttl_s / _BEATS, self._start_beat)
        await self._scope.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._beat is not None:
            self._beat.cancel()
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError:
            raise lost_to_another() from None
        if self._is_lost and error is None:
            raise lost_to_another()

    async def write(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make sure of the lease, then write what does not carry the token itself. What has begun is waited for.

        Raises: LeaseLostError before the write, or after one that took so long that the lease may have passed on meanwhile.
        """
        await self._prolong()
        if self._is_lost:
            raise lost_to_another()
        self.unsure = True
        task = asyncio.ensure_future(call())
        try:
            result = await to_its_end(task, RELEASE_S)
        except asyncio.CancelledError:
            self.unsure = not task.done() or not self._is_ours()
            raise
        if not self._is_ours():
            raise lost_to_another()
        self.unsure = False
        return result

    def _is_ours(self) -> bool:
        """Whether nobody else can have taken it by now."""
        return asyncio.get_running_loop().time() < self._good_until

    def _start_beat(self) -> None:
        self._beat = asyncio.get_running_loop().create_task(self._one_beat())

    async def _one_beat(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = self._ttl_s / _BEATS
        try:
            await self._prolong()
        except RepositoryError:
            wait_s /= _BEATS  # not lost yet: ask again soon
        if self._is_lost or not self._is_ours():
            self._is_lost = True
            self._scope.reschedule(loop.time())
        else:
            self._timer = loop.call_later(wait_s, self._start_beat)

    async def _prolong(self) -> None:
        asked_at = asyncio.get_running_loop().time()
        if await self._renew():
            self._good_until = asked_at + self._ttl_s
        else:
            self._is_lost = True
