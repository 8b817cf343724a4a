"""One source's turn at one company: asked where need be, its report checked, its rows written, its fields noted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from fmcsa_orchestrator.model.company import Company, Outcome, SourceReport
from fmcsa_orchestrator.model.documents import changed_paths, check_settable, with_values
from fmcsa_orchestrator.model.errors import CompanyWriteError, RepositoryError
from fmcsa_orchestrator.model.results import SourceFailure, SourceOutcome
from fmcsa_orchestrator.sources.base import CompletingSource
from fmcsa_orchestrator.storage.repository import CompanyRepository, Write
from fmcsa_orchestrator.storage.sync_status import is_current, stored_source
from fmcsa_orchestrator.sync.batch_reader import Found
from fmcsa_orchestrator.sync.guard.isolation import Fault
from fmcsa_orchestrator.sync.guard.source_caller import Gate
from fmcsa_orchestrator.sync.source_registry import SourceSlot, check_report


@dataclass(slots=True)
class Progress:
    """How far a company has come: as its sources have left it so far, what is to be set, what has failed."""

    company: Company
    original: Mapping[str, Any]
    at: datetime
    write: Write
    values: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, SourceOutcome] = field(default_factory=dict)
    failures: list[SourceFailure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a company's turn: its window as read, upstream's versions, and whether these are to be ignored."""

    found: Mapping[str, Found]
    versions: Mapping[str, str | None]
    force: bool


class SourceTurn:
    """Gives sources their turn.

    Raises: RepositoryError when the store does not work, LeaseLostError when somebody else has taken the company over.
    """

    def __init__(self, repository: CompanyRepository, gate: Gate) -> None:
        self._repository = repository
        self._gate = gate
        self._isolation = gate.isolation

    async def of(self, slot: SourceSlot, progress: Progress, known: Known, share_s: float) -> SourceOutcome:
        """What becomes of this source, which may use `share_s` seconds; progress goes on with what it has found."""
        version = known.versions.get(slot.name)
        if is_current_for(slot, progress.company, known):
            said = stored_source(progress.company.document, slot.name).get("message")  # "none on record" still holds
            return _unchanged(slot.name, version, said if isinstance(said, str) else None)
        report, fault = await self._ask(slot, progress, known, share_s)
        if report is None and fault is not None:
            return self._failed(slot, progress, fault)
        try:
            return await self._take(slot, progress, report, fault, version)
        except CompanyWriteError as error:
            return self._failed(slot, progress, self._isolation.fault(slot.name, error))
        except RepositoryError:
            raise
        except Exception as error:  # noqa: BLE001  # a report can be malformed in any way
            return self._failed(slot, progress, self._isolation.fault(slot.name, error))

    async def _ask(
        self, slot: SourceSlot, progress: Progress, known: Known, share_s: float
    ) -> tuple[SourceReport | None, Fault | None]:
        """The report, from the window or at first hand, and what is wrong with it; without a report, why there is none."""
        source, company = slot.source, progress.company
        ready = known.found.get(slot.name, {}).get(company.usdot)
        if isinstance(ready, Fault):
            return None, ready
        if ready is None:
            return await self._gate.ask(slot.name, share_s, lambda: source.fetch(company))
        if not slot.completes:
            return ready, None
        completing = cast("CompletingSource", source)
        report, fault = await self._gate.ask(slot.name, share_s, lambda: completing.complete(company, ready), part="/complete")
        return (ready if report is None else report), fault

    async def _take(
        self, slot: SourceSlot, progress: Progress, report: Any, fault: Fault | None, version: str | None
    ) -> SourceOutcome:
        """Check a report, write its rows, note its fields."""
        company = progress.company
        check_report(slot, report)
        values = {**report.fields, **report.stamps}
        check_settable(company.document, values)
        self._repository.check_fields(values)
        written = 0
        if report.documents is not None:
            written = await self._repository.store_rows(company, slot.collection, report.documents, progress.at, progress.write)
        changed = bool(changed_paths(company.document, report.fields)) or written > 0
        progress.values |= values
        progress.company = Company(company.id, company.usdot, company.name, with_values(company.document, values))
        outcome = Outcome(report.outcome)
        if outcome is Outcome.CHANGED and not changed:
            outcome = Outcome.UNCHANGED
        message = None if report.message is None else self._isolation.text(report.message)
        if fault is not None:
            progress.failures.append(_failure(slot, fault, progress.at))
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

    def _failed(self, slot: SourceSlot, progress: Progress, fault: Fault) -> SourceOutcome:
        progress.failures.append(_failure(slot, fault, progress.at))
        return SourceOutcome(source=slot.name, outcome=fault.outcome, message=fault.message)


def is_current_for(slot: SourceSlot, company: Company, known: Known) -> bool:
    """Whether what is stored of the source is what upstream has."""
    return not known.force and is_current(company, slot.name, known.versions.get(slot.name))


def _failure(slot: SourceSlot, fault: Fault, at: datetime) -> SourceFailure:
    return SourceFailure(source=slot.name, error=fault.message, kind=fault.kind, timestamp=at)


@lru_cache(maxsize=256)
def _unchanged(source: str, version: str | None, message: str | None) -> SourceOutcome:
    """One value for all companies of which the same is to be said; they are most of a run in which nothing changed."""
    return SourceOutcome(source=source, outcome=Outcome.UNCHANGED, version=version, message=message)
