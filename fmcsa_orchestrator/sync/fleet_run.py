"""One run over all companies: window by window, the least recently attempted first, one company at a time."""

from collections.abc import Mapping, Sequence
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
from fmcsa_orchestrator.model.results import CompanySyncResult, Part
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.observability.hooks import emit
from fmcsa_orchestrator.storage.lease_heartbeat import held_lease
from fmcsa_orchestrator.sync.batch_reader import BatchReader, Found
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.company_sync import CompanySync, Synced
from fmcsa_orchestrator.sync.components import Components
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.source_step import Known
from fmcsa_orchestrator.sync.summary import Tally

_SUSPICIOUS = 2  # syncs in a row that ended early, after which a company comes last in its window
UNSTORABLE_LIMIT = 1_000  # companies whose status cannot be stored, after which a run gives up


class FleetRun:
    """Takes windows from the repository until none is due.

    Raises: LeaseHeldError when another run is under way, LeaseLostError when one has taken over, RepositoryError when the
    store does not work.
    """

    def __init__(
        self, components: Components, caller: SourceCaller, owner: str, *, clock: RunClock, tally: Tally, force: bool
    ) -> None:
        self.has_begun = False
        self._components = components
        self._caller = caller
        self._owner = owner
        self._company_sync = CompanySync(components, caller, owner)
        self._reader = BatchReader(caller, components.company_timeout_s)
        self._clock = clock
        self._tally = tally
        self._force = force
        self._versions: Mapping[str, str | None] = {}
        self._aside: list[Any] = []  # not to be taken again in this run, though their lastRun has not moved
        self._unstorable = 0

    async def run(self) -> None:
        """Go through all companies that are due, while no other run goes over them, on whatever host."""
        repository = self._components.repository
        async with held_lease(repository.run_leases, repository.run_name, self._owner, self._components.lease_ttl_s):
            since = self._clock.started_at
            due = await repository.count_due(since, self._clock.now())
            self.has_begun = True
            await emit(RunStarted(due, dict(current().requests)))
            if due:
                self._versions = await self._components.versions.current(afresh=True)
            size, just_done = self._components.window_size, set[Any]()
            while documents := await repository.take_due(since, self._clock.now(), size, self._aside):
                stuck = [document["_id"] for document in documents if document["_id"] in just_done]
                self._aside += stuck  # saved without effect: without this, a run would go round for ever
                await self._window([document for document in documents if document["_id"] not in just_done])
                just_done = {document["_id"] for document in documents}
                self._unstorable += len(stuck)
                if self._unstorable > UNSTORABLE_LIMIT:
                    raise RepositoryError(f"the status of over {UNSTORABLE_LIMIT} companies cannot be stored")

    async def _window(self, documents: Sequence[Mapping[str, Any]]) -> None:
        taken = [(document, as_company(document)) for document in documents]
        taken.sort(key=_is_suspicious)  # what ended two runs may end this one
        found = await self._read([company for _, company in taken if isinstance(company, Company)])
        known = Known(found, self._versions, self._force)
        await emit(WindowFetched(len(documents), current().requests.total()))
        passive: list[Synced] = []
        for document, company in taken:
            at = self._clock.now()
            if isinstance(company, InvalidUsdotError):
                passive.append(self._company_sync.refused(document, company, at))
            elif self._company_sync.is_passive(company, known):
                passive.append(await self._company_sync.look(company, known, at))
            else:
                await self._sync(company, known)
        await self._company_sync.save(passive)
        for item in passive:
            await self._tell(item)

    async def _read(self, companies: Sequence[Company]) -> dict[str, Found]:
        """The window through each batch source, as far as it is not current."""
        known = Known({}, self._versions, self._force)
        found: dict[str, Found] = {}
        for source in self._components.batch_sources:
            due = [
                company for company in companies if company.status.lease.ended_early or not known.is_current(source.name, company)
            ]
            if due:
                await emit(Reading(source.name, len(due)))
                found[source.name] = await self._reader.read(source, due)
        return found

    async def _sync(self, company: Company, known: Known) -> None:
        """One company's turn; one that somebody else has in hand, or has just synced, is left to them."""
        timeout_s = self._components.company_timeout_s
        try:
            done = await self._company_sync.sync(company, known, self._clock.now(), timeout_s)
        except (LeaseHeldError, LeaseLostError, CompanyNotFoundError) as error:
            failure = self._caller.isolation.failure(Part.COMPANY, error)
            name = name_of(company.document)
            done = Synced(CompanySyncResult.refused(company.id, failure, usdot=company.usdot, name=name), None)
        await self._tell(done)

    async def _tell(self, done: Synced) -> None:
        """Count it, and tell of it; what could not be stored is not to be taken again."""
        if done.update is None:
            self._aside.append(done.result.company_id)
            self._unstorable += not done.result.was_skipped
        self._tally.add(done.result)
        await emit(CompanySynced(done.result, current().requests.total()))


def _is_suspicious(taken: tuple[Mapping[str, Any], Company | InvalidUsdotError]) -> bool:
    return isinstance(taken[1], Company) and taken[1].status.lease.ended_early >= _SUSPICIOUS
