"""What paces calls: the protocol."""

from typing import Protocol


class Limiter(Protocol):
    """Lets one call pass at a time, at its rate. An `aiolimiter.AsyncLimiter` is one, for one event loop."""

    async def acquire(self) -> None:
        """Wait until the next call may go out. What it raises fails that call: nothing passes unpaced."""
