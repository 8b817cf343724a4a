"""What is known before companies have their turns, and how far one of them has come."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.company import Company, SourceReport
from fmcsa_orchestrator.model.documents import with_values
from fmcsa_orchestrator.model.errors import ImplausibleEmptyError
from fmcsa_orchestrator.model.results import SourceFailure, SourceOutcome
from fmcsa_orchestrator.model.status import StoredStatus
from fmcsa_orchestrator.model.waiting import wait_out
from fmcsa_orchestrator.storage.history import HistoryEntry
from fmcsa_orchestrator.storage.row_diff import RowPlan
from fmcsa_orchestrator.storage.row_writer import LARGE, RowWriter
from fmcsa_orchestrator.sync.batch_reader import Found
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.shared_reads import Answer, SharedReads
from fmcsa_orchestrator.sync.source_registry import SourceSlot
from fmcsa_orchestrator.sync.telling import Teller
from fmcsa_orchestrator.sync.time_limit import TimeLimit


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a company's turn: its window as read, upstream's versions, and whether these are to be ignored."""

    found: Mapping[str, Found]
    versions: Mapping[str, str | None]
    force: bool
    shared: SharedReads | None = None  # where companies of which nothing was found are read with those of others

    def is_current(self, source: str, company: Company) -> bool:
        """Whether what is stored of the source is what upstream has."""
        return not self.force and company.status.is_current(source, self.versions.get(source), company.usdot)

    def is_due(self, source: str, company: Company) -> bool:
        """Whether the source is to be read for the company: its last sync may have ended between rows and status, too."""
        return company.status.lease.ended_early > 0 or not self.is_current(source, company)

    def report(self, source: str, company: Company) -> SourceReport | SourceFailure | None:
        """What the window's reading has found of the company; None where the source is still to be asked."""
        return self.found.get(source, {}).get(company.usdot)

    def is_passive(self, slots: Sequence[SourceSlot], company: Company) -> bool:
        """Whether no source is to be asked and no row to be written for the company: then it needs no lease."""
        lease = company.status.lease
        return (
            not lease.ended_early
            and not lease.is_odd
            and lease.values.get("owner") is None
            and all(
                self.is_current(slot.name, company) or isinstance(self.report(slot.name, company), SourceFailure)
                for slot in slots
            )
        )

    def is_read(self, slots: Sequence[SourceSlot], company: Company) -> bool:
        """Whether no source is to be asked any more: what is left takes no time of anybody's but the store's."""
        return not company.status.lease.ended_early and all(
            self.is_current(slot.name, company)
            or isinstance(report := self.report(slot.name, company), SourceFailure)
            or (report is not None and slot.complete is None)
            for slot in slots
        )

    def rows_of(self, company: Company) -> int:
        """How many rows have been read of the company."""
        return sum(_number_of_rows(entries.get(company.usdot)) or 0 for entries in self.found.values())

    def rows_needed(self, slots: Sequence[SourceSlot], companies: Sequence[Company]) -> dict[str, list[Any]]:
        """By collection, the ids of those whose stored rows will be compared, as far as that can be told before one is asked."""
        needed: dict[str, list[Any]] = {}
        for company in companies:
            for slot in slots:
                if not self.is_due(slot.name, company):
                    continue
                report = self.report(slot.name, company)
                number = _number_of_rows(report) if report is not None else 0 if slot.keeps_rows else None
                if number is not None and max(number, company.status.most_rows) <= LARGE:
                    needed.setdefault(slot.collection, []).append(company.id)
        return needed


@dataclass(slots=True)
class Progress:
    """How far a company has come: as its sources have left it so far, what is to be set and written, what has failed."""

    company: Company
    known: Known
    at: datetime
    rows: RowWriter | None = None  # None: nothing is to be asked or written
    original: Mapping[str, Any] = field(init=False)
    stored: StoredStatus = field(init=False)
    size: int = 0  # of the document, in bytes, as far as it was measured
    token: int | None = None  # of the lease: what is to be saved asks for it
    values: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by source
    plans: dict[str, RowPlan] = field(default_factory=dict)
    tellers: dict[str, Teller] = field(default_factory=dict)  # by source, where there is something to tell
    outcomes: dict[str, SourceOutcome] = field(default_factory=dict)
    failures: list[SourceFailure] = field(default_factory=list)
    missing: dict[str, tuple[SourceReport, ImplausibleEmptyError]] = field(default_factory=dict)  # by source
    reads: dict[str, asyncio.Task[Answer]] = field(default_factory=dict)  # under way, by source

    def __post_init__(self) -> None:
        self.original, self.stored = self.company.document, self.company.status

    def begin_reads(self, slots: Sequence[SourceSlot], limit: TimeLimit) -> None:
        """Have all batch sources read the company at once, as far as they are to be asked."""
        known, company = self.known, self.company
        if known.shared is not None:
            for slot in slots:
                if slot.batch is not None and not known.is_current(slot.name, company) and slot.wait_s() <= limit.left_s():
                    self.reads[slot.name] = asyncio.create_task(known.shared.read(slot.batch, company))

    def share_of(self, slots: Sequence[SourceSlot]) -> float:
        """Of the time that is left, what the first of these may use: by the requests that each has still to make.

        What is under way already takes nothing of the others' time, nor they of its.
        """
        costs = [
            0.0 if slot.name in self.reads or self.known.is_current(slot.name, self.company) else slot.cost for slot in slots
        ]
        own = costs[0] or slots[0].cost
        return own / (own + sum(costs[1:]))

    async def end_reads(self) -> None:
        """Leave those that nobody has waited for."""
        for read in self.reads.values():
            read.cancel()
        await wait_out(self.reads.values())

    def fail(self, source: str, failure: SourceFailure, missing_since: datetime | None = None) -> SourceOutcome:
        """Note that a source has failed: nothing of what it read is to be set."""
        self.failures.append(failure)
        self.values.pop(source, None)
        outcome = self.outcomes[source] = SourceOutcome(
            source=source, outcome=failure.outcome, message=failure.error, missing_since=missing_since
        )
        return outcome

    def events(self, isolation: Isolation) -> list[Mapping[str, Any]]:
        """What there is to tell of the fields that are to be set; a source whose function raises has failed."""
        events: list[Mapping[str, Any]] = []
        for source, teller in self.tellers.items():
            if source in self.values:
                try:
                    events += teller.of_fields(self.original, self.values[source], self.company.document)
                except Exception as error:  # noqa: BLE001  # a source's function may raise anything
                    self.fail(source, isolation.failure(source, error))
        return events

    def history(self, slots: Sequence[SourceSlot], isolation: Isolation) -> list[HistoryEntry]:
        """What is to be kept for good of what was read; a source whose function raises has failed."""
        entries, company = [], self.company
        for slot in slots:
            if slot.history is not None and slot.name in self.values:
                try:
                    found = slot.history(company.for_sources())
                    entries += [HistoryEntry(company.id, int(company.usdot), found[0], self.at, found[1])] if found else []
                except Exception as error:  # noqa: BLE001  # a source's function may raise anything
                    self.fail(slot.name, isolation.failure(slot.name, error))
        return entries

    def note(self, source: str, values: Mapping[str, Any], size: int) -> None:
        """What a source has read is to be set, and seen by the sources to come."""
        company = self.company
        self.values[source] = values
        self.company = Company(company.id, company.usdot, company.name, with_values(company.document, values))
        self.size = size


def _number_of_rows(report: object) -> int | None:
    """How many rows a report has, before it is known to be one; None where it has none."""
    documents = getattr(report, "documents", None)
    try:
        return len(documents) if isinstance(documents, Sequence) else None
    except Exception:  # noqa: BLE001  # a host's own sequence: its turn will show it
        return None
