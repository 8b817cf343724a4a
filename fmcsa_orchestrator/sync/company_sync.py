"""Syncs a few companies that share their way to the store: leases and stored rows first, then each by itself, then all writes.

Each company has its turn, source by source, each isolated. Then the rows of all are written, and their fields and statuses last.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from fmcsa_orchestrator.model.company import Company, name_of
from fmcsa_orchestrator.model.documents import check_settable, settable, with_values
from fmcsa_orchestrator.model.errors import CompanyNotFoundError, CompanyWriteError, FmcsaError, LeaseLostError, RepositoryError
from fmcsa_orchestrator.model.events import CompanyStarted
from fmcsa_orchestrator.model.results import CompanySyncResult, Outcome, Part
from fmcsa_orchestrator.model.status import LEASE, STATUS, TOKEN, StoredStatus
from fmcsa_orchestrator.observability.context import current, entered
from fmcsa_orchestrator.observability.hooks import emit, settle, watched
from fmcsa_orchestrator.storage.held_leases import HeldLeases, held_leases, together
from fmcsa_orchestrator.storage.history import HistoryEntry
from fmcsa_orchestrator.storage.leases import Lease, lost_to_another, values_of_nobody
from fmcsa_orchestrator.storage.repository import CompanyUpdate
from fmcsa_orchestrator.storage.row_writer import RowWriter
from fmcsa_orchestrator.storage.sync_status import status_update
from fmcsa_orchestrator.sync.components import Components
from fmcsa_orchestrator.sync.gone_carriers import GoneCarriers
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.progress import Known, Progress
from fmcsa_orchestrator.sync.source_step import SourceStep
from fmcsa_orchestrator.sync.time_limit import TimeLimit, TimeShare


@dataclass(slots=True)
class Synced:
    """One company done in memory and in its row collections; `update` is still to be saved."""

    result: CompanySyncResult
    update: CompanyUpdate | None  # None: the document is such that no status can be stored in it, or it was refused
    events: Sequence[Mapping[str, Any]] = ()  # to be told before that
    history: Sequence[HistoryEntry] = ()  # to be kept before that


@dataclass(frozen=True, slots=True)
class CompanySync:
    """Runs all sources for companies, for one run or one call.

    Raises: RepositoryError when the store does not work; nothing else, whatever a source or a document does.
    """

    components: Components
    caller: SourceCaller
    owner: str

    @property
    def _step(self) -> SourceStep:
        return SourceStep(self.components, self.caller)

    async def look(self, companies: Sequence[Company], known: Known, at: datetime) -> list[Synced]:
        """The status of companies for which nothing else is to be done; that needs no lease. The caller saves it."""
        turns = [await self._turn(Progress(company, known, at), TimeLimit()) for company in companies]
        return [self._closed(turn) if isinstance(turn, Progress) else turn for turn in turns]

    async def sync(
        self, companies: Sequence[Company], known: Known, at: datetime, timeout_s: float | TimeLimit
    ) -> list[Synced | RepositoryError]:
        """Each of these through all sources in order, in `timeout_s` seconds from its turn on, while all are leased to us.

        By position, what has become of it; an error where somebody else has the company, has taken it over, or has deleted it.
        """
        try:
            return await self._sync(companies, known, at, timeout_s)
        except LeaseLostError:  # all of them
            return list(await self._lost(companies))

    async def _lost(self, companies: Sequence[Company]) -> list[RepositoryError]:
        """Of companies whose leases are ours no more: deleted, or in somebody else's hands."""
        found = await self.components.repository.find_companies([company.id for company in companies])
        there = {document["_id"] for document in found}
        return [
            lost_to_another()
            if company.id in there
            else CompanyNotFoundError(f"the company {company.id!s:.60} was deleted during its sync")
            for company in companies
        ]

    async def _sync(
        self, companies: Sequence[Company], known: Known, at: datetime, timeout_s: float | TimeLimit
    ) -> list[Synced | RepositoryError]:
        repository = self.components.repository
        distrust = partial(repository.distrust, sources=[slot.name for slot in self.components.slots])
        async with held_leases(repository.company_leases, self.owner, self.components.lease_ttl_s, distrust) as held:
            rows = RowWriter(repository, held, at, self.components.event_log)
            needed = known.rows_needed(self.components.slots, companies)
            leases, _ = await together(held.take([company.document for company in companies]), rows.read(needed))
            held.touched.update(company.id for company in companies if company.status.lease.ended_early)
            turns: list[Progress | Synced | RepositoryError] = []
            for company, lease in zip(companies, leases, strict=True):
                if isinstance(lease, Lease):
                    await asyncio.sleep(0)  # a turn without a question takes milliseconds, a hundred of them too long
                    limit = timeout_s if isinstance(timeout_s, TimeLimit) else TimeLimit.after(timeout_s)
                    turns.append(await self._leased_turn(company, lease, rows, known, limit, held))
                elif isinstance(lease, CompanyWriteError):
                    turns.append(replace(self.refused(company.document, lease, at), update=None))
                else:
                    turns.append(lease)
            await rows.flush()
            done = [self._closed(turn) if isinstance(turn, Progress) else turn for turn in turns]
            if lost := [position for position, company in enumerate(companies) if company.id in held.lost]:
                for position, error in zip(lost, await self._lost([companies[position] for position in lost]), strict=True):
                    done[position] = error
            synced = [item for item in done if isinstance(item, Synced)]
            if self.components.event_log is not None and (events := [event for item in synced for event in item.events]):
                await held.write(partial(self.components.event_log.append, events))
            held.rest()  # the updates carry the tokens, and give the leases back: to renew one now would look as if it were lost
            if self.components.history is not None and (entries := [entry for item in synced for entry in item.history]):
                await held.write(partial(self.components.history.keep, entries))
            await self.save(synced, held)
        return done

    async def _leased_turn(
        self, company: Company, lease: Lease, rows: RowWriter, known: Known, limit: TimeLimit, held: HeldLeases
    ) -> Progress | Synced:
        if company.status.lease.ended_early:  # rows may be newer than the versions say, or of another number
            known = replace(known, force=True)
        held.in_turn, shown = company.id, f"{company.id!s:.60}"
        leased = Company(company.id, company.usdot, company.name, with_values(company.document, {TOKEN: lease.token}))
        progress = Progress(leased, known, rows.at, rows)
        with (
            entered(replace(current(), log_fields={**current().log_fields, "company": shown})),
            watched("company", company=shown, usdot=company.usdot) as activity,
        ):
            await emit(CompanyStarted(company.id, company.usdot, company.name))
            turn = await self._turn(progress, limit)
            activity.outcome = "failed" if progress.failures or isinstance(turn, Synced) else "ok"
        held.in_turn = None
        return turn

    async def _turn(self, progress: Progress, limit: TimeLimit) -> Progress | Synced:
        """Give each source its step, and a share of the time that is left by what it has still to ask."""
        try:
            check_settable(progress.original, [f"{STATUS}.sources.any.outcome"])
            progress.token = progress.company.status.lease.token
        except CompanyWriteError as error:
            return self.refused(progress.original, error, progress.at)
        slots = self.components.slots
        progress.begin_reads(slots, limit)
        try:
            for position, slot in enumerate(slots):
                share = TimeShare(limit, progress.share_of(slots[position:]))
                progress.outcomes[slot.name] = await self._step.run(slot, progress, share)
            await GoneCarriers(self.caller.isolation).settle(slots, progress)
        finally:
            await progress.end_reads()
        return progress

    def _closed(self, progress: Progress) -> Synced:
        """Put together what is to be saved, now that the rows are written, or refused."""
        company = progress.company
        for source, plan in progress.plans.items():
            if plan.refused is not None:
                progress.fail(source, self.caller.isolation.failure(source, plan.refused))
        if progress.values:
            self._step.derive(self.components.slots, progress)
        events = progress.events(self.caller.isolation) if progress.tellers else ()
        history = progress.history(self.components.slots, self.caller.isolation) if self.components.history else ()
        for outcome in progress.outcomes.values():
            settle(outcome)
        status = status_update(progress.outcomes.values(), progress.failures, progress.at, company.usdot)
        fields = {path: value for values in progress.values.values() for path, value in values.items()}
        result = CompanySyncResult(
            company_id=company.id,
            usdot=int(company.usdot),
            name=company.name,
            success=not progress.failures,
            errors=tuple(progress.failures),
            outcomes=progress.outcomes,
            pending=tuple(name for name, outcome in progress.outcomes.items() if outcome.outcome is Outcome.TIMED_OUT),
        )
        values = settable(progress.original, {**progress.stored.odd(), **fields, **status})
        return Synced(result, CompanyUpdate(company.id, values, progress.token), events, history)

    def refused(self, document: Mapping[str, Any], error: FmcsaError, at: datetime) -> Synced:
        """A company that cannot be synced at all: the error is its result, and its status where one can be stored."""
        failure = self.caller.isolation.failure(Part.COMPANY, error)
        result = CompanySyncResult.refused(document.get("_id"), failure, name=name_of(document))
        try:
            values = settable(document, status_update((), [failure], at, None))
            return Synced(result, CompanyUpdate(document["_id"], values, StoredStatus.of(document).lease.mark))
        except CompanyWriteError:
            return Synced(result, None)

    async def save(self, done: Sequence[Synced], held: HeldLeases | None = None) -> None:
        """Store the updates, and give back the leases with them; one whose update is refused has failed."""
        leases = {} if held is None else held.leases
        storable, updates = [], []
        for item in done:
            if (update := item.update) is not None:
                if (lease := leases.get(update.company_id)) is not None:
                    update = replace(update, values={**update.values, **values_of_nobody(LEASE, finished=lease.token)})
                storable.append(item)
                updates.append(update)
        refused = await self.components.repository.save(updates) if updates else {}
        for index, item in enumerate(storable):
            if index not in refused:
                leases.pop(updates[index].company_id, None)
                continue
            failure = self.caller.isolation.failure(Part.DATABASE, refused[index])  # of no source is anything known
            errors = (*item.result.errors, failure)
            item.result = item.result.model_copy(update={"success": False, "errors": errors, "outcomes": {}})
            item.update = None
        mixed = [updates[index].company_id for index, error in refused.items() if isinstance(error, LeaseLostError)]
        if held is not None and (mixed := [key for key in mixed if key in held.touched]):  # our rows may be over the others'
            await self.components.repository.distrust(mixed, [slot.name for slot in self.components.slots])
