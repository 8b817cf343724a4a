"""The two public methods: whatever happens below them ends as a result, never as an exception."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator.clock import RunClock
from fmcsa_orchestrator.company_sync import CompanySync, as_company
from fmcsa_orchestrator.errors import CompanyNotFoundError, InvalidUsdotError, RepositoryError, SourceTimeoutError
from fmcsa_orchestrator.events import CompanySynced, Event, OnEvent, RunFinished, emit
from fmcsa_orchestrator.isolation import Isolation
from fmcsa_orchestrator.meter import counting_requests
from fmcsa_orchestrator.plan import Plan, make_plan
from fmcsa_orchestrator.repository import CompanyRepository
from fmcsa_orchestrator.results import CompanySyncResult, SourceFailure, SyncSummary
from fmcsa_orchestrator.run import Run
from fmcsa_orchestrator.slots import make_slots
from fmcsa_orchestrator.sources.base import BatchSource, Source
from fmcsa_orchestrator.tally import Tally
from fmcsa_orchestrator.versions import Versions
from fmcsa_orchestrator.window import WindowReader

log = logging.getLogger(__name__)

_VERSION_TTL_S = 300  # how long handlers trust an answer to "has upstream changed?"
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
    ) -> None:
        self._slots = make_slots(sources)
        self._batch_sources = [source for source in sources if isinstance(source, BatchSource)]
        self._repository = repository
        self._batch_size = batch_size
        self._company_timeout_s = company_timeout_s
        self._on_event = on_event
        self._isolation = Isolation(secrets)
        self._reader = WindowReader(self._isolation, limiter, company_timeout_s)
        self._company_sync = CompanySync(self._slots, repository, limiter, self._isolation)
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

        async def tell(event: Event) -> None:
            await self._emit(on_event, event)

        with counting_requests() as requests:
            run = Run(
                repository=self._repository,
                company_sync=self._company_sync,
                reader=self._reader,
                sources=self._batch_sources,
                versions=self._versions,
                window_size=self._batch_size,
                company_timeout_s=self._company_timeout_s,
                clock=clock,
                tally=tally,
                requests=requests,
                emit=tell,
                force=force,
            )
            stopped = await self._guarded(run, tally, deadline_s)
            summary = tally.summary(requests.total(), stopped)
        log.info(
            "run_finished total=%d failed=%d requests=%d stopped=%s", summary.total, summary.failed, summary.requests, stopped
        )
        await tell(RunFinished(summary))
        return summary

    async def sync_company(
        self, company_id: Any, *, timeout_s: float | None = None, on_event: OnEvent | None = None, force: bool = False
    ) -> CompanySyncResult:
        """Sync one company by what is in its `_id`, within `timeout_s` seconds (default: the company timeout). Never raises."""
        clock = RunClock()
        timeout_s = self._company_timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                result = await self._sync_company(company_id, clock, timeout_s, force=force)
        except TimeoutError as error:
            late = SourceTimeoutError(f"the sync took longer than {timeout_s:g} s; what it did not store is as it was")
            result = self._refusal(company_id, "company", late if deadline.expired() else error, clock)
        except CompanyNotFoundError as error:
            result = self._refusal(company_id, "company", error, clock)
        except RepositoryError as error:
            result = self._refusal(company_id, "database", error, clock)
        except Exception as error:  # noqa: BLE001  # the promise: never raises
            result = self._refusal(company_id, "company", error, clock)
        await self._emit(on_event, CompanySynced(result))
        return result

    async def plan(self, *, force: bool = False) -> Plan:
        """What `sync_all_companies` would do now and cost; asks upstreams for their versions only.

        Raises: RepositoryError.
        """
        return await make_plan(self._repository, self._batch_sources, self._versions, self._rates, force=force)

    async def _guarded(self, run: Run, tally: Tally, deadline_s: float | None) -> str | None:
        """Go through the run; why it stopped early, or None."""
        try:
            async with asyncio.timeout(deadline_s) as deadline:
                await self._prepare()
                await run.go()
        except TimeoutError as error:
            if deadline.expired():
                return "deadline"
            tally.fail_run("run", error, self._isolation)
        except RepositoryError as error:
            tally.fail_run("database", error, self._isolation)
            return "database" if run.has_begun else "could_not_run"
        except Exception as error:  # noqa: BLE001  # the promise: never raises
            tally.fail_run("run", error, self._isolation)
        else:
            return None
        return "error" if run.has_begun else "could_not_run"

    async def _sync_company(self, company_id: Any, clock: RunClock, timeout_s: float, *, force: bool) -> CompanySyncResult:
        await self._prepare()
        document = await self._repository.find_company(company_id)
        company = as_company(document)
        if isinstance(company, InvalidUsdotError):
            done = self._company_sync.refused(document, "company", company, clock.now())
        else:
            versions = await self._versions.current(afresh=force)
            done = await self._company_sync.run(company, {}, versions, clock.now(), timeout_s * _SOURCES_SHARE, force=force)
        (result,) = await self._company_sync.save([done], clock.now())
        return result

    async def _prepare(self) -> None:
        """Make sure of the indexes, once."""
        if not self._prepared:
            await self._repository.prepare([slot.collection for slot in self._slots])
            self._prepared = True

    def _refusal(self, company_id: Any, who: str, error: BaseException, clock: RunClock) -> CompanySyncResult:
        fault = self._isolation.fault(who, error)
        failure = SourceFailure(source=who, error=fault.message, kind=fault.kind, timestamp=clock.now())
        return CompanySyncResult(company_id=company_id, success=False, errors=(failure,))

    async def _emit(self, on_event: OnEvent | None, event: Event) -> None:
        await emit(self._on_event, event)
        await emit(on_event, event)
