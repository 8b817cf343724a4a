"""One source's step at one company: asked where need be, its report checked, its rows written, its fields noted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from fmcsa_orchestrator.model.company import Company, SourceReport
from fmcsa_orchestrator.model.documents import changed_paths, check_settable, with_values
from fmcsa_orchestrator.model.errors import CompanyWriteError, RepositoryError
from fmcsa_orchestrator.model.results import Outcome, SourceFailure, SourceOutcome
from fmcsa_orchestrator.storage.repository import CompanyRepository, Write
from fmcsa_orchestrator.sync.batch_reader import Found
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
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

    def is_current(self, source: str, company: Company) -> bool:
        """Whether what is stored of the source is what upstream has."""
        return not self.force and company.status.is_current(source, self.versions.get(source), company.usdot)


@dataclass(frozen=True, slots=True)
class SourceStep:
    """Gives sources their step.

    Raises: RepositoryError when the store does not work, LeaseLostError when somebody else has taken the company over.
    """

    repository: CompanyRepository
    caller: SourceCaller

    async def run(self, slot: SourceSlot, progress: Progress, known: Known, share_s: float) -> SourceOutcome:
        """What becomes of this source, which may use `share_s` seconds; progress goes on with what it has found."""
        version = known.versions.get(slot.name)
        if known.is_current(slot.name, progress.company):
            said = progress.company.status.source(slot.name).get("message")  # "none on record" still holds
            return _unchanged(slot.name, version, said if isinstance(said, str) else None)
        report = await self._ask(slot, progress.company, known, share_s)
        if not isinstance(report, SourceFailure):
            try:
                return await self._take(slot, progress, report, version)
            except CompanyWriteError as error:
                report = self.caller.isolation.failure(slot.name, error)
            except RepositoryError:
                raise
            except Exception as error:  # noqa: BLE001  # a report can be malformed in any way
                report = self.caller.isolation.failure(slot.name, error)
        progress.failures.append(report)
        return SourceOutcome(source=slot.name, outcome=report.outcome, message=report.error)

    async def _ask(self, slot: SourceSlot, company: Company, known: Known, share_s: float) -> SourceReport | SourceFailure:
        """The report, from the window or at first hand; or why there is none."""
        ready = known.found.get(slot.name, {}).get(company.usdot)
        if ready is None:
            return await self.caller.ask(slot.name, share_s, partial(slot.source.fetch, company))
        if isinstance(ready, SourceFailure) or slot.complete is None:
            return ready
        report = await self.caller.ask(slot.name, share_s, partial(slot.complete, company, ready), part="/complete")
        return replace(ready, incomplete=report) if isinstance(report, SourceFailure) else report

    async def _take(self, slot: SourceSlot, progress: Progress, report: Any, version: str | None) -> SourceOutcome:
        """Check a report, write its rows, note its fields."""
        company = progress.company
        check_report(slot, report)
        values = {**report.fields, **report.stamps}
        check_settable(company.document, values)
        self.repository.check_fields(values)
        written = 0
        if report.documents is not None:
            written = await self.repository.store_rows(company, slot.collection, report.documents, progress.at, progress.write)
        changed = bool(changed_paths(company.document, report.fields)) or written > 0
        progress.values |= values
        progress.company = Company(company.id, company.usdot, company.name, with_values(company.document, values))
        outcome = Outcome(report.outcome)
        if outcome is Outcome.CHANGED and not changed:
            outcome = Outcome.UNCHANGED
        message = None if report.message is None else self.caller.isolation.text(report.message)
        lacking = report.incomplete
        if isinstance(lacking, BaseException):  # of a batch: nobody has taken note of it yet
            lacking = self.caller.isolation.failure(slot.name, lacking)
        if lacking is not None:
            progress.failures.append(lacking)
            outcome, message = lacking.outcome, lacking.error
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


@lru_cache(maxsize=256)
def _unchanged(source: str, version: str | None, message: str | None) -> SourceOutcome:
    """One value for all companies of which the same is to be said; they are most of a run in which nothing changed."""
    return SourceOutcome(source=source, outcome=Outcome.UNCHANGED, version=version, message=message)
