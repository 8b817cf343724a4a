"""What the status shows, prepared once for terminal, page and JSON: the fleet's counts, and its companies. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_jsonable_python

from fmcsa_orchestrator.model.documents import as_object
from fmcsa_orchestrator.model.errors import InvalidUsdotError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.model.status import NOTHING, StoredStatus, Verified
from fmcsa_orchestrator.model.text import printable
from fmcsa_orchestrator.report.carrier import Section, carrier_sections
from fmcsa_orchestrator.report.concerns import Concern, concerns_of
from fmcsa_orchestrator.report.freshness import SourceView, company_state, source_views
from fmcsa_orchestrator.report.history import HistoryView
from fmcsa_orchestrator.report.safety import SafetyView, safety_view
from fmcsa_orchestrator.report.values import as_text
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, State


@dataclass(frozen=True, slots=True)
class ErrorView:
    """One error of a company's last sync."""

    source: str
    kind: str
    error: str


@dataclass(frozen=True, slots=True)
class CompanyView:
    """One company in full; `history` is None where it was not asked for."""

    id: str | int
    name: str
    usdot: str
    state: State
    last_run: datetime | None
    sources: tuple[SourceView, ...]
    errors: tuple[ErrorView, ...]
    safety: SafetyView
    carrier: tuple[Section, ...]
    concerns: tuple[Concern, ...]
    history: HistoryView | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What is shown: `fleet` is None where only one company was asked for."""

    at: datetime
    stale_after_h: float
    fleet: FleetCounts | None
    companies: tuple[CompanyView, ...]

    @property
    def is_failing(self) -> bool:
        """Whether some company of the fleet, or the one asked for, failed in its last sync."""
        if self.fleet is not None:
            return self.fleet.states.failing > 0
        return any(company.state is State.FAILING for company in self.companies)


def cutoff_of(at: datetime, stale_after_h: float) -> datetime:
    """The time before which a success is stale."""
    return at - timedelta(hours=stale_after_h)


def make_overview(
    documents: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    at: datetime,
    stale_after_h: float,
    fleet: FleetCounts | None = None,
    verified: Verified = NOTHING,
    history: HistoryView | None = None,
) -> Overview:
    """The companies' documents, prepared, beside the fleet's counts; or one company with its history."""
    cutoff = cutoff_of(at, stale_after_h)
    companies = tuple(company_view(document, sources, at, cutoff, verified, history) for document in documents)
    return Overview(at, stale_after_h, fleet and _printable(fleet), companies)


def _printable(fleet: FleetCounts) -> FleetCounts:
    """The counts, with what stands in documents fit to be shown: the oldest company's name, and words for outcomes."""
    oldest = fleet.oldest_company and printable(fleet.oldest_company)
    sources = (replace(source, outcomes=_shown_outcomes(source.outcomes)) for source in fleet.sources)
    return replace(fleet, oldest_company=oldest, sources=tuple(sources))


def _shown_outcomes(outcomes: Mapping[str, int]) -> Mapping[str, int]:
    shown: Counter[str] = Counter()
    for outcome, companies in outcomes.items():
        shown[as_text(outcome, 40) or "-"] += companies
    return dict(shown)


def company_view(
    document: Mapping[str, Any],
    sources: Sequence[str],
    at: datetime,
    cutoff: datetime,
    verified: Verified = NOTHING,
    history: HistoryView | None = None,
) -> CompanyView:
    """One company's document, prepared."""
    status = StoredStatus.of(document)
    state, views = company_state(document, cutoff, verified), source_views(document, sources, cutoff, verified)
    safety, sections, errors = safety_view(document), carrier_sections(document, views), _errors(status.values.get("errors"))
    of_no_source = [error.kind for error in errors if error.source not in sources]
    return CompanyView(
        id=shown_id(document),
        name=shown_name(document),
        usdot=_usdot(document.get("dotNumber")),
        state=state,
        last_run=verified.last_look(status),
        sources=views,
        errors=errors,
        safety=safety,
        carrier=sections,
        concerns=concerns_of(state, of_no_source, views, safety, sections, at),
        history=history,
    )


def shown_id(document: Mapping[str, Any]) -> str | int:
    """What is in `_id`, fit for JSON."""
    key = document.get("_id")
    return key if isinstance(key, int) else printable(str(key)[:200])


def shown_name(document: Mapping[str, Any]) -> str:
    """The company's name, or its id where it has none."""
    return as_text(document.get("name"), 200) or str(shown_id(document))


def as_json(view: Overview | CompanyView) -> Any:
    """As plain JSON types, times as ISO text."""
    return to_jsonable_python(view)


def _usdot(value: Any) -> str:
    try:
        return str(int(UsdotNumber.parse(value)))
    except InvalidUsdotError:
        return printable(str(value)[:40])


def _errors(found: Any) -> tuple[ErrorView, ...]:
    entries = [as_object(entry) for entry in found] if isinstance(found, list) else []
    texts = ([as_text(entry.get(key)) or "-" for key in ("source", "kind", "error")] for entry in entries)
    return tuple(ErrorView(source, kind, error) for source, kind, error in texts)
