"""Keeps a share of a rate for those whom somebody waits for, while a run uses up the rest."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from aiolimiter import AsyncLimiter

_is_background: ContextVar[bool] = ContextVar("fmcsa_background", default=False)


@contextmanager
def in_background() -> Iterator[None]:
    """What is done within the block is not waited for by anybody in particular."""
    token = _is_background.set(True)
    try:
        yield
    finally:
        _is_background.reset(token)


class FairShare:
    """A limiter in whose queue never more than one request of the background stands.

    The queue is served in turn, so that one who comes with a single request waits for one other at the most, and several
    together get half of the rate or more.
    """

    def __init__(self, limiter: AsyncLimiter) -> None:
        self._limiter = limiter
        self._background = asyncio.Lock()

    async def acquire(self) -> None:
        """Wait for one's turn."""
        if not _is_background.get():
            await self._limiter.acquire()
            return
        async with self._background:
            await self._limiter.acquire()
