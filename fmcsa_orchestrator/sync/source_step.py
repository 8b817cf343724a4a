"""One source's step at one company: asked where need be, its report checked, its rows compared, its fields noted."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from math import ceil
from typing import Any

from fmcsa_orchestrator.model.company import Company, OddRow, SourceReport
from fmcsa_orchestrator.model.documents import check_settable, has_changes, with_values
from fmcsa_orchestrator.model.errors import (
    CompanyWriteError,
    ImplausibleEmptyError,
    MalformedPayloadError,
    RepositoryError,
    SourceTimeoutError,
)
from fmcsa_orchestrator.model.results import Outcome, SourceFailure, SourceOutcome
from fmcsa_orchestrator.model.status import StoredStatus
from fmcsa_orchestrator.model.waiting import wait_out
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.storage.repository import LARGEST_DOCUMENT, CompanyRepository
from fmcsa_orchestrator.storage.row_diff import RowPlan
from fmcsa_orchestrator.storage.row_writer import LARGE, RowWriter
from fmcsa_orchestrator.sync.batch_reader import Found
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.report_check import check_report
from fmcsa_orchestrator.sync.shared_reads import Answer, SharedReads
from fmcsa_orchestrator.sync.source_registry import SourceSlot
from fmcsa_orchestrator.sync.time_limit import TimeLimit, TimeShare

_CLOCKS_APART = timedelta(hours=1)  # two answers about one edition need not agree to the second


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
    outcomes: dict[str, SourceOutcome] = field(default_factory=dict)
    failures: list[SourceFailure] = field(default_factory=list)
    missing: dict[str, "Missing"] = field(default_factory=dict)  # by source
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

    def note(self, source: str, values: Mapping[str, Any], size: int) -> None:
        """What a source has read is to be set, and seen by the sources to come."""
        company = self.company
        self.values[source] = values
        self.company = Company(company.id, company.usdot, company.name, with_values(company.document, values))
        self.size = size


@dataclass(frozen=True, slots=True)
class Missing:
    """A source has nothing of a carrier of which rows are stored that should still be there: its report, and the doubt."""

    report: SourceReport
    doubt: ImplausibleEmptyError


@dataclass(frozen=True, slots=True)
class SourceStep:
    """Gives sources their step.

    Raises: RepositoryError when the store does not work, LeaseLostError when somebody else has taken the company over.
    """

    repository: CompanyRepository
    caller: SourceCaller
    quarantine: str

    async def run(self, slot: SourceSlot, progress: Progress, share: TimeShare) -> SourceOutcome:
        """What becomes of this source, which may use that share of the time; progress goes on with what it has found."""
        version = progress.known.versions.get(slot.name)
        if progress.known.is_current(slot.name, progress.company):
            said = progress.company.status.source(slot.name).get("message")  # "none on record" still holds
            return _unchanged(slot.name, version, said if isinstance(said, str) else None)
        report = await self._ask(slot, progress, share)
        if not isinstance(report, SourceFailure):
            try:
                return await self._take(slot, progress, report, version)
            except CompanyWriteError as error:
                report = self.caller.isolation.failure(slot.name, error)
            except RepositoryError:
                raise
            except ImplausibleEmptyError as error:  # whether that is believed is seen when all sources have had their step
                progress.missing[slot.name] = Missing(report, error)
                return SourceOutcome(source=slot.name, outcome=Outcome.FAILED)
            except Exception as error:  # noqa: BLE001  # a report can be malformed in any way
                report = self.caller.isolation.failure(slot.name, error)
        return progress.fail(slot.name, report)

    async def _ask(self, slot: SourceSlot, progress: Progress, share: TimeShare) -> SourceReport | SourceFailure:
        """The report, from the window or at first hand; or why there is none."""
        company = progress.company
        ready = progress.known.report(slot.name, company)
        if (failure := self._too_late(slot, progress, ready, share)) is not None:
            return failure
        if (read := progress.reads.pop(slot.name, None)) is not None:
            is_there = read.done() and not read.cancelled() and read.exception() is None
            ready = read.result() if is_there else await self.caller.isolation.run(slot.name, share, lambda: read)
        if ready is None:
            return await self.caller.ask(slot.name, share, lambda: slot.source.fetch(company.for_sources()))
        if isinstance(ready, SourceFailure) or slot.complete is None:
            return ready
        complete = partial(slot.complete, company.for_sources(), ready)
        report = await self.caller.ask(slot.name, share, complete, part="/complete")
        return replace(ready, incomplete=report) if isinstance(report, SourceFailure) else report

    def _too_late(self, slot: SourceSlot, progress: Progress, ready: Answer, share: TimeShare) -> SourceFailure | None:
        """Why it is useless to ask, where somebody waits who has not the time; None where it is not."""
        if (
            current().is_background
            or ready is not None
            or slot.name in progress.reads
            or (wait_s := slot.wait_s()) <= share.seconds
        ):
            return None
        share.limit.cut()  # who has more time is to ask anew
        words = f"the rate allows the first answer in about {ceil(wait_s)} s, and there are {share.seconds:.3g} s for it"
        return self.caller.isolation.failure(slot.name, SourceTimeoutError(words))

    async def _take(self, slot: SourceSlot, progress: Progress, report: Any, version: str | None) -> SourceOutcome:
        """Check a report, compare its rows, note its fields."""
        company = progress.company
        check_report(slot, report)
        values = {**report.fields, **report.stamps}
        check_settable(company.document, values)
        size = self._size_with(progress, values, with_values(company.document, values))
        rows, written = report.rows, 0
        if rows is None and report.documents is not None:
            rows = len(report.documents)
        if report.documents is not None and progress.rows is not None:
            plan = progress.plans[slot.name] = await progress.rows.add(
                company, slot.collection, report.documents, report.odd_rows
            )
            written = plan.size
        quarantined = await self._set_aside(slot, progress, report.odd_rows)
        changed = written > 0 or has_changes(company.document, report.fields)
        progress.note(slot.name, values, size)
        outcome = report.outcome
        if outcome in {Outcome.CHANGED, Outcome.UNCHANGED}:  # which of the two is ours to say
            outcome = Outcome.CHANGED if changed else Outcome.UNCHANGED
        message = None if report.message is None else self.caller.isolation.text(report.message)
        since = company.status.missing_since(slot.name)
        if since is not None and rows == 0:  # it has been believed that the carrier is gone, and still is
            outcome, message = Outcome.NOT_FOUND, _gone_since(since)
        lacking = report.incomplete
        if isinstance(lacking, BaseException):  # of a batch: nobody has taken note of it yet
            lacking = self.caller.isolation.failure(slot.name, lacking)
        if lacking is not None:
            progress.failures.append(lacking)
            outcome, message = lacking.outcome, lacking.error
        return SourceOutcome(
            source=slot.name,
            outcome=outcome,
            changed=changed,
            rows=rows,
            written=written,
            data_as_of=report.data_as_of,
            version=report.version or version,
            message=message,
            quarantined=quarantined,
            found_again=since is not None and rows != 0,
        )

    async def settle_missing(self, slots: Sequence[SourceSlot], progress: Progress) -> None:
        """Believe that a carrier is gone when a second, newer edition of all files says so; until then it is a failure.

        Carriers leave the files of a registry together: when they are out of business, or hide their number.
        """
        for name, missing in progress.missing.items():
            (slot,) = [slot for slot in slots if slot.name == name]
            since = progress.company.status.missing_since(name)
            members = [member for member in slots if slot.registry is not None and member.registry == slot.registry]
            if since is not None and members and all(_is_gone(member, progress) for member in members):
                await self._end(slot, progress, missing.report, since)
            else:
                failure = self.caller.isolation.failure(name, missing.doubt)
                progress.fail(name, failure, since or missing.report.data_as_of)

    async def _end(self, slot: SourceSlot, progress: Progress, report: SourceReport, since: datetime) -> None:
        """What is stored of the carrier ends, with the reason."""
        if progress.rows is None:
            return
        message = _gone_since(since)
        plan = progress.plans[slot.name] = await progress.rows.end(progress.company, slot.collection, message)
        progress.note(slot.name, {**report.fields, **report.stamps}, progress.size)
        progress.outcomes[slot.name] = SourceOutcome(
            source=slot.name,
            outcome=Outcome.NOT_FOUND,
            changed=True,
            rows=0,
            written=plan.size,
            data_as_of=report.data_as_of,
            version=report.version or progress.known.versions.get(slot.name),
            message=message,
            missing_since=since,
        )

    async def _set_aside(self, slot: SourceSlot, progress: Progress, odd_rows: Sequence[OddRow]) -> int | None:
        """Keep what could not be understood; how many rows that are, None where there are none, and were none before."""
        if progress.rows is None or not (odd_rows or progress.company.status.source(slot.name).get("quarantined")):
            return None
        await progress.rows.set_aside(progress.company, self.quarantine, slot.name, odd_rows)
        return len(odd_rows)

    def _size_with(self, progress: Progress, values: Mapping[str, Any], document: Mapping[str, Any]) -> int:
        """What the document comes to with a source's fields, at the most: measured only where that might be too much.

        One that is too large would be refused as a whole, with the fields of all sources. Raises: MalformedPayloadError.
        """

        def measure(content: Mapping[str, Any]) -> int:
            return self.repository.check_fields(content) or 0  # a host's own repository may say nothing

        added = measure(values)
        size = (progress.size or measure(progress.original)) + added
        if size > LARGEST_DOCUMENT:  # what it takes the place of was counted as well
            size = measure(document)
        if size > LARGEST_DOCUMENT:
            raise MalformedPayloadError(
                f"its fields take {added:,} bytes, with which the company's document would take {size:,}, "
                f"of {LARGEST_DOCUMENT:,} that are possible"
            )
        return size


def _number_of_rows(report: object) -> int | None:
    """How many rows a report has, before it is known to be one; None where it has none."""
    documents = getattr(report, "documents", None)
    try:
        return len(documents) if isinstance(documents, Sequence) else None
    except Exception:  # noqa: BLE001  # a host's own sequence: its turn will show it
        return None


def _gone_since(since: datetime) -> str:
    return f"no longer in FMCSA's files since {since:%Y-%m-%d}"


def _is_gone(slot: SourceSlot, progress: Progress) -> bool:
    """Whether this source has nothing of the carrier: where it had, by a newer edition than that which first said so."""
    if slot.name in progress.missing:
        since, as_of = progress.company.status.missing_since(slot.name), progress.missing[slot.name].report.data_as_of
        return since is not None and as_of is not None and as_of > since + _CLOCKS_APART
    outcome = progress.outcomes[slot.name]
    rows = progress.company.stored_rows(slot.name) if outcome.rows is None else outcome.rows
    return not outcome.failed and rows == 0


@lru_cache(maxsize=256)
def _unchanged(source: str, version: str | None, message: str | None) -> SourceOutcome:
    """One value for all companies of which the same is to be said; they are most of a run in which nothing changed."""
    return SourceOutcome(source=source, outcome=Outcome.UNCHANGED, version=version, message=message)
