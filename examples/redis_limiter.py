"""One rate for all processes that share a Redis: `open_orchestrator(limiters={"soda": RedisLimiter(redis, "soda", 1)})`."""

import asyncio
import random
from math import ceil

from redis.asyncio import Redis

JITTER_MS = 2  # so that those who wait do not all ask at the same moment


class RedisLimiter:
    """Lets one call pass, whoever's it is, every 1/`per_second` seconds (at most 1,000 per second).

    Each call takes a turn, a key that Redis itself removes when the turn is over: no host's clock matters, and no burst comes.
    """

    def __init__(self, redis: Redis, name: str, per_second: float) -> None:
        self._redis = redis
        self._key = f"fmcsa:turn:{name}"
        self._turn_ms = ceil(1_000 / per_second)
        self._queue = asyncio.Lock()

    async def acquire(self) -> None:
        """Wait for a turn. Raises: redis.RedisError, and then the call does not go out."""
        async with self._queue:  # within a process by order of asking, and one asks Redis for all
            while not await self._redis.set(self._key, 1, nx=True, px=self._turn_ms):
                left_ms = await self._redis.pttl(self._key)
                if left_ms > 0:
                    await asyncio.sleep((left_ms + random.uniform(0, JITTER_MS)) / 1_000)
