"""The two public methods: whatever happens below them ends as a result, never as an exception."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator.breaker import Breakers
from fmcsa_orchestrator.clock import RunClock
from fmcsa_orchestrator.company_sync import CompanySync, Known, as_company
from fmcsa_orchestrator.deadline import Deadline
from fmcsa_orchestrator.doctor import examine
from fmcsa_orchestrator.errors import (
    CompanyNotFoundError,
    InvalidUsdotError,
    LeaseHeldError,
    LeaseLostError,
    RepositoryError,
    SourceTimeoutError,
)
from fmcsa_orchestrator.events import CompanySynced, OnEvent, RunFinished, emit, listening
from fmcsa_orchestrator.gate import Gate
from fmcsa_orchestrator.isolation import Isolation
from fmcsa_orchestrator.kept import Kept
from fmcsa_orchestrator.leases import TTL_S, new_owner, released
from fmcsa_orchestrator.meter import counting_requests
from fmcsa_orchestrator.models import Finding
from fmcsa_orchestrator.plan import Plan, make_plan
from fmcsa_orchestrator.repository import CompanyRepository
from fmcsa_orchestrator.results import CompanySyncResult, SourceFailure, SyncSummary
from fmcsa_orchestrator.run import Run
from fmcsa_orchestrator.sharing import Shared
from fmcsa_orchestrator.slots import make_slots
from fmcsa_orchestrator.sources.base import BatchSource, Source
from fmcsa_orchestrator.tally import Tally
from fmcsa_orchestrator.versions import Versions
from fmcsa_orchestrator.window import WindowReader

log = logging.getLogger(__name__)

_VERSION_TTL_S = 300  # how long handlers trust an answer to "has upstream changed?"
_LEASE_WAIT_S = 0.25  # between two looks whether somebody else has finished with a company
_SOURCES_SHARE = 0.9  # of a handler's time, what the sources may use; the rest is for storing


class Orchestrator:
    """Keeps the FMCSA data of companies fresh, through the sources, repository and limiter that it is given.

    Args:
        sources: in the order in which they run; a later one sees a company as the earlier ones left it.
        repository: where companies are and data goes.
        limiter: every call into a source passes it.
        batch_size: companies per window.
        company_timeout_s: seconds for all sources of one company together, and for one batch.
        secrets: values taken out of every logged or stored text.
        rates: requests per second by upstream's name, for `plan`.
        on_event: called with every event of every sync.
        lease_ttl_s: seconds after which a run or sync that has died may be taken over by another process.

    Raises: SettingsError from the constructor when two sources claim one name, path or collection. The two sync methods
    never raise; only cancellation and the interpreter's exit pass.
    """

    def __init__(
        self,
        *,
        sources: Sequence[Source],
        repository: CompanyRepository,
        limiter: AsyncLimiter,
        batch_size: int = 200,
        company_timeout_s: float = 120,
        secrets: tuple[str, ...] = (),
        rates: Mapping[str, float] | None = None,
        on_event: OnEvent | None = None,
        lease_ttl_s: float = TTL_S,
    ) -> None:
        self._slots = make_slots(sources)
        self._batch_sources = [source for source in sources if isinstance(source, BatchSource)]
        self._repository = repository
        self._batch_size = batch_size
        self._company_timeout_s = company_timeout_s
        self._on_event = on_event
        self._isolation = Isolation(secrets)
        self._limiter = limiter
        self._lease_ttl_s = lease_ttl_s
        self._shared: Shared[CompanySyncResult] = Shared()
        self._running: set[Deadline] = set()
        self._versions = Versions(self._batch_sources, self._isolation, ttl_s=_VERSION_TTL_S, timeout_s=company_timeout_s)
        self._rates = dict(rates or {})
        self._prepared = False

    async def sync_all_companies(
        self, *, deadline_s: float | None = None, on_event: OnEvent | None = None, force: bool = False
    ) -> SyncSummary:
        """Sync every company that has a dotNumber, the longest unattempted first, for at most `deadline_s` seconds.

        `force` reads also what upstream says has not changed. Never raises.
        """
        clock = RunClock()
        tally = Tally(clock)
        breakers = Breakers()
        owner = new_owner()

        with counting_requests() as requests, listening(self._on_event, on_event):
            gate = Gate(self._limiter, self._isolation, breakers)
            run = Run(
                repository=self._repository,
                company_sync=self._company_sync(gate, owner),
                reader=WindowReader(gate, self._company_timeout_s),
                sources=self._batch_sources,
                versions=self._versions,
                window_size=self._batch_size,
                company_timeout_s=self._company_timeout_s,
                clock=clock,
                tally=tally,
                requests=requests,
                force=force,
            )
            stopped = await self._guarded(run, tally, owner, deadline_s)
            tally.add_breakers(breakers.opened())
            summary = tally.summary(requests.total(), stopped)
            log.info(
                "run_finished total=%d failed=%d requests=%d stopped=%s", summary.total, summary.failed, summary.requests, stopped
            )
            await emit(RunFinished(summary))
        return summary

    async def sync_company(
        self, company_id: Any, *, timeout_s: float | None = None, on_event: OnEvent | None = None, force: bool = False
    ) -> CompanySyncResult:
        """Sync one company by what is in its `_id`, within `timeout_s` seconds (default: the company timeout). Never raises.

        Concurrent calls for one company share one sync. One that another process has in hand is waited for.
        """
        with counting_requests() as requests, listening(self._on_event, on_event):
            result = await self._guarded_company(company_id, timeout_s, force=force)
            await emit(CompanySynced(result, requests.total()))
        return result

    def stop(self) -> None:
        """Ask all that is under way to stop: the company in hand is abandoned, leases are given back, results are returned.

        To be called from the event loop, for instance by a signal handler.
        """
        for deadline in self._running:
            deadline.stop()

    async def plan(self, *, force: bool = False) -> Plan:
        """What `sync_all_companies` would do now and cost; asks upstreams for their versions only.

        Raises: RepositoryError.
        """
        return await make_plan(self._repository, self._batch_sources, self._versions, self._rates, force=force)

    async def check(self) -> list[Finding]:
        """Look at the store and at every upstream, without syncing anything. Never raises."""
        return await examine(self._repository, self._slots, self._isolation, self._company_timeout_s)

    async def _guarded(self, run: Run, tally: Tally, owner: str, deadline_s: float | None) -> str | None:
        """Go through the run; why it stopped early, or None."""
        deadline = Deadline(deadline_s)
        try:
            with self._stoppable(deadline):
                async with deadline:
                    await self._prepare()
                    await self._leased(run, owner)
        except TimeoutError as error:
            if deadline.is_over:
                return "stopped" if deadline.stopped else "deadline"
            tally.fail_run("run", error, self._isolation)
        except (LeaseHeldError, LeaseLostError) as error:
            tally.fail_run("run", error, self._isolation)
            return error.kind
        except RepositoryError as error:
            tally.fail_run("database", error, self._isolation)
            return "database" if run.has_begun else "could_not_run"
        except Exception as error:  # noqa: BLE001  # the promise: never raises
            tally.fail_run("run", error, self._isolation)
        else:
            return None
        return "error" if run.has_begun else "could_not_run"

    async def _guarded_company(self, company_id: Any, timeout_s: float | None, *, force: bool) -> CompanySyncResult:
        clock = RunClock()
        timeout_s = self._company_timeout_s if timeout_s is None else timeout_s
        key = (type(company_id), str(company_id), force)
        deadline = Deadline(timeout_s)
        try:
            with self._stoppable(deadline):
                async with deadline:
                    return await self._shared.run(key, lambda: self._sync_company(company_id, clock, timeout_s, force=force))
        except TimeoutError as error:
            why = "was stopped on request" if deadline.stopped else f"took longer than {timeout_s} s"
            late = SourceTimeoutError(f"the sync {why}; what it did not store is as it was")
            return self._refusal(company_id, "company", late if deadline.is_over else error, clock)
        except (CompanyNotFoundError, LeaseHeldError, LeaseLostError) as error:
            return self._refusal(company_id, "company", error, clock)
        except RepositoryError as error:
            return self._refusal(company_id, "database", error, clock)
        except Exception as error:  # noqa: BLE001  # the promise: never raises
            return self._refusal(company_id, "company", error, clock)

    @contextmanager
    def _stoppable(self, deadline: Deadline) -> Iterator[None]:
        self._running.add(deadline)
        try:
            yield
        finally:
            self._running.discard(deadline)

    async def _leased(self, run: Run, owner: str) -> None:
        """Go through the run while no other goes over these companies, on whatever host."""
        leases, name = self._repository.run_leases, self._repository.run_name
        try:
            lease = await leases.acquire(name, owner, self._lease_ttl_s)
            async with Kept(partial(leases.renew, lease, self._lease_ttl_s), self._lease_ttl_s):
                await run.go()
        except LeaseHeldError:
            raise
        except BaseException:
            await released(leases, name, owner)
            raise
        await released(leases, name, owner)

    async def _sync_company(self, company_id: Any, clock: RunClock, timeout_s: float, *, force: bool) -> CompanySyncResult:
        await self._prepare()
        company_sync = self._company_sync(Gate(self._limiter, self._isolation), new_owner())
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s * _SOURCES_SHARE
        while True:
            document = await self._repository.find_company(company_id)
            company = as_company(document)
            if isinstance(company, InvalidUsdotError):
                done = company_sync.refused(document, "company", company, clock.now())
                await company_sync.save([done], clock.now())
                return done.result
            known = Known({}, await self._versions.current(afresh=force), force)
            try:
                return (await company_sync.sync(company, known, clock.now(), max(0.0, until - loop.time()))).result
            except LeaseHeldError:
                if loop.time() + _LEASE_WAIT_S > until:
                    raise
                await asyncio.sleep(_LEASE_WAIT_S)

    def _company_sync(self, gate: Gate, owner: str) -> CompanySync:
        return CompanySync(self._slots, self._repository, gate, owner=owner, ttl_s=self._lease_ttl_s)

    async def _prepare(self) -> None:
        """Make sure of the indexes, once."""
        if not self._prepared:
            await self._repository.prepare([slot.collection for slot in self._slots])
            self._prepared = True

    def _refusal(self, company_id: Any, who: str, error: BaseException, clock: RunClock) -> CompanySyncResult:
        fault = self._isolation.fault(who, error)
        failure = SourceFailure(source=who, error=fault.message, kind=fault.kind, timestamp=clock.now())
        return CompanySyncResult(company_id=company_id, success=False, errors=(failure,))
