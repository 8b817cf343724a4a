"""Syncs one company: source by source, each isolated; their rows first, then fields and status in one update."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from fmcsa_orchestrator.model.company import Company, name_of
from fmcsa_orchestrator.model.documents import check_settable, dig, settable
from fmcsa_orchestrator.model.errors import CompanyWriteError, FmcsaError, LeaseHeldError, RepositoryError
from fmcsa_orchestrator.model.events import CompanyStarted
from fmcsa_orchestrator.model.results import CompanySyncResult, SourceFailure
from fmcsa_orchestrator.observability.context import log_fields
from fmcsa_orchestrator.observability.hooks import emit
from fmcsa_orchestrator.observability.telemetry import count_outcome, observed
from fmcsa_orchestrator.storage.lease_heartbeat import Kept
from fmcsa_orchestrator.storage.leases import RELEASE_S, TAKE_S, finished, released, to_its_end, token_of
from fmcsa_orchestrator.storage.repository import CompanyUpdate, plainly
from fmcsa_orchestrator.storage.sync_status import LEASE, STATUS, ended_early, status_update
from fmcsa_orchestrator.sync.components import Parts
from fmcsa_orchestrator.sync.guard.isolation import Fault
from fmcsa_orchestrator.sync.guard.source_caller import Gate
from fmcsa_orchestrator.sync.source_step import Known, Progress, SourceTurn, is_current_for


@dataclass(slots=True)
class Synced:
    """One company done in memory and in its row collections; `update` is still to be saved."""

    result: CompanySyncResult
    update: CompanyUpdate | None  # None: the document is such that no status can be stored in it


class CompanySync:
    """Runs all sources for one company after another, for one run or one call.

    Raises: RepositoryError when the store does not work, LeaseHeldError and LeaseLostError when somebody else has the company;
    nothing else, whatever a source or a document does.
    """

    def __init__(self, parts: Parts, gate: Gate, owner: str) -> None:
        self._slots = parts.slots
        self._repository = parts.repository
        self._isolation = parts.isolation
        self._ttl_s = parts.lease_ttl_s
        self._turn = SourceTurn(parts.repository, gate)
        self._owner = owner

    def is_passive(self, company: Company, known: Known) -> bool:
        """Whether no source is to be asked and no row to be written for the company: then it needs no lease."""
        if dig(company.document, f"{LEASE}owner") is not None or ended_early(company.document):
            return False
        return all(
            is_current_for(slot, company, known) or isinstance(known.found.get(slot.name, {}).get(company.usdot), Fault)
            for slot in self._slots
        )

    async def look(self, company: Company, known: Known, at: datetime) -> Synced:
        """The status of a company for which nothing is to be done; the caller saves it."""
        return await self._sources(Progress(company, company.document, at, plainly), known, 0.0)

    async def sync(self, company: Company, known: Known, at: datetime, timeout_s: float) -> Synced:
        """All sources in order, sharing the time, and everything saved, while the company is leased to us."""
        shown = f"{company.id!s:.60}"
        with log_fields(company=shown), observed("company", company=shown, usdot=company.usdot) as seen:
            done = await self._leased(company, known, at, timeout_s)
            seen.outcome = "ok" if done.result.success else "failed"
        return done

    async def _leased(self, company: Company, known: Known, at: datetime, timeout_s: float) -> Synced:
        if ended_early(company.document):  # rows may be newer than the versions say, or of another number
            known = replace(known, force=True)
        leases = self._repository.company_leases
        kept: Kept | None = None
        try:
            lease, document = await to_its_end(leases.take(company.document, self._owner, self._ttl_s), TAKE_S)
            async with Kept(partial(leases.renew, lease, self._ttl_s), self._ttl_s) as kept:
                leased = Company(company.id, company.usdot, company.name, document)
                await emit(CompanyStarted(company.id, company.usdot, company.name))
                done = await self._sources(Progress(leased, document, at, kept.write), known, timeout_s)
                if done.update is not None:
                    done.update = replace(done.update, values={**done.update.values, **finished(LEASE, lease.token)})
                await self.save([done], at)
        except LeaseHeldError:
            raise
        except CompanyWriteError as error:
            return self.refused(company.document, "company", error, at)
        except BaseException:
            await self._abandon(company.id, is_unsure=kept is not None and kept.unsure)
            raise
        if done.update is None:
            await released(leases, company.id, self._owner)
        return done

    async def _abandon(self, company_id: Any, *, is_unsure: bool) -> None:
        """Give the lease back. Where rows may still be on their way, let it run out instead, and have all read again."""
        if not is_unsure:
            await released(self._repository.company_leases, company_id, self._owner)
            return
        with suppress(RepositoryError, TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await self._repository.distrust(company_id, [slot.name for slot in self._slots])

    async def _sources(self, progress: Progress, known: Known, timeout_s: float) -> Synced:
        try:
            check_settable(progress.original, [f"{STATUS}.sources.any.outcome"])
        except CompanyWriteError as error:
            return self.refused(progress.original, "company", error, progress.at)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        for position, slot in enumerate(self._slots):
            share_s = max(0.0, deadline - loop.time()) / (len(self._slots) - position)
            outcome = await self._turn.of(slot, progress, known, share_s)
            progress.outcomes[slot.name] = outcome
            count_outcome(slot.name, outcome.outcome.value, outcome.written)
        return self._finish(progress)

    def _finish(self, progress: Progress) -> Synced:
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
        return Synced(result, CompanyUpdate(company.id, values, token_of(progress.original, LEASE)))

    def refused(self, document: Mapping[str, Any], who: str, error: FmcsaError, at: datetime) -> Synced:
        """A company that cannot be synced at all: the error is its result, and its status where one can be stored."""
        fault = self._isolation.fault(who, error)
        failure = SourceFailure(source=who, error=fault.message, kind=fault.kind, timestamp=at)
        result = CompanySyncResult(company_id=document.get("_id"), name=name_of(document), success=False, errors=(failure,))
        try:
            values = settable(document, status_update((), [failure], at, None))
            return Synced(result, CompanyUpdate(document["_id"], values, token_of(document, LEASE)))
        except CompanyWriteError:
            return Synced(result, None)

    async def save(self, done: Sequence[Synced], at: datetime) -> None:
        """Store the updates; a company whose update is refused has failed, whatever its sources say."""
        storable = [item for item in done if item.update is not None]
        updates = [item.update for item in storable if item.update is not None]
        for index, error in (await self._repository.save(updates) if updates else {}).items():
            item = storable[index]
            item.result = with_error(item.result, self._isolation.fault("database", error), at)
            item.update = None


def with_error(result: CompanySyncResult, fault: Fault, at: datetime) -> CompanySyncResult:
    """The result of a company whose fields and status could not be stored: of no source is anything known."""
    failure = SourceFailure(source="database", error=fault.message, kind=fault.kind, timestamp=at)
    return result.model_copy(update={"success": False, "errors": (*result.errors, failure), "outcomes": {}})
