"""The two public methods: whatever happens below them ends as a result, never as an exception."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from fmcsa_orchestrator.model.company import Finding, Outcome
from fmcsa_orchestrator.model.errors import (
    CompanyNotFoundError,
    LeaseHeldError,
    LeaseLostError,
    RepositoryError,
    SourceTimeoutError,
)
from fmcsa_orchestrator.model.events import CompanySynced, OnEvent, RunFinished
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.model.results import CompanySyncResult, SourceFailure, SyncSummary
from fmcsa_orchestrator.observability.context import counting_requests, in_background, listening
from fmcsa_orchestrator.observability.hooks import emit, log_event
from fmcsa_orchestrator.observability.telemetry import observed
from fmcsa_orchestrator.sources.base import BatchSource, Source
from fmcsa_orchestrator.storage.leases import RELEASE_S, TTL_S, new_owner
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.components import Parts
from fmcsa_orchestrator.sync.deadline import Deadline
from fmcsa_orchestrator.sync.diagnostics.doctor import examine
from fmcsa_orchestrator.sync.diagnostics.health import STALE_AFTER_S, Health, examine_health
from fmcsa_orchestrator.sync.diagnostics.plan import Plan, make_plan
from fmcsa_orchestrator.sync.fleet_run import Run
from fmcsa_orchestrator.sync.guard.circuit_breaker import Breakers
from fmcsa_orchestrator.sync.guard.isolation import Fault, Isolation
from fmcsa_orchestrator.sync.guard.source_caller import Gate
from fmcsa_orchestrator.sync.on_demand import SingleSync
from fmcsa_orchestrator.sync.source_registry import make_slots
from fmcsa_orchestrator.sync.summary import Tally
from fmcsa_orchestrator.sync.versions import Versions

log = logging.getLogger(__name__)

HEALTH_S = 5.0  # what a health summary may take
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

    Raises:
        SettingsError: from the constructor, when two sources claim one name, path or collection. The two sync methods
            never raise; only cancellation and the interpreter's exit pass.
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
    ) -> None:
        batch_sources = [source for source in sources if isinstance(source, BatchSource)]
        isolation = Isolation(secrets)
        self.components = Parts(
            slots=make_slots(sources),
            batch_sources=batch_sources,
            repository=repository,
            limiter=limiter,
            isolation=isolation,
            versions=Versions(batch_sources, isolation, ttl_s=_VERSION_TTL_S, timeout_s=company_timeout_s),
            window_size=batch_size,
            company_timeout_s=company_timeout_s,
            lease_ttl_s=lease_ttl_s,
        )
        self._single = SingleSync(self.components)
        self._rates = dict(rates or {})
        self._on_event = on_event
        self._running: set[Deadline] = set()
        self._preparing = asyncio.Lock()
        self._prepared = False

    async def sync_all_companies(
        self, *, deadline_s: float | None = None, on_event: OnEvent | None = None, force: bool = False
    ) -> SyncSummary:
        """Sync every company that has a dotNumber, the longest unattempted first, for at most `deadline_s` seconds.

        `force` reads also what upstream says has not changed. Never raises.
        """
        clock, breakers, owner = RunClock(), Breakers(), new_owner()
        tally = Tally(clock)
        with in_background(), counting_requests() as requests, listening(self._on_event, on_event):
            gate = Gate(self.components.limiter, self.components.isolation, breakers)
            run = Run(self.components, gate, owner, clock=clock, tally=tally, requests=requests, force=force)
            with observed("run") as seen:
                stopped = await self._guarded_run(run, tally, deadline_s)
                tally.add_breakers(breakers.opened())
                summary = tally.summary(requests.total(), stopped)
                seen.outcome = stopped or ("ok" if summary.success else "failed")
                seen.add(total=summary.total, failed=summary.failed, requests=summary.requests)
            if run.has_begun and stopped != LeaseLostError.kind:
                await self._record(summary)
            _log_end(summary)
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

        Raises:
            RepositoryError: when the store does not work.
        """
        return await make_plan(
            self.components.repository, self.components.batch_sources, self.components.versions, self._rates, force=force
        )

    async def check(self) -> list[Finding]:
        """Look at the store and at every upstream, without syncing anything. Never raises."""
        found = await examine(
            self.components.repository, self.components.slots, self.components.isolation, self.components.company_timeout_s
        )
        return [replace(finding, remedy=None) if finding.is_good else finding for finding in found]

    async def health(self, *, stale_after_s: float = STALE_AFTER_S) -> Health:
        """Whether the syncs do their work, for a `/healthz` route; cheap. Never raises.

        Args:
            stale_after_s: seconds after which the last run is too long ago.
        """
        answer = await self.components.isolation.run(
            "health", HEALTH_S, lambda: examine_health(self.components.repository, stale_after_s)
        )
        if not isinstance(answer, Fault):
            return answer
        late = f"MongoDB gave no answer within {HEALTH_S:g} s"
        return Health(healthy=False, reasons=[late if answer.outcome is Outcome.TIMED_OUT else answer.message])

    async def _guarded_run(self, run: Run, tally: Tally, deadline_s: float | None) -> str | None:
        """Go through the run; why it stopped early, or None."""
        deadline = Deadline(deadline_s)
        try:
            with self._stoppable(deadline):
                async with deadline:
                    await self._prepare()
                    await run.go()
        except TimeoutError as error:
            if deadline.is_over:
                return "stopped" if deadline.stopped else "deadline"
            tally.fail_run("run", error, self.components.isolation)
        except (LeaseHeldError, LeaseLostError) as error:
            tally.fail_run("run", error, self.components.isolation)
            return error.kind
        except RepositoryError as error:
            tally.fail_run("database", error, self.components.isolation)
            return "database" if run.has_begun else "could_not_run"
        except Exception as error:  # noqa: BLE001  # the promise: never raises
            tally.fail_run("run", error, self.components.isolation)
        else:
            return None
        return "error" if run.has_begun else "could_not_run"

    async def _guarded_company(self, company_id: Any, timeout_s: float | None, *, force: bool) -> CompanySyncResult:
        clock = RunClock()
        timeout_s = self.components.company_timeout_s if timeout_s is None else timeout_s
        deadline = Deadline(timeout_s)
        try:
            with self._stoppable(deadline):
                async with deadline:
                    await self._prepare()
                    return await self._single.sync(company_id, timeout_s, force=force)
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

    async def _record(self, summary: SyncSummary) -> None:
        """Keep what became of the run; where that fails, whatever the reason, the run is over all the same."""
        await self.components.isolation.run("run", RELEASE_S, lambda: self.components.repository.record_run(summary.facts()))

    @contextmanager
    def _stoppable(self, deadline: Deadline) -> Iterator[None]:
        self._running.add(deadline)
        try:
            yield
        finally:
            self._running.discard(deadline)

    async def _prepare(self) -> None:
        """Make sure of the indexes, once."""
        async with self._preparing:
            if not self._prepared:
                await self.components.repository.prepare([slot.collection for slot in self.components.slots])
                self._prepared = True

    def _refusal(self, company_id: Any, who: str, error: BaseException, clock: RunClock) -> CompanySyncResult:
        fault = self.components.isolation.fault(who, error)
        failure = SourceFailure(source=who, error=fault.message, kind=fault.kind, timestamp=clock.now())
        return CompanySyncResult(company_id=company_id, success=False, errors=(failure,))


def _log_end(summary: SyncSummary) -> None:
    log_event(
        log,
        logging.INFO,
        "run_finished",
        total=summary.total,
        failed=summary.failed,
        requests=summary.requests,
        stopped=summary.stopped,
    )
