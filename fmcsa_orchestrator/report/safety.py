"""What is known of a company's safety: BASICs with their thresholds, violations, inspections, out-of-service rates. Pure.

Reads the company document as any host app may have left it: what is not as we write it counts as not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.documents import as_number, as_object, as_time, dig
from fmcsa_orchestrator.model.fmcsa import BASIC_TITLES, INTERVENTION_THRESHOLDS, Basic
from fmcsa_orchestrator.report.values import as_count, as_flag, as_text

# `percentileStatus` in words, where FMCSA has none of its own.
_REASONS = {
    "not_public": "not public",
    "insufficient_data": "too little data",
    "inconclusive": "inconclusive",
    "no_violations": "no violations",
    "not_published": "not published",
    "not_found": "carrier not in the files",
}
_NOT_READ = "not read yet"
_NAMES_SHOWN = 20
KINDS = ("driver", "vehicle", "hazmat")


@dataclass(frozen=True, slots=True)
class BasicView:
    """One BASIC. `reason` says why there is no percentile; `exceeds` is None then.

    threshold:    percentile at or above which FMCSA intervenes; `threshold_by`: which one it is (see `threshold`).
    violations:   None where violations were not read, or are not counted by this BASIC.
    recomputed:   the measure that the stored rows come to; `agrees` and `doubt` as in the document.
    estimate:     our own estimate of the percentile, which is not FMCSA's; None where one is published, or there is none.
    """

    basic: Basic
    label: str
    measure: float | None
    percentile: float | None
    reason: str | None
    threshold: float
    threshold_by: str
    exceeds: bool | None
    acute_critical: bool
    violations: int | None
    out_of_service: int | None
    recomputed: float | None
    agrees: bool | None
    doubt: str | None
    estimate: "EstimateView | None"


@dataclass(frozen=True, slots=True)
class EstimateView:
    """Our estimate of a percentile; 95 of 100 such are `within` so many points of what is published, where that is known."""

    percentile: float
    within: float | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class ProofView:
    """Whether the carrier's rows come to what FMCSA has published of it, else why not; rows that are missing, by kind."""

    agrees: bool | None
    doubt: str
    missing: Mapping[str, int]
    confirmed: bool


@dataclass(frozen=True, slots=True)
class OosView:
    """Out-of-service orders in one kind of inspection; rates from 0 to 1, None without inspections."""

    kind: str
    inspections: int
    out_of_service: int
    rate: float | None
    national_average: float | None
    above: bool | None


@dataclass(frozen=True, slots=True)
class CountView:
    """Violations, or inspections: all, those with an order (violations) or a violation (inspections), the latest."""

    total: int
    marked: int
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class SafetyView:
    """All of it for one company. `unplaced` counts violations of BASICs that we do not know, `unplaced_by_name` by name."""

    passenger: bool | None
    basics: tuple[BasicView, ...]
    violations: CountView | None
    unplaced: int
    unplaced_by_name: Mapping[str, int]
    inspections: CountView | None
    oos: tuple[OosView, ...]
    proof: ProofView | None


def safety_view(document: Mapping[str, Any]) -> SafetyView:
    """The company's safety, from its document."""
    csa = as_object(dig(document, "fmcsaData.csa"))
    violations = as_object(dig(document, "fmcsaData.violations"))
    inspections = as_object(dig(document, "fmcsaData.inspections"))
    by_basic = as_object(violations.get("byBasic"))
    unplaced = {
        name: as_count(as_object(entry).get("total")) or 0 for name, entry in by_basic.items() if name not in BASIC_TITLES
    }
    passenger = csa.get("passengerCarrier")
    return SafetyView(
        passenger=passenger,
        basics=tuple(_basic(basic, as_object(csa.get(basic)), passenger, as_object(by_basic.get(basic))) for basic in Basic),
        violations=_counts(violations, "outOfService"),
        unplaced=sum(unplaced.values()),
        unplaced_by_name=_shown_names(unplaced),
        inspections=_counts(inspections, "withViolations"),
        oos=tuple(_oos(kind, as_object(inspections.get(kind))) for kind in KINDS if inspections.get(kind)),
        proof=_proof(csa.get("recomputed")),
    )


def _proof(found: Any) -> ProofView | None:
    if not isinstance(found, dict):
        return None
    missing = as_object(found.get("missing"))
    return ProofView(
        agrees=as_flag(found.get("agrees")),
        doubt=as_text(found.get("reason"), 80) or "unknown",
        missing={kind: count for kind in ("inspections", "violations") if (count := as_count(missing.get(kind)) or 0) > 0},
        confirmed=found.get("confirmed") is True,
    )


def threshold(basic: Basic, csa: Mapping[str, Any], passenger: Any) -> tuple[float, str]:
    """Where FMCSA intervenes, and by what: QCMobile's own word on this carrier ("QCMobile"), else its kind.

    What we store does not tell who hauls hazardous materials; without QCMobile's word such a carrier is taken as a general one.
    """
    own = as_number(dig(csa, "qcmobile.threshold"))
    if own is not None:
        return own, "QCMobile"
    for_passengers, _, for_others = INTERVENTION_THRESHOLDS[basic]
    return (for_passengers, "passenger") if passenger is True else (for_others, "general")


def _basic(basic: Basic, csa: Mapping[str, Any], passenger: Any, violations: Mapping[str, Any]) -> BasicView:
    limit, limit_for = threshold(basic, csa, passenger)
    recomputed = as_object(csa.get("recomputed"))
    percentile = as_number(csa.get("percentile"))
    return BasicView(
        basic=basic,
        label=basic.label,
        measure=as_number(csa.get("measure")),
        percentile=percentile,
        reason=_reason(csa) if percentile is None else None,
        threshold=limit,
        threshold_by=limit_for,
        exceeds=None if percentile is None else percentile >= limit,
        acute_critical=csa.get("acuteCritical") is True,
        violations=as_count(violations.get("total")),
        out_of_service=as_count(violations.get("outOfService")),
        recomputed=as_number(recomputed.get("measure")),
        agrees=as_flag(recomputed.get("agrees")),
        doubt=as_text(recomputed.get("reason"), 80),
        estimate=_estimate(as_object(csa.get("estimate"))) if percentile is None else None,
    )


def _estimate(found: Mapping[str, Any]) -> EstimateView | None:
    percentile = as_number(found.get("percentile"))
    return (
        None if percentile is None else EstimateView(percentile, as_number(dig(found, "error.p95")), as_time(found.get("asOf")))
    )


def _reason(csa: Mapping[str, Any]) -> str:
    status = csa.get("percentileStatus")
    if not isinstance(status, str):
        return _NOT_READ
    return as_text(csa.get("percentileText"), 100) or _REASONS.get(status) or as_text(status, 40) or _NOT_READ


def _counts(totals: Mapping[str, Any], marked: str) -> CountView | None:
    total = as_count(totals.get("total"))
    return None if total is None else CountView(total, as_count(totals.get(marked)) or 0, as_time(totals.get("latest")))


def _shown_names(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent, as they can be shown; a document may hold whatever it likes."""
    frequent = sorted(((total, name) for name, total in counts.items() if total > 0), reverse=True)[:_NAMES_SHOWN]
    return {as_text(name, 80) or "-": total for total, name in frequent}


def _oos(kind: str, found: Mapping[str, Any]) -> OosView:
    rate, average = as_number(found.get("oosRate")), as_number(found.get("nationalAverage"))
    return OosView(
        kind=kind,
        inspections=as_count(found.get("inspections")) or 0,
        out_of_service=as_count(found.get("outOfService")) or 0,
        rate=rate,
        national_average=average,
        above=None if rate is None or average is None else rate > average,
    )
