"""One run over all companies: window by window, the longest unattempted first, one company at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from fmcsa_orchestrator.model.company import Company, as_company, name_of
from fmcsa_orchestrator.model.errors import (
    CompanyNotFoundError,
    InvalidUsdotError,
    LeaseHeldError,
    LeaseLostError,
    RepositoryError,
)
from fmcsa_orchestrator.model.events import CompanySynced, Reading, RunStarted, WindowFetched
from fmcsa_orchestrator.model.results import CompanySyncResult, SourceFailure, was_skipped
from fmcsa_orchestrator.observability.hooks import emit
from fmcsa_orchestrator.storage.lease_heartbeat import Kept
from fmcsa_orchestrator.storage.leases import TAKE_S, released, to_its_end
from fmcsa_orchestrator.storage.sync_status import ended_early, is_current
from fmcsa_orchestrator.sync.batch_reader import Found, WindowReader
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.company_sync import CompanySync, Synced
from fmcsa_orchestrator.sync.components import Parts
from fmcsa_orchestrator.sync.guard.source_caller import Gate
from fmcsa_orchestrator.sync.source_step import Known
from fmcsa_orchestrator.sync.summary import Tally

_SUSPICIOUS = 2  # syncs in a row that ended early, after which a company comes last in its window
UNSTORABLE_LIMIT = 1_000  # companies whose status cannot be stored, after which a run gives up


class Run:
    """Takes windows from the repository until none is due.

    Raises: LeaseHeldError when another run is under way, LeaseLostError when one has taken over, RepositoryError when the
    store does not work.
    """

    def __init__(
        self, parts: Parts, gate: Gate, owner: str, *, clock: RunClock, tally: Tally, requests: Counter[str], force: bool
    ) -> None:
        self.has_begun = False
        self._parts = parts
        self._repository = parts.repository
        self._owner = owner
        self._company_sync = CompanySync(parts, gate, owner)
        self._reader = WindowReader(gate, parts.company_timeout_s)
        self._clock = clock
        self._tally = tally
        self._requests = requests
        self._force = force
        self._versions: Mapping[str, str | None] = {}
        self._aside: list[Any] = []  # not to be taken again in this run, though their lastRun has not moved
        self._unstorable = 0

    async def go(self) -> None:
        """Go through all companies that are due, while no other run goes over them, on whatever host."""
        leases, name, ttl_s = self._repository.run_leases, self._repository.run_name, self._parts.lease_ttl_s
        try:
            lease = await to_its_end(leases.acquire(name, self._owner, ttl_s), TAKE_S)
            async with Kept(partial(leases.renew, lease, ttl_s), ttl_s):
                await self._through_all()
        except LeaseHeldError:
            raise
        except BaseException:
            await released(leases, name, self._owner)
            raise
        await released(leases, name, self._owner)

    async def _through_all(self) -> None:
        since = self._clock.started_at
        due = await self._repository.count_due(since, self._clock.now())
        self.has_begun = True
        await emit(RunStarted(due, MappingProxyType(self._requests)))
        if due:
            self._versions = await self._parts.versions.current(afresh=True)
        just_done: set[Any] = set()
        while documents := await self._repository.take_due(since, self._clock.now(), self._parts.window_size, self._aside):
            stuck = [document["_id"] for document in documents if document["_id"] in just_done]
            self._aside += stuck  # saved without effect: without this, a run would go round for ever
            await self._window([document for document in documents if document["_id"] not in just_done])
            just_done = {document["_id"] for document in documents}
            self._unstorable += len(stuck)
            if self._unstorable > UNSTORABLE_LIMIT:
                raise RepositoryError(f"the status of over {UNSTORABLE_LIMIT} companies cannot be stored")

    async def _window(self, documents: Sequence[Mapping[str, Any]]) -> None:
        documents = sorted(
            documents, key=lambda document: ended_early(document) >= _SUSPICIOUS
        )  # what ended two runs may end this
        companies = [as_company(document) for document in documents]
        found = await self._read([company for company in companies if isinstance(company, Company)])
        known = Known(found, self._versions, self._force)
        await emit(WindowFetched(len(documents), self._requests.total()))
        passive: list[Synced] = []
        for document, company in zip(documents, companies, strict=True):
            at = self._clock.now()
            if isinstance(company, InvalidUsdotError):
                passive.append(self._company_sync.refused(document, "company", company, at))
            elif self._company_sync.is_passive(company, known):
                passive.append(await self._company_sync.look(company, known, at))
            else:
                await self._sync(company, known)
        await self._company_sync.save(passive, self._clock.now())
        for item in passive:
            await self._count(item)

    async def _read(self, companies: Sequence[Company]) -> dict[str, Found]:
        """The window through each batch source, as far as it is not current."""
        known = [(company, self._force or ended_early(company.document)) for company in companies]
        found: dict[str, Found] = {}
        for source in self._parts.batch_sources:
            version = self._versions.get(source.name)
            due = [company for company, again in known if again or not is_current(company, source.name, version)]
            if due:
                await emit(Reading(source.name, len(due)))
                found[source.name] = await self._reader.read(source, due)
        return found

    async def _sync(self, company: Company, known: Known) -> None:
        """One company's turn; one that somebody else has in hand, or has just synced, is left to them."""
        at = self._clock.now()
        try:
            await self._count(await self._company_sync.sync(company, known, at, self._parts.company_timeout_s))
        except (LeaseHeldError, LeaseLostError, CompanyNotFoundError) as error:
            failure = SourceFailure(source="company", error=str(error), kind=error.kind, timestamp=at)
            name = name_of(company.document)
            result = CompanySyncResult(company_id=company.id, usdot=company.usdot, name=name, success=False, errors=(failure,))
            self._aside.append(company.id)
            await self._tell(result)

    async def _count(self, item: Synced) -> None:
        if item.update is None:
            self._aside.append(item.result.company_id)
            self._unstorable += not was_skipped(item.result)
        await self._tell(item.result)

    async def _tell(self, result: CompanySyncResult) -> None:
        self._tally.add(result)
        await emit(CompanySynced(result, self._requests.total()))
