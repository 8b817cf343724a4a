"""What every sync is made with, put together once by the orchestrator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.base import BatchSource
from fmcsa_orchestrator.storage.event_log import EventLog
from fmcsa_orchestrator.storage.history import History
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.shared_reads import SharedReads
from fmcsa_orchestrator.sync.source_registry import SourceSlot
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
    quarantine: str  # the collection of rows that nobody can understand
    event_log: EventLog | None  # None: nothing is told
    rules: AlertRules
    history: History | None  # None: nothing is kept for good

    @property
    def collections(self) -> list[str]:
        """All in which rows are kept."""
        return [*(slot.collection for slot in self.slots if slot.may_keep_rows), self.quarantine]
