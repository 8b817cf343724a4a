"""The two public methods: whatever happens below them ends as a result, never as an exception."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from weakref import WeakSet

from fmcsa_orchestrator.delivery.channel import OnNotice
from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.deliveries import DeliverySummary
from fmcsa_orchestrator.model.errors import (
    CompanyNotFoundError,
    LeaseHeldError,
    LeaseLostError,
    RepositoryError,
    SettingsError,
    SourceTimeoutError,
)
from fmcsa_orchestrator.model.events import CompanySynced, OnEvent, RunFinished
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.model.results import CompanySyncResult, Outcome, Part, SourceFailure, StopReason, SyncSummary
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.model.status import STALE_AFTER_H
from fmcsa_orchestrator.observability.context import SyncContext, entered
from fmcsa_orchestrator.observability.hooks import emit, watched
from fmcsa_orchestrator.sources.base import Source
from fmcsa_orchestrator.storage.event_log import EventLog, Wanted
from fmcsa_orchestrator.storage.held_leases import RELEASE_S
from fmcsa_orchestrator.storage.history import History
from fmcsa_orchestrator.storage.leases import TTL_S, new_owner
from fmcsa_orchestrator.storage.repository import PREPARE_S, CompanyRepository
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.components import Components
from fmcsa_orchestrator.sync.diagnostics.doctor import examine, findings_of, without_needless_remedies
from fmcsa_orchestrator.sync.diagnostics.health import Health, examine_health
from fmcsa_orchestrator.sync.diagnostics.plan import Plan, make_plan
from fmcsa_orchestrator.sync.fleet_run import FleetRun
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.indexes import GRACE_S, Indexes
from fmcsa_orchestrator.sync.on_demand import OnDemandSync
from fmcsa_orchestrator.sync.shared_reads import SharedReads
from fmcsa_orchestrator.sync.source_registry import make_slots
from fmcsa_orchestrator.sync.summary import Tally
from fmcsa_orchestrator.sync.surveys import Surveys
from fmcsa_orchestrator.sync.versions import Versions

log = logging.getLogger(__name__)

CONFIRM_AFTER = timedelta(days=1)  # an unchanged status is written once a day: whoever watches the collection hears of each
HEALTH_S = 5.0  # what a health summary may take
_RECORD_S = 0.35  # what it may take to keep what became of a run whose time is over
_VERSION_TTL_S = 300  # how long handlers trust an answer to "has upstream changed?"


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
        quarantine: the collection in which rows are kept that could not be understood.
        event_log: where it is told what has changed about carriers; without it, nothing is.
        rules: by which events are more or less alarming; by default FMCSA's own thresholds.
        history: where something is kept of each SMS run; without it, nothing is.
        stale_after_h: hours after which the last run is too long ago, for `health`.
        delivery: what tells subscribers of events; without it, `deliver` tells nobody.

    Raises:
        SettingsError: from the constructor, when two sources claim one name, path or collection, or one declares what cannot
            work. The two sync methods never raise; only cancellation and the interpreter's exit pass.
    """

    def __init__(
        self,
        *,
        sources: Sequence[Source],
        repository: CompanyRepository,
        limiter: Limiter,
        batch_size: int = 200,
        company_timeout_s: float = 120,
        secrets: tuple[str, ...] = (),
        rates: Mapping[str, float] | None = None,
        on_event: OnEvent | None = None,
        lease_ttl_s: float = TTL_S,
        stale_after_h: float = STALE_AFTER_H,
        quarantine: str = "fmcsaQuarantine",
        event_log: EventLog | None = None,
        rules: AlertRules | None = None,
        history: History | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        slots = make_slots(sources)
        batch_sources = [slot.batch for slot in slots if slot.batch is not None]
        isolation = Isolation(secrets)
        surveys = Surveys([slot.survey for slot in slots if slot.survey is not None], repository, isolation)
        self.components = Components(
            slots=slots,
            batch_sources=batch_sources,
            repository=repository,
            limiter=limiter,
            isolation=isolation,
            versions=Versions(batch_sources, isolation, ttl_s=_VERSION_TTL_S, timeout_s=company_timeout_s, before=surveys.load),
            surveys=surveys,
            window_size=batch_size,
            company_timeout_s=company_timeout_s,
            lease_ttl_s=lease_ttl_s,
            shared_reads=SharedReads(limiter, isolation, company_timeout_s),
            confirm_after=min(CONFIRM_AFTER, timedelta(hours=stale_after_h) / 2),
            quarantine=quarantine,
            event_log=event_log,
            rules=rules or AlertRules(),
            history=history,
        )
        self._delivery = delivery
        self._on_demand = OnDemandSync(self.components)
        self._rates = dict(rates or {})
        self._on_event = on_event
        self._stale_after_s = stale_after_h * 3600
        self._running: set[asyncio.Timeout] = set()
        self._stopped: WeakSet[asyncio.Timeout] = WeakSet()
        self._in_background: set[asyncio.Task[CompanySyncResult]] = set()
        self._indexes = Indexes(self.components)

    async def sync_all_companies(
        self, *, deadline_s: float | None = None, on_event: OnEvent | None = None, force: bool = False
    ) -> SyncSummary:
        """Sync every company that has a dotNumber, the least recently attempted first, for at most `deadline_s` seconds.

        `force` reads also what upstream says has not changed. Never raises.
        """
        clock, isolation, loop = RunClock(), self.components.isolation, asyncio.get_running_loop()
        began = loop.time()
        tally, caller = Tally(clock), SourceCaller(self.components.limiter, isolation)
        run = FleetRun(self.components, caller, new_owner(), clock=clock, tally=tally, force=force, deadline_s=deadline_s)
        with entered(self._context(clock, on_event, is_background=True)) as context:
            with watched("run") as activity:
                stopped = await self._guarded_run(run, tally, deadline_s)
                for breaker in caller.breakers.by_name.values():
                    if (failure := breaker.summary()) is not None:
                        tally.fail_run(failure)
                summary = tally.summary(context.requests.total(), stopped)
                activity.outcome = stopped.value if stopped is not None else "ok" if summary.success else "failed"
                activity.facts |= {"total": summary.total, "failed": summary.failed, "requests": summary.requests}
            if run.has_begun and stopped is not StopReason.LEASE_LOST:
                # Kept for `health`; where that fails, whatever the reason, the run is over all the same.
                facts = {**summary.facts(), **run.verified()}
                left_s = math.inf if deadline_s is None else began + deadline_s - loop.time()
                patience_s = _RECORD_S if stopped is StopReason.STOPPED else min(RELEASE_S, max(_RECORD_S, left_s))
                await isolation.run(Part.RUN, patience_s, lambda: self.components.repository.record_run(facts))
            await emit(RunFinished(summary))
        return summary

    async def sync_company(
        self,
        company_id: Any,
        *,
        timeout_s: float | None = None,
        on_event: OnEvent | None = None,
        force: bool = False,
        wait: bool = True,
    ) -> CompanySyncResult:
        """Sync one company by what is in its `_id`, within `timeout_s` seconds (default: the company timeout). Never raises.

        Concurrent calls for one company share one sync. One that another process has in hand is waited for.

        With `wait=False` it gives at once what is stored, and in `pending` the sources that are not up to date; where there are
        any, the sync goes on in the background, until it is done or `close` is called. So it does where `timeout_s`, shorter than
        the company timeout, was not enough.
        """
        timeout_s = self.components.company_timeout_s if timeout_s is None else timeout_s
        with entered(self._context(RunClock(), on_event)) as context:
            if not wait:
                stored = partial(self._on_demand.stored, company_id, force=force)
                result = await self._guarded_company(stored, company_id, timeout_s)
            else:
                sync = partial(self._on_demand.sync, company_id, timeout_s, force=force)
                result = await self._guarded_company(sync, company_id, timeout_s)
            if result.pending and (not wait or timeout_s < self.components.company_timeout_s):
                task = asyncio.create_task(self.sync_company(company_id, on_event=on_event, force=force))
                self._in_background.add(task)
                task.add_done_callback(self._in_background.discard)
            if not wait:
                return result
            await emit(CompanySynced(result, context.requests.total()))
        return result

    @property
    def delivery(self) -> Delivery:
        """What tells subscribers of events, and keeps them. Raises: SettingsError when there is none."""
        if self._delivery is None:
            raise SettingsError("there is nothing to deliver: FMCSA_EVENTS is off, or there is no database")
        return self._delivery

    async def deliver(
        self,
        *,
        callables: Mapping[str, OnNotice] | None = None,
        deadline_s: float | None = None,
        every_s: float | None = None,
        on_event: OnEvent | None = None,
    ) -> DeliverySummary:
        """Tell each subscriber of the events that there are for it. Never raises.

        Args:
            callables: the host's functions, by the name that subscribers of the kind `callable` have as their address.
            deadline_s: seconds after which nothing more is sent.
            every_s: with it, this goes on until `stop` is called, and looks every so many seconds for something new.
            on_event: called with an `EventsDelivered` for each subscriber that was told something.
        """
        clock = RunClock()
        with entered(self._context(clock, on_event, is_background=True)):
            try:
                return await self.delivery.deliver(callables, deadline_s=deadline_s, every_s=every_s)
            except Exception as error:  # noqa: BLE001  # the promise: never raises
                who = Part.DATABASE if isinstance(error, RepositoryError) else Part.DELIVERY
                who = Part.SETTINGS if isinstance(error, SettingsError) else who
                failure = self.components.isolation.failure(who, error)
                return DeliverySummary(started_at=clock.started_at, finished_at=clock.now(), failure=failure)

    async def close(self) -> None:
        """End what goes on in the background; what it has not stored is as it was. Never raises."""
        tasks = list(self._in_background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """Ask all that is under way to stop: the companies in hand are abandoned, leases are given back, results are returned.

        To be called from the event loop, for instance by a signal handler.
        """
        if self._delivery is not None:
            self._delivery.stop()
        for limit in self._running:
            if not limit.expired():
                self._stopped.add(limit)
                limit.reschedule(asyncio.get_running_loop().time())

    async def plan(self, *, force: bool = False) -> Plan:
        """What `sync_all_companies` would do now and cost; asks upstreams for their versions only.

        Raises:
            RepositoryError: when the store does not work.
        """
        parts = self.components
        return await make_plan(parts, self._rates, force=force)

    async def check(self) -> list[Finding]:
        """Look at the store and at every upstream, without syncing anything. Never raises."""
        parts = self.components
        found = await examine(parts.repository, parts.slots, parts.isolation, parts.company_timeout_s, self._delivery)
        return without_needless_remedies(found)

    async def prepare(self, *, timeout_s: float | None = None) -> list[Finding]:
        """Make what indexes are missing, and see to it that ended rows are deleted after the days that are set. Never raises.

        To be called when the library, or its settings, change; as often as you like. A run makes missing indexes as well, if they
        are made within a minute; `sync_company` makes none.

        Args:
            timeout_s: seconds for all of it, ten minutes by default. What MongoDB has not built by then it gives up, too.

        Returns:
            What is there, was made, or could not be.
        """
        parts, timeout_s = self.components, PREPARE_S if timeout_s is None else timeout_s
        make = partial(self._indexes.make, timeout_s)
        found = await findings_of("MongoDB", parts.isolation, timeout_s + GRACE_S, make)
        return without_needless_remedies(found)

    async def events(
        self,
        *,
        after: int = 0,
        types: Sequence[str] = (),
        companies: Sequence[Any] = (),
        severities: Sequence[str] = (),
        limit: int = 1_000,
    ) -> list[Mapping[str, Any]]:
        """What has changed about carriers: the next events behind a place, in the one order that they have.

        Keep the `_id` of the last one as `after` of the next call: it holds after a restart, and no event that is stored late
        comes before it.

        Args:
            after: the `_id` of the last event that you have; 0 is before the first.
            types: as the catalogue names them; a part before the dot, as "violation", stands for all that begin with it.
            companies: what is in the `_id` of the companies.
            severities: as `Severity` has them.
            limit: events at most.

        Raises:
            RepositoryError: when the store does not work.
            SettingsError: when nothing is told here: the orchestrator was made without a log of events.
        """
        log = self.components.event_log
        if log is None:
            raise SettingsError("no events are told: FMCSA_EVENTS is false, or the orchestrator has no event_log")
        return await log.read(after, limit, Wanted(types, companies, severities))

    async def health(self, *, stale_after_s: float | None = None) -> Health:
        """Whether the syncs do their work, for a `/healthz` route; cheap. Never raises.

        Args:
            stale_after_s: seconds after which the last run is too long ago; by default those of the orchestrator.
        """
        limit_s = self._stale_after_s if stale_after_s is None else stale_after_s
        answer = await self.components.isolation.run(
            "health", HEALTH_S, lambda: examine_health(self.components.repository, limit_s)
        )
        if not isinstance(answer, SourceFailure):
            return answer
        late = f"MongoDB gave no answer within {HEALTH_S:g} s"
        return Health(healthy=False, reasons=[late if answer.outcome is Outcome.TIMED_OUT else answer.error])

    def _context(self, clock: RunClock, on_event: OnEvent | None, *, is_background: bool = False) -> SyncContext:
        listeners = tuple(listener for listener in (self._on_event, on_event) if listener is not None)
        return SyncContext(now=clock.now, listeners=listeners, is_background=is_background)

    async def _guarded_run(self, run: FleetRun, tally: Tally, deadline_s: float | None) -> StopReason | None:
        """Go through the run; why it stopped early, or None."""
        limit = asyncio.timeout(None)
        who, reason = Part.RUN, StopReason.ERROR
        try:
            async with self._stoppable(limit, deadline_s):
                await self._indexes.make_for_a_run(deadline_s)
                await run.run()
                return None
        except Exception as error:  # noqa: BLE001  # the promise: never raises
            if isinstance(error, TimeoutError) and limit.expired():
                return StopReason.STOPPED if limit in self._stopped else StopReason.DEADLINE
            if isinstance(error, LeaseHeldError | LeaseLostError):
                reason = StopReason(error.kind)
            elif isinstance(error, RepositoryError):
                who, reason = Part.DATABASE, StopReason.DATABASE
            if not run.has_begun and reason in {StopReason.ERROR, StopReason.DATABASE}:
                reason = StopReason.COULD_NOT_RUN
            tally.fail_run(self.components.isolation.failure(who, error))
            return reason

    async def _guarded_company(
        self, call: Callable[[], Awaitable[CompanySyncResult]], company_id: Any, timeout_s: float
    ) -> CompanySyncResult:
        limit = asyncio.timeout(None)
        who = Part.COMPANY
        try:
            async with self._stoppable(limit, timeout_s):
                await self._indexes.look()
                return await call()
        except Exception as error:  # noqa: BLE001  # the promise: never raises
            fault: Exception = error
            pending: tuple[str, ...] = ()
            if isinstance(error, TimeoutError) and limit.expired():
                why = "was stopped on request" if limit in self._stopped else f"took longer than {timeout_s} s"
                pending = () if limit in self._stopped else tuple(slot.name for slot in self.components.slots)
                fault = SourceTimeoutError(f"the sync {why}; what it did not store is as it was")
            elif isinstance(error, RepositoryError) and not isinstance(
                error, CompanyNotFoundError | LeaseHeldError | LeaseLostError
            ):
                who = Part.DATABASE
            return CompanySyncResult.refused(company_id, self.components.isolation.failure(who, fault), pending=pending)

    @asynccontextmanager
    async def _stoppable(self, limit: asyncio.Timeout, seconds: float | None) -> AsyncIterator[None]:
        """The block ends with TimeoutError after so many seconds, or when `stop` is called."""
        async with limit:
            if seconds is not None:
                limit.reschedule(asyncio.get_running_loop().time() + seconds)
            self._running.add(limit)
            try:
                yield
            finally:
                self._running.discard(limit)
