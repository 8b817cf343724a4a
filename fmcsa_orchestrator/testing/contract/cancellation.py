"""Cancels a call at its n-th await, whichever that is, and tells what became of it and of the tasks it started."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

Call = Callable[[], Awaitable[Any]]

_TIDYING_S = 1.0  # what the tasks of a call that is over may still take to end

_started: ContextVar[set[asyncio.Future[Any]] | None] = ContextVar("started", default=None)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What became of a call.

    reached:  it got as far as the await at which it was to be cancelled.
    end:      the exception that it ended in; None: it gave a result.
    running:  what still runs of it, the call itself or tasks that it started.
    """

    reached: bool
    end: BaseException | None
    running: tuple[str, ...]


async def interrupted_at(point: int, call: Call, patience_s: float) -> Interrupted:
    """Run the call, and cancel it at the `point`-th await (from 1) at which it gives up control."""
    steps = _Steps(call, point)
    tasks: set[asyncio.Future[Any]] = set()

    async def run() -> None:
        _started.set(tasks)
        await steps

    with _recording(asyncio.get_running_loop()):
        main = asyncio.create_task(run())
        await asyncio.wait({main}, timeout=patience_s)
        _, running = await asyncio.wait({main, *tasks}, timeout=_TIDYING_S)
    for task in running:
        task.cancel()
    return Interrupted(steps.reached, _end(main), tuple(sorted(map(repr, running))))


class _Steps:
    """Drives the call as `await` would, counting how often it gives up control."""

    def __init__(self, call: Call, point: int) -> None:
        self._call = call
        self._left = point

    @property
    def reached(self) -> bool:
        """Whether it was cancelled."""
        return self._left <= 0

    def __await__(self) -> Generator[Any, Any, None]:
        inner: Any = self._call().__await__()
        resume: Callable[[], Any] = partial(next, inner)
        while True:
            try:
                waited_for = resume()
            except StopIteration:
                return
            self._count()
            try:
                yield waited_for
                resume = partial(next, inner)
            except BaseException as error:  # noqa: BLE001  # whatever is thrown in is the call's to handle
                resume = partial(inner.throw, error)

    def _count(self) -> None:
        self._left -= 1
        task = asyncio.current_task()
        if self._left == 0 and task is not None:
            asyncio.get_running_loop().call_soon(task.cancel)


@contextmanager
def _recording(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Note each task that a call starts, also by way of others; those of servers in the same loop are not its own."""
    before = loop.get_task_factory()

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        task = before(loop, coroutine, **options) if before else asyncio.Task(coroutine, loop=loop, **options)
        tasks = _started.get()
        if tasks is not None:
            tasks.add(task)
        return task

    loop.set_task_factory(factory)
    try:
        yield
    finally:
        loop.set_task_factory(before)


def _end(task: asyncio.Task[None]) -> BaseException | None:
    if not task.done():
        return TimeoutError("it never ended")
    return asyncio.CancelledError() if task.cancelled() else task.exception()
