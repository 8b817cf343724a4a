"""Concurrent calls for the same thing share one execution."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Runs a call once for all who ask for it at the same time; it ends with the last of them."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[asyncio.Task[T], list[object]]] = {}

    async def run(self, key: Hashable, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the call, started by whoever asks first.

        One who is cancelled leaves; the call is cancelled when nobody waits for it any more. Raises: what the call raises.
        """
        task, waiters = self._running.get(key) or self._start(key, call)
        waiters.append(task)
        try:
            return await asyncio.shield(task)
        finally:
            waiters.pop()
            if not waiters and not task.done():
                self._running.pop(key, None)
                task.cancel()
                await asyncio.wait({task})

    def _start(self, key: Hashable, call: Callable[[], Coroutine[Any, Any, T]]) -> tuple[asyncio.Task[T], list[object]]:
        task = asyncio.create_task(call())
        entry: tuple[asyncio.Task[T], list[object]] = (task, [])
        self._running[key] = entry
        task.add_done_callback(lambda _: self._running.pop(key, None) if self._running.get(key) is entry else None)
        return entry
