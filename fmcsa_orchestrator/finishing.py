"""What has been sent to a server cannot be called back: when we are cancelled meanwhile, its end is waited for."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def to_its_end(call: Awaitable[T], patience_s: float) -> T:
    """The call's result. A cancellation passes only when the call has ended, or after `patience_s` seconds.

    Raises: what the call raises.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=patience_s)
        if not task.cancel() and not task.cancelled():
            task.exception()  # it concerns nobody any more
        raise
