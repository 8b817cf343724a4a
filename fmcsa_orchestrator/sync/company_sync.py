"""Syncs one company: source by source, each isolated; their rows first, then fields and status in one update."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from fmcsa_orchestrator.model.company import Company, name_of
from fmcsa_orchestrator.model.documents import check_settable, settable
from fmcsa_orchestrator.model.errors import CompanyWriteError, FmcsaError
from fmcsa_orchestrator.model.events import CompanyStarted
from fmcsa_orchestrator.model.results import CompanySyncResult, Part, SourceFailure
from fmcsa_orchestrator.model.status import LEASE, STATUS, StoredStatus
from fmcsa_orchestrator.observability.context import current, entered
from fmcsa_orchestrator.observability.hooks import emit, settle, watched
from fmcsa_orchestrator.storage.lease_heartbeat import held_lease
from fmcsa_orchestrator.storage.leases import values_of_nobody
from fmcsa_orchestrator.storage.repository import CompanyUpdate, plainly
from fmcsa_orchestrator.storage.sync_status import status_update
from fmcsa_orchestrator.sync.components import Components
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.source_step import Known, Progress, SourceStep


@dataclass(slots=True)
class Synced:
    """One company done in memory and in its row collections; `update` is still to be saved."""

    result: CompanySyncResult
    update: CompanyUpdate | None  # None: the document is such that no status can be stored in it


@dataclass(frozen=True, slots=True)
class CompanySync:
    """Runs all sources for one company after another, for one run or one call.

    Raises: RepositoryError when the store does not work, LeaseHeldError and LeaseLostError when somebody else has the company;
    nothing else, whatever a source or a document does.
    """

    components: Components
    caller: SourceCaller
    owner: str

    def is_passive(self, company: Company, known: Known) -> bool:
        """Whether no source is to be asked and no row to be written for the company: then it needs no lease."""
        lease = company.status.lease
        if lease.values.get("owner") is not None or lease.ended_early:
            return False
        return all(
            known.is_current(slot.name, company) or isinstance(known.found.get(slot.name, {}).get(company.usdot), SourceFailure)
            for slot in self.components.slots
        )

    async def look(self, company: Company, known: Known, at: datetime) -> Synced:
        """The status of a company for which nothing is to be done; the caller saves it."""
        return await self._sources(Progress(company, company.document, at, plainly), known, 0.0)

    async def sync(self, company: Company, known: Known, at: datetime, timeout_s: float) -> Synced:
        """All sources in order, sharing the time, and everything saved, while the company is leased to us."""
        shown, repository = f"{company.id!s:.60}", self.components.repository
        if company.status.lease.ended_early:  # rows may be newer than the versions say, or of another number
            known = replace(known, force=True)
        distrust = partial(repository.distrust, company.id, [slot.name for slot in self.components.slots])
        lease = held_lease(repository.company_leases, company.document, self.owner, self.components.lease_ttl_s, distrust)
        with (
            entered(replace(current(), log_fields={**current().log_fields, "company": shown})),
            watched("company", company=shown, usdot=company.usdot) as activity,
        ):
            try:
                async with lease as held:
                    await emit(CompanyStarted(company.id, company.usdot, company.name))
                    leased = Company(company.id, company.usdot, company.name, held.document)
                    done = await self._sources(Progress(leased, held.document, at, held.write), known, timeout_s)
                    await self.save([done], finishing=True)
                    held.is_given_back = done.update is not None
            except CompanyWriteError as error:
                done = self.refused(company.document, error, at)
            activity.outcome = "ok" if done.result.success else "failed"
        return done

    async def _sources(self, progress: Progress, known: Known, timeout_s: float) -> Synced:
        """Give each source its step, an equal share of the time that is left, and put together what is to be saved."""
        try:
            check_settable(progress.original, [f"{STATUS}.sources.any.outcome"])
        except CompanyWriteError as error:
            return self.refused(progress.original, error, progress.at)
        loop, slots = asyncio.get_running_loop(), self.components.slots
        step = SourceStep(self.components.repository, self.caller)
        deadline = loop.time() + timeout_s
        for position, slot in enumerate(slots):
            share_s = max(0.0, deadline - loop.time()) / (len(slots) - position)
            outcome = await step.run(slot, progress, known, share_s)
            progress.outcomes[slot.name] = outcome
            settle(outcome)
        company = progress.company
        status = status_update(progress.outcomes.values(), progress.failures, progress.at, company.usdot)
        values = settable(progress.original, {**progress.values, **status})
        result = CompanySyncResult(
            company_id=company.id,
            usdot=int(company.usdot),
            name=company.name,
            success=not progress.failures,
            errors=tuple(progress.failures),
            outcomes=progress.outcomes,
        )
        return Synced(result, CompanyUpdate(company.id, values, company.status.lease.token))

    def refused(self, document: Mapping[str, Any], error: FmcsaError, at: datetime) -> Synced:
        """A company that cannot be synced at all: the error is its result, and its status where one can be stored."""
        failure = self.caller.isolation.failure(Part.COMPANY, error)
        result = CompanySyncResult.refused(document.get("_id"), failure, name=name_of(document))
        try:
            values = settable(document, status_update((), [failure], at, None))
            return Synced(result, CompanyUpdate(document["_id"], values, StoredStatus.of(document).lease.token))
        except CompanyWriteError:
            return Synced(result, None)

    async def save(self, done: Sequence[Synced], *, finishing: bool = False) -> None:
        """Store the updates, the lease given back with them if `finishing`; one whose update is refused has failed."""
        storable = [item for item in done if item.update is not None]
        updates = [item.update for item in storable if item.update is not None]
        if finishing:
            updates = [replace(update, values={**update.values, **_finished(update.token)}) for update in updates]
        for index, error in (await self.components.repository.save(updates) if updates else {}).items():
            item = storable[index]
            failure = self.caller.isolation.failure(Part.DATABASE, error)  # of no source is anything known
            errors = (*item.result.errors, failure)
            item.result = item.result.model_copy(update={"success": False, "errors": errors, "outcomes": {}})
            item.update = None


def _finished(token: int | None) -> dict[str, Any]:
    return {**values_of_nobody(LEASE), f"{LEASE}finishedToken": token}
