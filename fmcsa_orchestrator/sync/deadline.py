"""A time limit that can also be brought forward: the same way out for "too late" and for "please stop"."""

import asyncio
from types import TracebackType
from typing import Self


class Deadline:
    """Ends the block with TimeoutError when `seconds` are over (None: never), or when somebody calls `stop`."""

    def __init__(self, seconds: float | None) -> None:
        self.stopped = False
        self._seconds = seconds
        self._timeout: asyncio.Timeout | None = None

    @property
    def is_over(self) -> bool:
        """Whether the block was ended by us, rather than by a TimeoutError of its own."""
        return self._timeout is not None and self._timeout.expired()

    def stop(self) -> None:
        """End the block now, unless it is ending already."""
        if self.is_over:
            return
        self.stopped = True
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    async def __aenter__(self) -> Self:
        self._timeout = await asyncio.timeout(0 if self.stopped else self._seconds).__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timeout is not None:
            await self._timeout.__aexit__(kind, error, trace)
