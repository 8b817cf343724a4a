"""One company on demand: synced once for all who ask at the same time, and waited for while somebody else has it."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Mapping
from typing import Any, Generic, TypeVar

from fmcsa_orchestrator.model.company import Company, as_company, unnameable
from fmcsa_orchestrator.model.errors import InvalidUsdotError, LeaseHeldError, RepositoryError
from fmcsa_orchestrator.model.results import CompanySyncResult
from fmcsa_orchestrator.model.waiting import wait_out
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.storage.leases import new_owner
from fmcsa_orchestrator.sync.company_sync import CompanySync
from fmcsa_orchestrator.sync.components import Components
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.progress import Known
from fmcsa_orchestrator.sync.time_limit import TimeLimit

LEASE_WAIT_S = 0.25  # between two looks whether somebody else has finished with a company
_SOURCES_SHARE = 0.9  # of the time allowed, what the sources may use; the rest is for storing


class OnDemandSync:
    """Syncs companies by what is in their `_id`.

    Raises: CompanyNotFoundError, CompanyWriteError for an `_id` that nothing can be kept by, LeaseHeldError when somebody else
    has the company for too long, LeaseLostError, RepositoryError.
    """

    def __init__(self, components: Components) -> None:
        self._components = components
        self._shared: Shared[CompanySyncResult] = Shared()
        self._reads = components.shared_reads

    async def sync(self, company_id: Any, timeout_s: float, *, force: bool) -> CompanySyncResult:
        """Sync it, or share the sync that another call has begun, for this very id or for another form of it."""
        asked = ("asked", type(company_id), str(company_id), force)
        limit = TimeLimit.after(timeout_s * _SOURCES_SHARE)
        return await self._shared.run(asked, limit, lambda shared: self._found(company_id, shared, force=force))

    async def stored(self, company_id: Any, *, force: bool) -> CompanySyncResult:
        """What is known of a company without asking anybody but the store, and which sources are not up to date.

        A source of which upstream's version is not known at the moment counts as not up to date. Raises: InvalidUsdotError too.
        """
        company = as_company(await self._components.repository.find_company(company_id))
        if isinstance(company, InvalidUsdotError):
            raise company
        known, slots = Known({}, self._components.versions.known, force), self._components.slots
        return CompanySyncResult(
            company_id=company.id,
            usdot=int(company.usdot),
            name=company.name,
            success=company.status.values.get("success") is True,
            outcomes={slot.name: outcome for slot in slots if (outcome := company.status.outcome(slot.name)) is not None},
            pending=tuple(slot.name for slot in slots if not known.is_current(slot.name, company)),
        )

    async def _found(self, company_id: Any, limit: TimeLimit, *, force: bool) -> CompanySyncResult:
        with self._reads.caller():
            document = await self._components.repository.find_company(company_id)
            if (error := unnameable(document)) is not None:
                raise error
            found = ("found", type(document["_id"]), repr(document["_id"]), force)
            return await self._shared.run(found, limit, lambda shared: self._sync(document, shared, force=force))

    async def _sync(self, document: Mapping[str, Any], limit: TimeLimit, *, force: bool) -> CompanySyncResult:
        components, now = self._components, current().now
        company_sync = CompanySync(components, SourceCaller(components.limiter, components.isolation), new_owner())
        while isinstance(company := as_company(document), Company):
            versions = await components.versions.current(afresh=force, within_s=limit.left_s())
            known = Known({}, versions, force, self._reads)
            if known.is_passive(components.slots, company):
                done = await company_sync.look([company], known, now())
                await company_sync.save(done)
                if not done[0].result.was_skipped:  # nobody has synced it meanwhile
                    return done[0].result
            else:
                (answer,) = await company_sync.sync([company], known, now(), limit)
                if not isinstance(answer, RepositoryError):
                    return answer.result
                if not isinstance(answer, LeaseHeldError) or limit.left_s() < LEASE_WAIT_S:
                    raise answer
            await asyncio.sleep(LEASE_WAIT_S)
            document = await components.repository.find_company(company.id)
        done = [company_sync.refused(document, company, now())]
        await company_sync.save(done)
        return done[0].result


T = TypeVar("T")


class Shared(Generic[T]):
    """Runs a call once for all who ask for it at the same time; it ends with the last of them."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[asyncio.Task[T], TimeLimit]] = {}

    async def run(self, key: Hashable, limit: TimeLimit, call: Callable[[TimeLimit], Coroutine[Any, Any, T]]) -> T:
        """The result of the call, started by whoever asks first; it is given the limit of all who wait for it.

        Who has more time than one that has cut something short already begins anew. One who is cancelled leaves; the call is
        cancelled when nobody waits for it any more. Raises: what the call raises.
        """
        entry = self._running.get(key)
        if entry is None or (entry[1].has_cut and limit.until > entry[1].until):
            entry = self._start(key, call)
        task, shared = entry
        shared.waiters.append(limit)
        try:
            return await asyncio.shield(task)
        finally:
            shared.waiters.remove(limit)
            if not shared.waiters and not task.done():
                if self._running.get(key) is entry:
                    del self._running[key]
                task.cancel()
                await wait_out([task])

    def _start(self, key: Hashable, call: Callable[[TimeLimit], Coroutine[Any, Any, T]]) -> tuple[asyncio.Task[T], TimeLimit]:
        shared = TimeLimit()
        task = asyncio.create_task(call(shared))
        entry = task, shared
        self._running[key] = entry
        task.add_done_callback(lambda _: self._running.pop(key, None) if self._running.get(key) is entry else None)
        return entry
