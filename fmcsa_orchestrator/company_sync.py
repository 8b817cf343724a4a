"""Syncs one company: source by source, each isolated; their rows first, then fields and status in one update."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator.documents import changed_paths, check_settable, settable, with_values
from fmcsa_orchestrator.errors import CompanyWriteError, FmcsaError, InvalidUsdotError, RepositoryError
from fmcsa_orchestrator.isolation import Fault, Isolation
from fmcsa_orchestrator.models import Company, Outcome, SourceReport, dig
from fmcsa_orchestrator.repository import CompanyRepository, CompanyUpdate
from fmcsa_orchestrator.results import CompanySyncResult, SourceFailure, SourceOutcome
from fmcsa_orchestrator.slots import SourceSlot, check_report
from fmcsa_orchestrator.sources.base import CompletingSource
from fmcsa_orchestrator.status import STATUS, is_current, status_update
from fmcsa_orchestrator.usdot import UsdotNumber
from fmcsa_orchestrator.window import Found


@dataclass(slots=True)
class Synced:
    """One company done in memory and in its row collections; `update` is still to be saved."""

    result: CompanySyncResult
    update: CompanyUpdate | None  # None: the document is such that no status can be stored in it
    is_quiet: bool  # nothing but the status is in the update


@dataclass(slots=True)
class _Progress:
    company: Company
    original: Mapping[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, SourceOutcome] = field(default_factory=dict)
    failures: list[SourceFailure] = field(default_factory=list)


class CompanySync:
    """Runs all sources for one company after another.

    Raises: RepositoryError when the store does not work; nothing else, whatever a source or a document does.
    """

    def __init__(
        self,
        slots: Sequence[SourceSlot],
        repository: CompanyRepository,
        limiter: AsyncLimiter,
        isolation: Isolation,
    ) -> None:
        self._slots = slots
        self._repository = repository
        self._limiter = limiter
        self._isolation = isolation

    async def run(
        self,
        company: Company,
        found: Mapping[str, Found],
        versions: Mapping[str, str | None],
        at: datetime,
        timeout_s: float,
        *,
        force: bool,
    ) -> Synced:
        """All sources in order, sharing the time; a later one sees the company as the earlier ones left it."""
        try:
            check_settable(company.document, [f"{STATUS}.sources.any.outcome"])
        except CompanyWriteError as error:
            return self.refused(company.document, "company", error, at)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        progress = _Progress(company, company.document)
        for position, slot in enumerate(self._slots):
            version = versions.get(slot.name)
            if not force and is_current(progress.company, slot.name, version):
                said = dig(progress.company.document, f"{STATUS}.sources.{slot.name}.message")  # "none on record" still holds
                said = said if isinstance(said, str) else None
                outcome = _unchanged(slot.name, version, said)
            else:
                ready = found.get(slot.name, {}).get(company.usdot)
                share_s = max(0.0, deadline - loop.time()) / (len(self._slots) - position)
                outcome = await self._sync_source(slot, progress, ready, version, at, share_s)
            progress.outcomes[slot.name] = outcome
        return self._finish(progress, at)

    async def _sync_source(
        self,
        slot: SourceSlot,
        progress: _Progress,
        ready: SourceReport | Fault | None,
        version: str | None,
        at: datetime,
        share_s: float,
    ) -> SourceOutcome:
        report = ready
        if ready is None or (slot.completes and not isinstance(ready, Fault)):
            report = await self._isolation.run(slot.name, share_s, self._call(slot, progress, ready))
        if isinstance(report, Fault):
            return self._failed(slot, progress, report, at)
        try:
            return await self._take(slot, progress, report, version, at)
        except RepositoryError as error:
            if not isinstance(error, CompanyWriteError):
                raise
            return self._failed(slot, progress, self._isolation.fault(slot.name, error), at)
        except Exception as error:  # noqa: BLE001  # a report can be malformed in any way
            return self._failed(slot, progress, self._isolation.fault(slot.name, error), at)

    def _call(self, slot: SourceSlot, progress: _Progress, ready: SourceReport | None) -> Callable[[], Awaitable[SourceReport]]:
        source, company = slot.source, progress.company

        async def call() -> SourceReport:
            await self._limiter.acquire()
            if ready is None:
                return await source.fetch(company)
            return await cast("CompletingSource", source).complete(company, ready)

        return call

    async def _take(self, slot: SourceSlot, progress: _Progress, report: Any, version: str | None, at: datetime) -> SourceOutcome:
        """Check a report, write its rows, note its fields."""
        company = progress.company
        check_report(slot, report)
        values = {**report.fields, **report.stamps}
        check_settable(company.document, values)
        written = 0
        if report.documents is not None:
            written = await self._repository.store_rows(company, slot.collection, report.documents, at)
        changed = bool(changed_paths(company.document, report.fields)) or written > 0
        progress.values |= values
        progress.company = Company(company.id, company.usdot, company.name, with_values(company.document, values))
        outcome = Outcome(report.outcome)
        if outcome is Outcome.CHANGED and not changed:
            outcome = Outcome.UNCHANGED
        message = report.message
        if report.incomplete is not None:
            fault = self._isolation.fault(slot.name, report.incomplete)
            progress.failures.append(SourceFailure(source=slot.name, error=fault.message, kind=fault.kind, timestamp=at))
            outcome, message = fault.outcome, fault.message
        rows = report.rows if report.rows is not None or report.documents is None else len(report.documents)
        return SourceOutcome(
            source=slot.name,
            outcome=outcome,
            changed=changed,
            rows=rows,
            written=written,
            data_as_of=report.data_as_of,
            version=report.version or version,
            message=message,
        )

    def _failed(self, slot: SourceSlot, progress: _Progress, fault: Fault, at: datetime) -> SourceOutcome:
        progress.failures.append(SourceFailure(source=slot.name, error=fault.message, kind=fault.kind, timestamp=at))
        return SourceOutcome(source=slot.name, outcome=fault.outcome, message=fault.message)

    def _finish(self, progress: _Progress, at: datetime) -> Synced:
        company = progress.company
        status = status_update(progress.outcomes.values(), progress.failures, at, company.usdot)
        update = CompanyUpdate(company.id, settable(progress.original, {**progress.values, **status}))
        result = CompanySyncResult(
            company_id=company.id,
            usdot=int(company.usdot),
            name=company.name,
            success=not progress.failures,
            errors=tuple(progress.failures),
            outcomes=progress.outcomes,
        )
        return Synced(result, update, is_quiet=not progress.values)

    def refused(self, document: Mapping[str, Any], who: str, error: FmcsaError, at: datetime) -> Synced:
        """A company that cannot be synced at all: the error is its result, and its status where one can be stored."""
        fault = self._isolation.fault(who, error)
        failure = SourceFailure(source=who, error=fault.message, kind=fault.kind, timestamp=at)
        result = CompanySyncResult(company_id=document.get("_id"), name=name_of(document), success=False, errors=(failure,))
        try:
            update = CompanyUpdate(document["_id"], settable(document, status_update((), [failure], at, None)))
        except CompanyWriteError:
            return Synced(result, None, is_quiet=True)
        return Synced(result, update, is_quiet=True)

    async def save(self, done: Sequence[Synced], at: datetime) -> list[CompanySyncResult]:
        """Store the updates; a company whose update is refused has failed, whatever its sources say."""
        storable = [item for item in done if item.update is not None]
        updates = [item.update for item in storable if item.update is not None]
        for index, error in (await self._repository.save(updates) if updates else {}).items():
            fault = self._isolation.fault("database", error)
            failure = SourceFailure(source="database", error=fault.message, kind=fault.kind, timestamp=at)
            result = storable[index].result
            storable[index].result = result.model_copy(update={"success": False, "errors": (*result.errors, failure)})
            storable[index].update = None
        return [item.result for item in done]


@lru_cache(maxsize=256)
def _unchanged(source: str, version: str | None, message: str | None) -> SourceOutcome:
    """One value for all companies of which the same is to be said; they are most of a run in which nothing changed."""
    return SourceOutcome(source=source, outcome=Outcome.UNCHANGED, version=version, message=message)


def as_company(document: Mapping[str, Any]) -> Company | InvalidUsdotError:
    """The document as its sources see it, or why it cannot be asked for."""
    try:
        usdot = UsdotNumber.parse(document.get("dotNumber"))
    except InvalidUsdotError as error:
        return error
    return Company(document["_id"], usdot, name_of(document), document)


def name_of(document: Mapping[str, Any]) -> str | None:
    """The company's name, for people who read results."""
    name = document.get("name")
    return name[:200] if isinstance(name, str) else None
