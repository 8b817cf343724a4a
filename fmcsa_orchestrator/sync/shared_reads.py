"""What several calls want of one source within a moment: read together, in batches as a run reads its windows."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from fmcsa_orchestrator.model.company import Company, SourceReport
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.model.results import SourceFailure
from fmcsa_orchestrator.model.waiting import wait_out
from fmcsa_orchestrator.observability.context import current, entered
from fmcsa_orchestrator.sources.base import BatchSource
from fmcsa_orchestrator.sync.batch_reader import BatchReader, Found
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller

MOMENT_S = 1.0  # for so long, at most, the first call waits for others that are under way and have not asked yet

Answer = SourceReport | SourceFailure | None
Wish = tuple[Company, "asyncio.Future[Answer]"]


@dataclass(slots=True)
class SharedReads:
    """Reads companies for whoever asks, one batch of a source at a time; who comes while one is read joins the next.

    What fails is told to those whose companies it concerns, as in a run: a failing batch is read again in halves.

    Attributes:
        callers: calls that are under way, each for one company.
    """

    limiter: Limiter
    isolation: Isolation
    timeout_s: float
    callers: int = 0
    _wishes: dict[str, list[Wish]] = field(default_factory=dict)
    _all_have_asked: dict[str, asyncio.Event] = field(default_factory=dict)
    _in_hand: dict[str, list[Wish]] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @contextmanager
    def caller(self) -> Iterator[None]:
        """A call for one company is under way, which is the block: others wait for a moment whether it asks, too."""
        self.callers += 1
        try:
            yield
        finally:
            self.callers -= 1
            self._look()

    def _look(self) -> None:
        for name, wishes in self._wishes.items():
            event = self._all_have_asked.setdefault(name, asyncio.Event())
            if len(wishes) >= self.callers:
                event.set()
            else:
                event.clear()

    async def read(self, source: BatchSource, company: Company) -> Answer:
        """What the source says of the company; None where a batch leaves it out, to be fetched on its own.

        The reading ends with the last who waits for it.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._wishes.setdefault(source.name, []).append((company, answer))
        self._look()
        self._begin(source)
        try:
            return await answer
        finally:
            answer.cancel()
            await self._leave(source.name)

    async def read_along(self, source: BatchSource, companies: Sequence[Company], reader: BatchReader) -> Found:
        """What a run's reader says of its companies; those that handlers wait for come along as far as its last batch has room.

        Where that brings a handler nothing, its company is read for itself: the run's breakers are the run's.
        """
        room = -len(companies) % max(1, source.batch_size)
        wishes = self._wishes.get(source.name, [])
        taken = [wish for wish in wishes if not wish[1].done()][:room]
        self._wishes[source.name] = [wish for wish in wishes if wish not in taken]
        try:
            found = await reader.read(source, [*companies, *(company for company, _ in taken)])
            for company, answer in taken:
                if isinstance(report := found.get(company.usdot), SourceReport) and not answer.done():
                    answer.set_result(report)
            return found
        finally:
            if left := [wish for wish in taken if not wish[1].done()]:
                self._wishes.setdefault(source.name, []).extend(left)
                self._begin(source)

    def _begin(self, source: BatchSource) -> None:
        if source.name not in self._tasks:
            self._tasks[source.name] = asyncio.create_task(self._serve(source))

    async def _leave(self, name: str) -> None:
        waiting = [*self._wishes.get(name, ()), *self._in_hand.get(name, ())]
        task = self._tasks.get(name)
        if task is not None and all(answer.done() for _, answer in waiting):
            del self._tasks[name]
            self._wishes.pop(name, None)
            self._in_hand.pop(name, None)
            task.cancel()
            await wait_out([task])

    async def _serve(self, source: BatchSource) -> None:
        """Read for all who wait, until nobody does."""
        task = asyncio.current_task()
        with suppress(TimeoutError):
            async with asyncio.timeout(MOMENT_S):
                await self._all_have_asked.setdefault(source.name, asyncio.Event()).wait()
        while batch := [wish for wish in self._wishes.pop(source.name, []) if not wish[1].done()]:
            self._in_hand[source.name] = batch
            reader = BatchReader(SourceCaller(self.limiter, self.isolation), self.timeout_s)
            companies = [company for company, _ in batch]
            of_one = {"company": f"{companies[0].id!s:.60}"} if len(companies) == 1 else {}
            try:
                with entered(replace(current(), log_fields=of_one)):
                    found = await reader.read(source, companies)
            except Exception as error:  # noqa: BLE001  # whatever it is, those who wait have to hear of it
                found = dict.fromkeys((company.usdot for company in companies), self.isolation.failure(source.name, error))
            for company, answer in batch:
                if not answer.done():
                    answer.set_result(found.get(company.usdot))
            del self._in_hand[source.name]
        if self._tasks.get(source.name) is task:
            del self._tasks[source.name]
