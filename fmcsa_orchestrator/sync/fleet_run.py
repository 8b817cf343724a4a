"""One run over all companies: window by window, the least recently attempted first; in a window, chunk by chunk."""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.company import Company, as_company, unnameable
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.errors import (
    CompanyNotFoundError,
    CompanyWriteError,
    InvalidUsdotError,
    RepositoryError,
)
from fmcsa_orchestrator.model.events import CompanySynced, Reading, RunStarted, WindowFetched
from fmcsa_orchestrator.model.results import CompanySyncResult, Part
from fmcsa_orchestrator.model.status import TIMES
from fmcsa_orchestrator.model.waiting import wait_out
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.observability.hooks import emit
from fmcsa_orchestrator.storage.held_leases import held_leases
from fmcsa_orchestrator.sync.batch_reader import BatchReader, Found
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.company_sync import CompanySync, Synced
from fmcsa_orchestrator.sync.components import Components
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.progress import Known
from fmcsa_orchestrator.sync.summary import Tally
from fmcsa_orchestrator.sync.surveys import READ_S

_SUSPICIOUS = 2  # syncs in a row that ended early, after which a company comes last in its window
UNSTORABLE_LIMIT = 1_000  # companies whose status cannot be stored, after which a run gives up
HOLD_S = 2.0  # seconds that a chunk of companies is to be held: so long may somebody have to wait who wants one of them
MOST_NAMED = 1_000  # companies that were left as they are and have the same time; more are written, and have a new one
CHUNK = 100  # companies in a chunk, at most
_CHUNK_ROWS = 5_000  # rows in a chunk, about


class FleetRun:
    """Takes windows from the repository until none is due.

    Raises: LeaseHeldError when another run is under way, LeaseLostError when one has taken over, RepositoryError when the
    store does not work.
    """

    def __init__(
        self,
        components: Components,
        caller: SourceCaller,
        owner: str,
        *,
        clock: RunClock,
        tally: Tally,
        force: bool,
        deadline_s: float | None = None,
    ) -> None:
        self.has_begun = False
        self._components = components
        self._caller = caller
        self._owner = owner
        self._company_sync = CompanySync(components, caller, owner)
        self._reader = BatchReader(caller, components.company_timeout_s)
        self._clock = clock
        self._tally = tally
        self._deadline_s = deadline_s
        self._known = Known({}, {}, force)
        self._aside: list[Any] = []  # not to be taken again in this run, though their lastRun has not moved
        self._looked_at = LookedAt()
        self._recent: deque[set[Any]] = deque(maxlen=2)  # the ids of the last windows
        self._is_last = False
        self._unstorable = 0
        self._paces = {True: Pace(CHUNK // 4), False: Pace(1)}  # of companies that have been read, and of those to be asked for

    async def run(self) -> None:
        """Go through all companies that are due, while no other run goes over them, on whatever host."""
        repository = self._components.repository
        async with held_leases(repository.run_leases, self._owner, self._components.lease_ttl_s) as held:
            await held.acquire(repository.run_name)
            since = self._clock.started_at
            due = await repository.count_due(since, self._clock.now())
            self.has_begun = True
            await emit(RunStarted(due, dict(current().requests)))
            if due:
                self._known = replace(self._known, versions=await self._versions())
            window = await self._next(since, ())
            while window is not None:
                ahead = self._read_ahead(since, window)
                try:
                    await self._store(window)
                    window = await (ahead or self._next(since, ()))
                finally:
                    if ahead is not None:
                        ahead.cancel()
                        try:
                            await wait_out([ahead])
                        finally:
                            if ahead.done() and not ahead.cancelled():
                                ahead.exception()  # where both fail, one is told

    async def _versions(self) -> dict[str, str | None]:
        """What upstreams have now; where they have what a survey is to be made of, after it has been made."""
        versions = await self._components.versions.current(afresh=True)
        within_s = READ_S if self._deadline_s is None else min(READ_S, self._deadline_s / 2)  # the other half is the companies'
        is_due, failures = await self._components.surveys.read(self._caller, within_s)
        for failure in failures:
            self._tally.fail_run(failure)
        return await self._components.versions.current(afresh=True) if is_due and not failures else versions

    def verified(self) -> dict[str, Any]:
        """What holds of every company that has these versions: that upstream had no newer ones when this run began.

        Empty where upstream told no version.
        """
        at = self._clock.started_at
        found = {source: {"version": version, "at": at} for source, version in self._known.versions.items() if version}
        return {"verified": found} if found else {}

    def _read_ahead(self, since: datetime, window: "Window") -> "asyncio.Task[Window | None] | None":
        """The next window, read while the store takes this one; not where this one waits for upstreams itself."""
        is_read = all(window.known.is_read(self._components.slots, company) for company in window.active)
        return asyncio.create_task(self._next(since, window.ids)) if is_read else None

    async def _next(self, since: datetime, in_hand: Collection[Any]) -> "Window | None":
        """The next companies that are due, without those in hand, and what the batch sources say of them; None after the last."""
        if self._is_last:
            return None
        documents, odd = await self._take_due(since, in_hand)
        if self._is_last and not documents and not odd:
            return None
        slots = self._components.slots
        seen = [as_company(document) for document in documents]
        passive = [company for company in seen if isinstance(company, Company) and self._known.is_passive(slots, company)]
        current_ids = {company.id for company in passive}
        companies, refused = await self._whole([document for document in documents if document["_id"] not in current_ids])
        refused += [self._unnameable(document, error) for document in odd if (error := unnameable(document))]
        companies.sort(key=_is_suspicious)  # what ended two runs may end this one
        known = replace(self._known, found=await self._read(companies))
        await emit(WindowFetched(len(documents), current().requests.total()))
        active = [company for company in companies if not known.is_passive(slots, company)]
        passive += [company for company in companies if known.is_passive(slots, company)]
        return Window({document["_id"] for document in documents}, known, active, passive, refused)

    async def _take_due(
        self, since: datetime, in_hand: Collection[Any]
    ) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
        """The next companies, and those whose `_id` nothing can be kept by; none that was saved without effect before."""
        size = self._components.window_size
        without, after = [*self._aside, *in_hand, *self._looked_at.ids], self._looked_at.until
        documents = await self._components.repository.take_due(since, self._clock.now(), size, without, after=after)
        self._is_last = len(documents) < size
        odd = [document for document in documents if unnameable(document)]
        documents = [document for document in documents if not unnameable(document)]
        stuck = [document["_id"] for document in documents if any(document["_id"] in ids for ids in self._recent)]
        # What is stuck was saved without effect: without this, a run would go round for ever.
        self._aside += [*(document["_id"] for document in odd), *stuck]
        self._unstorable += len(stuck)
        if self._unstorable > UNSTORABLE_LIMIT:
            raise RepositoryError(f"the status of over {UNSTORABLE_LIMIT} companies cannot be stored")
        documents = [document for document in documents if document["_id"] not in stuck]
        self._recent.append({document["_id"] for document in documents})
        return documents, odd

    async def _store(self, window: "Window") -> None:
        """First the companies for which something is to be done, in chunks; then the status of those that are current."""
        active: Sequence[Company] = window.active
        while active:
            chunk, active = self._chunk(active, window.known)
            for done in await self._sync(chunk, window.known):
                await self._tell(done)
        now = self._clock.now()
        looks = await self._company_sync.look(window.passive, window.known, now)
        to_say = []
        for company, done in zip(window.passive, looks, strict=True):
            if self._says_nothing_new(company, done, now):
                self._looked_at.add(company)
            else:
                to_say.append(done)
        await self._company_sync.save(window.refused + to_say)
        for done in window.refused + looks:
            await self._tell(done)

    def _says_nothing_new(self, company: Company, done: Synced, now: datetime) -> bool:
        """Whether the status would change in its times only, and these were written not long ago."""
        last_run = company.status.last_run
        if len(self._looked_at.ids) >= MOST_NAMED and last_run == self._looked_at.until:
            return False
        if last_run is None or not now - self._components.confirm_after <= last_run <= now or done.update is None:
            return False
        return all(path.endswith(TIMES) or dig(company.document, path) == value for path, value in done.update.values.items())

    async def _whole(self, documents: Sequence[Mapping[str, Any]]) -> tuple[list[Company], list[Synced]]:
        """These companies with all that their documents hold, in the same order, and those that cannot be asked for."""
        companies, refused = [], []
        ids = [document["_id"] for document in documents]
        found = {document["_id"]: document for document in await self._components.repository.find_companies(ids)} if ids else {}
        for slim in documents:
            document = found.get(slim["_id"], slim)
            company = as_company(document)
            if isinstance(company, InvalidUsdotError):
                refused.append(self._company_sync.refused(document, company, self._clock.now()))
            elif slim["_id"] not in found:
                refused.append(self._passed_over(company, CompanyNotFoundError("the company was deleted meanwhile")))
            else:
                companies.append(company)
        return companies, refused

    async def _read(self, companies: Sequence[Company]) -> dict[str, Found]:
        """The window through each batch source, as far as it is not current."""
        found: dict[str, Found] = {}
        for source in self._components.batch_sources:
            due = [company for company in companies if self._known.is_due(source.name, company)]
            if due:
                await emit(Reading(source.name, len(due)))
                found[source.name] = await self._components.shared_reads.read_along(source, due, self._reader)
        return found

    def _chunk(self, companies: Sequence[Company], known: Known) -> tuple[Sequence[Company], Sequence[Company]]:
        """The next companies that go to the store together, and the rest. What may have ended a run goes alone."""
        slots, first = self._components.slots, companies[0]
        is_read, rows, size = known.is_read(slots, first), 0, 0
        limit = 1 if first.status.lease.ended_early else self._paces[is_read].size
        for company in companies[:limit]:
            rows += known.rows_of(company)
            if size and (rows > _CHUNK_ROWS or company.status.lease.ended_early or known.is_read(slots, company) != is_read):
                break
            size += 1
        return companies[:size], companies[size:]

    async def _sync(self, chunk: Sequence[Company], known: Known) -> list[Synced]:
        """The companies' turns; those that somebody else has in hand, or has just synced, are left to them."""
        loop, timeout_s = asyncio.get_running_loop(), self._components.company_timeout_s
        began = loop.time()
        done = await self._company_sync.sync(chunk, known, self._clock.now(), timeout_s)
        self._paces[known.is_read(self._components.slots, chunk[0])].learn(len(chunk), loop.time() - began)
        return [
            self._passed_over(company, item) if isinstance(item, RepositoryError) else item
            for company, item in zip(chunk, done, strict=True)
        ]

    def _unnameable(self, document: Mapping[str, Any], error: CompanyWriteError) -> Synced:
        return replace(self._company_sync.refused(document, error, self._clock.now()), update=None)

    def _passed_over(self, company: Company, error: RepositoryError) -> Synced:
        failure = self._caller.isolation.failure(Part.COMPANY, error)
        return Synced(CompanySyncResult.refused(company.id, failure, usdot=company.usdot, name=company.name), None)

    async def _tell(self, done: Synced) -> None:
        """Count it, and tell of it; what could not be stored is not to be taken again."""
        if done.update is None:
            self._aside.append(done.result.company_id)
            self._unstorable += not done.result.was_skipped
        self._tally.add(done.result)
        await emit(CompanySynced(done.result, current().requests.total()))


@dataclass(slots=True)
class LookedAt:
    """The companies that were left as they are: all that were attempted before `until`, and of those at that very time `ids`."""

    until: datetime | None = None
    ids: set[Any] = field(default_factory=set)

    def add(self, company: Company) -> None:
        """One more; they come in the order of their last attempts."""
        last_run = company.status.last_run
        if last_run is not None and (self.until is None or last_run > self.until):
            self.until, self.ids = last_run, set()
        self.ids.add(company.id)


@dataclass(frozen=True, slots=True)
class Window:
    """Companies that are taken together, and what is known of them: those to be synced, those that are current, those refused."""

    ids: Collection[Any]
    known: Known
    active: Sequence[Company]
    passive: Sequence[Company]
    refused: list[Synced]


@dataclass(slots=True)
class Pace:
    """How many companies go into a chunk, by the time that the last ones took."""

    size: int

    def learn(self, companies: int, seconds: float) -> None:
        """Aim at `HOLD_S`; grow by a factor of two at most."""
        fitting = companies * HOLD_S / max(seconds, 0.001)
        self.size = max(1, min(CHUNK, 2 * self.size, int(fitting)))


def _is_suspicious(company: Company) -> bool:
    return company.status.lease.ended_early >= _SUSPICIOUS
