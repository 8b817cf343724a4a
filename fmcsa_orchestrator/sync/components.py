"""What every sync is made with, put together once by the orchestrator."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.base import BatchSource
from fmcsa_orchestrator.storage.event_log import EventLog
from fmcsa_orchestrator.storage.history import History
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.shared_reads import SharedReads
from fmcsa_orchestrator.sync.source_registry import SourceSlot
from fmcsa_orchestrator.sync.surveys import Surveys
from fmcsa_orchestrator.sync.versions import Versions


@dataclass(frozen=True, slots=True)
class Components:
    """The parts that do not change from one sync to the next. Times are seconds."""

    slots: Sequence[SourceSlot]
    batch_sources: Sequence[BatchSource]
    repository: CompanyRepository
    limiter: Limiter
    isolation: Isolation
    versions: Versions
    window_size: int
    company_timeout_s: float
    lease_ttl_s: float
    shared_reads: SharedReads  # of handlers
    confirm_after: timedelta  # so old may a status get of which nothing but the times would change
    surveys: Surveys
    quarantine: str  # the collection of rows that nobody can understand
    event_log: EventLog | None  # None: nothing is told
    rules: AlertRules
    history: History | None  # None: nothing is kept for good

    async def prepare(self, limit_s: float) -> list[Finding]:
        """Make all indexes, in so many seconds; a finding for each. Raises: RepositoryError when the store does not work."""
        clock = asyncio.get_running_loop()
        until = clock.time() + limit_s
        findings = [*await self.repository.prepare(self.collections, limit_s)]
        for log in (self.event_log, self.history):
            findings += () if log is None else await log.prepare(max(0.0, until - clock.time()))
        return findings

    @property
    def collections(self) -> list[str]:
        """All in which rows are kept."""
        return [*(slot.collection for slot in self.slots if slot.may_keep_rows), self.quarantine]
