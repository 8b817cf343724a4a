"""The one way to hold leases: take them, keep them alive while work goes on, write under them, give them back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.model.waiting import wait_out
from fmcsa_orchestrator.storage.leases import Lease, LeaseStore, lost_to_another

T = TypeVar("T")

RELEASE_S = 5.0  # what giving back may take
# What all may take together once we are cancelled: to see what has been sent to its end, then to give back. Both, for a company
# and then for its run, have to be over well within two seconds: so far a deadline may be overrun. What is not done runs out.
LAST_S = 0.8
_LAST_WORD_S = 0.25  # of these, what is kept for giving back
_RETRIES = 3  # of a renewal, within half of a lease's time


@asynccontextmanager
async def held_leases(
    store: LeaseStore, owner: str, ttl_s: float, if_unsure: Callable[[Sequence[Any]], Awaitable[None]] | None = None
) -> AsyncIterator["HeldLeases"]:
    """Hold what the block takes, until its end: then it is given back, as far as it has not been with a last write.

    Where a write may yet reach the store after the leases were ours, they are left to run out, and `if_unsure` is called with
    their keys.

    Raises: LeaseLostError, which ends the block, when others have taken over all that it holds; RepositoryError, which ends it as
    well, when the store has not said for so long whose they are that others may have them.
    """
    held = HeldLeases(store, owner, ttl_s)
    try:
        async with asyncio.timeout(None) as held.scope:
            try:
                yield held
            finally:
                held.rest()
    except BaseException as error:
        if held.scope is not None and held.scope.expired():
            raise held.why_over() from None
        if isinstance(error, asyncio.CancelledError):
            held.last_s()
        raise
    finally:
        await held.give_back(if_unsure)


@dataclass(slots=True)
class HeldLeases:
    """Leases in our hands, taken together and renewed together.

    Attributes:
        leases: ours and not given back yet, by key; the token is what our writes ask for.
        lost: the keys of those that somebody else has taken over.
        touched: the keys of those of which something may have been written: given back now, their work has ended early.
        in_turn: the key of the one that is worked on; it is as if touched.
    """

    store: LeaseStore
    owner: str
    ttl_s: float
    leases: dict[Any, Lease] = field(default_factory=dict)
    lost: set[Any] = field(default_factory=set)
    touched: set[Any] = field(default_factory=set)
    in_turn: Any = None
    scope: asyncio.Timeout | None = None
    good_until: float = 0.0
    writing: int = 0  # writes of which we do not know that they have come to their end while the leases were ours
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    beat: asyncio.TimerHandle | asyncio.Task[None] | None = None
    trouble: RepositoryError | None = None  # of the last renewal
    leave_by: float | None = None  # since we are cancelled, when all has to be over

    async def acquire(self, name: str) -> None:
        """Take the lease that is a document of its own. Raises: LeaseHeldError, RepositoryError."""
        self.leases[name] = Lease(name, self.owner, 0)
        self.touched.add(name)
        self.leases[name] = await self._take(self.store.acquire(name, self.owner, self.ttl_s))

    async def take(self, documents: Sequence[Mapping[str, Any]]) -> Sequence[Lease | RepositoryError]:
        """Take those in documents that were just read; by position, the lease or why it could not be had.

        Raises: RepositoryError when the store does not work.
        """
        self.leases = {document["_id"]: Lease(document["_id"], self.owner, 0) for document in documents}
        self.touched.update(self.leases)
        answers = await self._take(self.store.take(documents, self.owner, self.ttl_s))
        self.leases = {answer.key: answer for answer in answers if isinstance(answer, Lease)}
        self.touched.clear()
        return answers

    async def _take(self, call: Awaitable[T]) -> T:
        self.good_until = asyncio.get_running_loop().time() + self.ttl_s
        answer = await _answered(to_its_end(call, self._sent_s), self.ttl_s)
        self._beat_in(self.ttl_s / 2)
        return answer

    async def write(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make sure of the leases, then write what does not carry a token itself. What has begun is waited for.

        They are renewed first when half of their time is gone. Raises: LeaseLostError before the write, or after one that took so
        long that they have passed on meanwhile; RepositoryError where nobody says whether they have.
        """
        if self._left_s() < self.ttl_s / 2:
            await self._renew()
        if self._left_s() <= 0 or not self.leases:
            raise self.why_over()
        self.writing += 1
        task = asyncio.ensure_future(call())
        try:
            answer = await to_its_end(task, self._sent_s)
        finally:
            has_ended = task.done() and not task.cancelled() and task.exception() is None
            if has_ended and self._left_s() > 0:
                self.writing -= 1
        if self._left_s() <= 0:
            await self._make_sure()
        return answer

    async def _make_sure(self) -> None:
        """After a write that has ended too late: it is good all the same if nobody else has come meanwhile."""
        held = self.leases
        await self._renew()
        if self._left_s() <= 0 or held.keys() - self.leases.keys():
            self.leases = held  # of all of them it is unsure what is written
            raise lost_to_another()
        self.writing -= 1

    def why_over(self) -> RepositoryError:
        """Why nothing may be written any more: others have them all, or the store has not said for too long whose they are."""
        return (self.trouble or _unanswered(self.ttl_s)) if self.leases.keys() - self.lost else lost_to_another()

    async def give_back(self, if_unsure: Callable[[Sequence[Any]], Awaitable[None]] | None = None) -> None:
        """Whatever state the store is in, and though we be cancelled; where that fails, they run out by themselves."""
        leases = list(self.leases.values())
        finished = [lease for lease in leases if lease.key not in self.touched and lease.key != self.in_turn]
        limit_s = RELEASE_S if self.leave_by is None else self.last_s()

        async def leave() -> None:
            with suppress(RepositoryError, TimeoutError):
                async with asyncio.timeout(limit_s):
                    if not self.writing:
                        await self.store.release(leases, finished)
                    elif if_unsure is not None:
                        await if_unsure([lease.key for lease in leases])

        if leases:
            await to_its_end(leave(), self.last_s)

    def last_s(self) -> float:
        """We are cancelled, now or before: the seconds that are left."""
        now = asyncio.get_running_loop().time()
        if self.leave_by is None:
            self.leave_by = now + LAST_S
        return max(0.0, self.leave_by - now)

    def _sent_s(self) -> float:
        """We are cancelled: the seconds that are left for what has been sent."""
        return max(0.0, self.last_s() - _LAST_WORD_S)

    def rest(self) -> None:
        """Renew them no more."""
        if self.beat is not None:
            self.beat.cancel()

    def _beat_in(self, seconds: float) -> None:
        """Renew them after so many seconds, and so on."""
        loop = asyncio.get_running_loop()

        def begin() -> None:
            self.beat = loop.create_task(self._beat())

        self.beat = loop.call_later(seconds, begin)

    async def _beat(self) -> None:
        wait_s = self.ttl_s / 2
        try:
            await self._renew()
            self.trouble = None
        except RepositoryError as error:
            self.trouble = error
            wait_s /= _RETRIES  # not lost yet: ask again soon
        if self._left_s() > 0 and self.leases:
            self._beat_in(min(wait_s, self._left_s()))
        elif self.scope is not None:
            self.scope.reschedule(asyncio.get_running_loop().time())

    async def _renew(self) -> None:
        async with self.renewing:
            if not self.leases or self._left_s() > self.ttl_s / 2:  # somebody has done it, a moment ago
                return
            asked_at = asyncio.get_running_loop().time()
            patience_s = max(self._left_s(), self.ttl_s / 2)
            ours = await _answered(self.store.renew(list(self.leases.values()), self.ttl_s), patience_s)
            self.good_until = asked_at + self.ttl_s
            self.lost |= self.leases.keys() - ours
            self.leases = {key: lease for key, lease in self.leases.items() if key in ours}

    def _left_s(self) -> float:
        """For how long nobody else can have taken them."""
        return self.good_until - asyncio.get_running_loop().time()


def _unanswered(seconds: float) -> RepositoryError:
    return RepositoryError(f"MongoDB has given no answer for {seconds:.0f} s; what is not stored is as it was")


async def _answered(call: Awaitable[T], seconds: float) -> T:
    """The store's answer. Raises: RepositoryError when there is none in time."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError:
        raise _unanswered(seconds) from None


async def to_its_end(call: Awaitable[T], patience_s: Callable[[], float]) -> T:
    """The call's result. A cancellation passes only when the call has ended, or after as many seconds as are left then.

    What has been sent to a server cannot be called back. Raises: what the call raises.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await wait_out([task], patience_s())
        finally:
            if not task.cancel() and not task.cancelled():
                task.exception()  # it concerns nobody any more
        raise


async def together(*calls: Awaitable[Any]) -> list[Any]:
    """The results of calls that wait side by side. All are waited for, also when one fails. Raises: what the first raises."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers
