"""What paces calls, and a rate in words -> an aiolimiter that never lets through more than that.

aiolimiter's bucket starts full, so AsyncLimiter(10, 1) lets 19 through within the first second. A bucket of one, refilled
every 1/rate seconds, spaces them evenly instead.
"""

from typing import Protocol

from aiolimiter import AsyncLimiter

_FINEST_S = 0.01  # below this the event loop's timer is coarser than the spacing: let small groups through instead


class Limiter(Protocol):
    """Lets one call pass at a time, at its rate. An `aiolimiter.AsyncLimiter` is one, for one event loop."""

    async def acquire(self) -> None:
        """Wait until the next call may go out. What it raises fails that call: nothing passes unpaced."""


def strict_limiter(per_second: float) -> AsyncLimiter:
    """At most `per_second` acquisitions in any second. Belongs to the event loop that first uses it."""
    if per_second * _FINEST_S > 1:
        return AsyncLimiter(per_second * _FINEST_S, _FINEST_S)
    return AsyncLimiter(1, 1 / per_second)
