"""The proof that nothing is missing: what our rows of a carrier come to, held against what FMCSA has published of it.

Pure functions over the summaries of three sources. Measures are compared as they are published; counts only as far as ours fall
short of FMCSA's: whether its files count a violation that stands twice in an inspection once is not known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from fmcsa_orchestrator.model.company import Company, Derived
from fmcsa_orchestrator.model.documents import as_number, as_object, as_time, dig
from fmcsa_orchestrator.model.fmcsa import PROOF, Basic
from fmcsa_orchestrator.sources.sms.measures import agree, measure_of
from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21

RULES = SMS_3_21
DERIVED = (*(f"fmcsaData.csa.{basic}.recomputed" for basic in RULES.recomputed), PROOF)
_RESULTS, _ROWS = "csa_scores", ("violations", "inspections")
# Facts: the six files of one month were replaced between 07:02 and 07:43 of one day; those of two months are weeks apart.
ONE_RUN = timedelta(hours=12)
_CLOCKS_APART = timedelta(hours=1)  # two answers about one file need not agree to the second


class Reason(StrEnum):
    """Why nothing can be compared, or what disagrees."""

    NOT_PUBLISHED = "not published"
    """FMCSA has no result of the carrier."""
    NOT_READ = "not read"
    """One of the two input files has not been read for this carrier yet."""
    NOT_ONE_RUN = "files not of one SMS run"
    """Some of what is stored is of another month."""
    SET_ASIDE = "rows set aside"
    """Rows that could not be understood are in the quarantine."""
    NO_WEIGHT = "weights missing"
    """A row lacks a weight by which it counts."""
    UNAVAILABLE = "unavailable"
    """No inspection is relevant; the files then have 0, which is no measure."""
    MISSING = "rows missing"
    """FMCSA counts more inspections or violations than there are rows."""
    DIFFERS = "measure differs"
    """The measure of the rows is not the published one."""


_DISAGREE = frozenset({Reason.MISSING, Reason.DIFFERS})


def prove(company: Company) -> Derived:
    """`recomputed` of each BASIC that can be, and of the carrier as a whole; nothing where no results are stored of it.

    Where they disagree for the first time with these files, the three sources are to be read again.
    """
    stored = _Stored.of(company)
    if stored is None:
        return Derived()
    doubt = stored.doubt()
    basics = {basic: _of_basic(stored, basic, doubt) for basic in RULES.recomputed}
    whole = _of_carrier(stored, basics.values(), doubt)
    edition, again_for = max(filter(None, stored.as_of)), as_time(dig(stored.results, "recomputed.readAgainFor"))
    disagrees = whole["agrees"] is False
    is_news = disagrees and (again_for is None or edition > again_for + _CLOCKS_APART)
    whole |= {"confirmed": disagrees and not is_news, "readAgainFor": edition if is_news else again_for}
    fields: dict[str, Any] = {f"fmcsaData.csa.{basic}.recomputed": value for basic, value in basics.items()}
    return Derived({**fields, PROOF: whole}, (_RESULTS, *_ROWS) if is_news else ())


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored of a carrier: the results and the two summaries, and of what time each of the three is."""

    results: Mapping[str, Any]
    violations: Mapping[str, Any]
    inspections: Mapping[str, Any]
    as_of: tuple[datetime | None, ...]
    has_odd_rows: bool

    @classmethod
    def of(cls, company: Company) -> Self | None:
        """None without results of this very number."""
        data = as_object(company.document.get("fmcsaData"))
        results, violations, inspections = (as_object(data.get(name)) for name in ("csa", *_ROWS))
        as_of, number = as_time(results.get("dataAsOf")), company.status.source(_RESULTS).get("usdot")
        if as_of is None or number not in {None, company.usdot}:
            return None
        has_odd_rows = any(_count(company.status.source(name), "quarantined") for name in _ROWS)
        return cls(results, violations, inspections, (as_of, *map(company.stored_as_of, _ROWS)), has_odd_rows)

    def doubt(self) -> Reason | None:
        """Why nothing of this carrier can be compared."""
        if not isinstance(self.results.get("inspections"), dict):
            return Reason.NOT_PUBLISHED
        if self.has_odd_rows:
            return Reason.SET_ASIDE
        times = [time for time in self.as_of if time is not None]
        if len(times) < len(self.as_of):
            return Reason.NOT_READ
        return Reason.NOT_ONE_RUN if max(times) - min(times) > ONE_RUN else None

    def of_basic(self, basic: Basic) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
        """What each of the three has of one BASIC."""
        path = f"byBasic.{basic}"
        return as_object(self.results.get(basic)), as_object(dig(self.violations, path)), as_object(dig(self.inspections, path))

    def missing_of(self, basic: Basic) -> int:
        """Violations that are not there though inspections name them, or the results count an inspection with one."""
        results, violations, inspections = self.of_basic(basic)
        by_inspections = _count(inspections, "violations") - _count(violations, "total")
        by_results = _count(results, "inspectionsWithViolations") - _count(violations, "inspections")
        return max(0, by_inspections, by_results)

    def missing(self) -> dict[str, int]:
        """Rows that are not there, of either file, in all BASICs or in none."""
        unnamed = _count(self.inspections, "violations") - _count(self.violations, "total")
        total = _count(as_object(self.results.get("inspections")), "total")
        return {
            "inspections": max(0, total - _count(self.inspections, "total")),
            "violations": max(0, unnamed, sum(map(self.missing_of, Basic))),
        }


def _of_basic(stored: _Stored, basic: Basic, doubt: Reason | None) -> dict[str, Any]:
    """One BASIC: what its violations weigh over the relevant inspections, beside the published measure."""
    results, violations, inspections = stored.of_basic(basic)
    published = as_number(results.get("measure"))
    if results.get("inspectionsWithViolations") is None and published == as_number(dig(results, "qcmobile.measure")):
        published = None  # the files have none: it is QCMobile's, which may be of another run
    weighted, weight = as_number(violations.get("weightedSeverity")), as_number(inspections.get("relevantTimeWeight"))
    if doubt is not None:
        return _said(doubt)
    if published is None:
        return _said(Reason.NOT_PUBLISHED)
    if weighted is None or weight is None:
        return _said(Reason.NO_WEIGHT)
    missing, measure = stored.missing_of(basic), measure_of(weighted, weight)
    reason: Reason | None
    if missing:
        reason = Reason.MISSING
    elif measure is None and agree(published, 0, RULES):
        reason = Reason.UNAVAILABLE
    else:
        reason = None if measure is not None and agree(measure, published, RULES) else Reason.DIFFERS
    return _said(reason, measure, None if measure is None else measure - published, missing)


def _said(
    reason: Reason | None, measure: float | None = None, difference: float | None = None, missing: int | None = None
) -> dict[str, Any]:
    return {
        "measure": None if measure is None else round(measure, 4),
        **_verdict(reason),
        "difference": None if difference is None else round(difference, 4),
        "missing": missing,
    }


def _verdict(reason: Reason | None) -> dict[str, Any]:
    """True without a reason, false where it is that something disagrees, else null."""
    agrees = reason is None or (False if reason in _DISAGREE else None)
    return {"agrees": agrees, "reason": None if reason is None else reason.value}


def _of_carrier(stored: _Stored, basics: Iterable[Mapping[str, Any]], doubt: Reason | None) -> dict[str, Any]:
    """All of it: the BASICs' measures, and the rows of all BASICs, also of those that are not recomputed."""
    missing = stored.missing() if doubt is None else None
    reasons = [value["reason"] and Reason(value["reason"]) for value in basics]
    reason: Reason | None
    if missing is not None and any(missing.values()):
        reason = Reason.MISSING
    elif Reason.DIFFERS in reasons:
        reason = Reason.DIFFERS
    else:  # one BASIC that can be compared is enough
        reason = None if None in reasons else reasons[0]
    return {**_verdict(reason), "missing": missing, "rules": RULES.name}


def _count(content: Mapping[str, Any], name: str) -> int:
    value = content.get(name)
    return value if isinstance(value, int) else 0
