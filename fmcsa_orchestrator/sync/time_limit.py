"""The time of a sync that several may wait for: it has as long as the most patient of them, whoever came first."""

import asyncio
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True, eq=False)
class TimeLimit:
    """By when a sync has to be done: when the last of those who wait for it wants it.

    Attributes:
        at: by the event loop's time, where nobody else waits.
        waiters: the limits of those who wait; they come and go.
        has_cut: something has ended by it already, so that somebody with more time has to begin anew.
    """

    at: float = 0.0
    waiters: list["TimeLimit"] = field(default_factory=list)
    has_cut: bool = False

    @classmethod
    def after(cls, seconds: float) -> Self:
        """So many seconds from now."""
        return cls(asyncio.get_running_loop().time() + seconds)

    @property
    def until(self) -> float:
        """When it is over, as of now."""
        return max((waiter.until for waiter in self.waiters), default=self.at)

    def left_s(self) -> float:
        """The seconds that are left, as of now."""
        return self.until - asyncio.get_running_loop().time()

    def cut(self) -> None:
        """Note that something ends by it."""
        self.has_cut = True
        for waiter in self.waiters:
            waiter.cut()


@dataclass(frozen=True, slots=True)
class TimeShare:
    """A part of what is left of a limit: for one source, from `began` on. It grows with the limit."""

    limit: TimeLimit
    part: float
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @property
    def seconds(self) -> float:
        """All of it, as of now."""
        return max(0.0, self.limit.until - self.began) * self.part

    def left_s(self) -> float:
        """What is left of it; where that is nothing, the limit has cut."""
        left_s = self.began + self.seconds - asyncio.get_running_loop().time()
        if left_s <= 0:
            self.limit.cut()
        return max(0.0, left_s)
