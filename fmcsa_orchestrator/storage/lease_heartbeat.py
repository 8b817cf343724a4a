"""The one way to hold a lease: take it, keep it alive while work goes on, write under it, give it back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fmcsa_orchestrator.model.errors import CompanyWriteError, LeaseHeldError, RepositoryError
from fmcsa_orchestrator.storage.leases import Lease, LeaseStore, lost_to_another

T = TypeVar("T")

RELEASE_S = 5.0  # what giving back may take
TAKE_S = 1.0  # what taking may still take after we have been cancelled: a lease that arrives later has to run out
_BEATS = 3  # renewals within a lease's time


@asynccontextmanager
async def held_lease(
    leases: LeaseStore,
    what: Mapping[str, Any] | str,
    owner: str,
    ttl_s: float,
    if_unsure: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator["HeldLease"]:
    """Hold the lease in a document that was just read, or the one of a name, while the block runs.

    At its end it is given back, unless the block has done so with its last write. Where a write may yet reach the store after the
    lease was ours, it is left to run out, and `if_unsure` is called.

    Raises: LeaseHeldError when somebody else has it; CompanyWriteError when the document cannot hold one; LeaseLostError, which
    ends the block, when somebody has taken over; RepositoryError.
    """
    held = HeldLease(leases, what if isinstance(what, str) else what["_id"], owner, ttl_s)
    try:
        await to_its_end(held.take(what), TAKE_S)
        try:
            async with asyncio.timeout(None) as held.scope:
                held.beat_in(ttl_s / _BEATS)
                yield held
        finally:
            if held.beat is not None:
                held.beat.cancel()
        held.check()
    except BaseException as error:
        if held.lease is not None or not isinstance(error, LeaseHeldError | CompanyWriteError):
            await held.give_back(if_unsure)
        if held.scope is not None and held.scope.expired():
            raise lost_to_another() from None
        raise
    if not held.is_given_back:
        await held.give_back()


@dataclass(slots=True)
class HeldLease:
    """A lease in our hands.

    Attributes:
        lease: ours, with the token that each of our writes asks for.
        document: the document that it lies in, as it is while we hold it; empty for a lease that is a document of its own.
        is_given_back: to be set by whoever gives it back with the last write.
        is_lost: somebody else has it, or may have it by now.
        is_unsure: a write may have reached the store, or may yet reach it, after the lease was ours.
    """

    leases: LeaseStore
    key: Any
    owner: str
    ttl_s: float
    lease: Lease | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    is_given_back: bool = False
    is_lost: bool = False
    is_unsure: bool = False
    scope: asyncio.Timeout | None = None
    good_until: float = 0.0
    beat: asyncio.TimerHandle | asyncio.Task[None] | None = None

    async def take(self, what: Mapping[str, Any] | str) -> None:
        """Take it. Raises: LeaseHeldError, CompanyWriteError, RepositoryError."""
        asked_at = asyncio.get_running_loop().time()
        if isinstance(what, str):
            self.lease = await self.leases.acquire(what, self.owner, self.ttl_s)
        else:
            self.lease, self.document = await self.leases.take(what, self.owner, self.ttl_s)
        self.good_until = asked_at + self.ttl_s

    async def write(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make sure of the lease, then write what does not carry the token itself. What has begun is waited for.

        Raises: LeaseLostError before the write, or after one that took so long that the lease may have passed on meanwhile.
        """
        await self._renew()
        self.check()
        self.is_unsure = True
        task = asyncio.ensure_future(call())
        try:
            result = await to_its_end(task, RELEASE_S)
        except asyncio.CancelledError:
            self.is_unsure = not (task.done() and self._is_ours())
            raise
        if not self._is_ours():
            raise lost_to_another()
        self.is_unsure = False
        return result

    def check(self) -> None:
        """Raises: LeaseLostError when it is lost."""
        if self.is_lost:
            raise lost_to_another()

    async def give_back(self, if_unsure: Callable[[], Awaitable[None]] | None = None) -> None:
        """Whatever state the store is in, and though we be cancelled; where that fails, the lease runs out by itself."""

        async def leave() -> None:
            with suppress(RepositoryError, TimeoutError):
                async with asyncio.timeout(RELEASE_S):
                    if not self.is_unsure:
                        await self.leases.release(self.key, self.owner)
                    elif if_unsure is not None:
                        await if_unsure()

        await to_its_end(leave(), RELEASE_S)

    def beat_in(self, seconds: float) -> None:
        """Renew it after so many seconds, and so on."""
        loop = asyncio.get_running_loop()

        def begin() -> None:
            self.beat = loop.create_task(self._beat())

        self.beat = loop.call_later(seconds, begin)

    async def _beat(self) -> None:
        wait_s = self.ttl_s / _BEATS
        try:
            await self._renew()
        except RepositoryError:
            wait_s /= _BEATS  # not lost yet: ask again soon
        if self.is_lost or not self._is_ours():
            self.is_lost = True
            if self.scope is not None:
                self.scope.reschedule(asyncio.get_running_loop().time())
        else:
            self.beat_in(wait_s)

    async def _renew(self) -> None:
        asked_at = asyncio.get_running_loop().time()
        if self.lease is not None and await self.leases.renew(self.lease, self.ttl_s):
            self.good_until = asked_at + self.ttl_s
        else:
            self.is_lost = True

    def _is_ours(self) -> bool:
        """Whether nobody else can have taken it by now."""
        return asyncio.get_running_loop().time() < self.good_until


async def to_its_end(call: Awaitable[T], patience_s: float) -> T:
    """The call's result. A cancellation passes only when the call has ended, or after `patience_s` seconds.

    What has been sent to a server cannot be called back. Raises: what the call raises.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=patience_s)
        if not task.cancel() and not task.cancelled():
            task.exception()  # it concerns nobody any more
        raise
