"""Waiting for tasks that are about to end: whoever is cancelled meanwhile, and again, still sees them end."""

import asyncio
from collections.abc import Collection
from typing import Any

_PATIENCE_S = 10.0  # more than anything that was told to end takes: it gives back leases within five


async def wait_out(tasks: Collection[asyncio.Task[Any] | asyncio.Future[Any]], patience_s: float = _PATIENCE_S) -> None:
    """Until these have ended, at most so many seconds, through any number of cancellations.

    Raises: CancelledError at the end, where there was one.
    """
    loop, cancelled = asyncio.get_running_loop(), None
    until = loop.time() + patience_s
    while (pending := [task for task in tasks if not task.done()]) and (left_s := until - loop.time()) > 0:
        try:
            await asyncio.wait(pending, timeout=left_s)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
