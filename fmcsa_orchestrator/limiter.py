"""A rate in words -> an aiolimiter that never lets through more than that.

aiolimiter's bucket starts full, so AsyncLimiter(10, 1) lets 19 through within the first second. A bucket of one, refilled
every 1/rate seconds, spaces them evenly instead.
"""

from aiolimiter import AsyncLimiter

_FINEST_S = 0.01  # below this the event loop's timer is coarser than the spacing: let small groups through instead


def strict_limiter(per_second: float) -> AsyncLimiter:
    """At most `per_second` acquisitions in any second. Belongs to the event loop that first uses it."""
    if per_second * _FINEST_S > 1:
        return AsyncLimiter(per_second * _FINEST_S, _FINEST_S)
    return AsyncLimiter(1, 1 / per_second)
