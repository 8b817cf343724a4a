"""Percentiles of passenger carriers by a real ranking of the whole fleet, in place of made-up ones.

How FMCSA ranks is not settled, so a test says how it is done, and whoever reads the files has to find out.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fmcsa_orchestrator.testing.fmcsa.datasets import (
    DRIVER_FITNESS,
    HOS_COMPLIANCE,
    SUBSTANCES,
    VEHICLE_MAINTENANCE,
    Row,
    SmsBasic,
)


@dataclass(frozen=True, slots=True)
class Ranking:
    """How the fleet is ranked.

    Attributes:
        percent: from the carriers with a smaller measure, those with the same one, and all that are ranked, to a percentile.
        with_violations: inspections with a violation that it takes to be ranked; None: as many as to be shown a percentile.
        together: whether carriers of both classes are ranked as one.
    """

    percent: Callable[[int, int, int], int]
    with_violations: int | None = 1
    together: bool = True


@dataclass(frozen=True, slots=True)
class _Groups:
    counted: str  # the column by which a carrier is in a safety event group
    edges: tuple[int, ...]
    shown: int  # inspections with a violation for which a percentile is shown
    kind: str = ""


_GROUPS: Mapping[SmsBasic, _Groups] = {
    HOS_COMPLIANCE: _Groups("driver_insp_total", (3, 11, 21, 101, 501), 3, "driver"),
    DRIVER_FITNESS: _Groups("driver_insp_total", (5, 11, 21, 101, 501), 5, "driver"),
    SUBSTANCES: _Groups("contr_subst_insp_w_viol", (1, 2, 3, 4), 1),
    VEHICLE_MAINTENANCE: _Groups("vehicle_insp_total", (5, 11, 21, 101, 501), 5, "vehicle"),
}


class RankedFleet:
    """The measures of all carriers of one edition, by group; unsafe driving is not ranked, and keeps what was made up."""

    def __init__(self, ranking: Ranking, rows: Iterable[tuple[str, Row]]) -> None:
        """`rows` are those of the files of all carriers, each with its class."""
        self._ranking = ranking
        self._measures: defaultdict[tuple[SmsBasic, str, int], list[float]] = defaultdict(list)
        for carrier_class, row in rows:
            for basic, groups in _GROUPS.items():
                group, with_violations = _group(groups, row), int(row[f"{basic.prefix}_insp_w_viol"])
                least = groups.shown if ranking.with_violations is None else ranking.with_violations
                if group and with_violations >= least:
                    self._measures[basic, self._among(carrier_class), group].append(float(row[f"{basic.prefix}_measure"]))
        for measures in self._measures.values():
            measures.sort()

    def ranked(self, carrier_class: str, row: Row) -> Row:
        """The row of a passenger file with the percentiles, and alerts, by this ranking."""
        ranked = dict(row)
        for basic, groups in _GROUPS.items():
            text = self._text(basic, groups, carrier_class, row)
            alert = text.endswith("%") and int(text[:-1]) >= basic.threshold
            ranked[f"{basic.prefix}_pct"] = text
            ranked[f"{basic.prefix}_rd_alert"] = "Y" if alert else "N"
            ranked[f"{basic.prefix}_basic_alert"] = "Y" if alert or row[f"{basic.prefix}_ac"] == "Y" else "N"
        return ranked

    def _text(self, basic: SmsBasic, groups: _Groups, carrier_class: str, row: Row) -> str:
        group, with_violations = _group(groups, row), int(row[f"{basic.prefix}_insp_w_viol"])
        if groups.kind and not group:
            return basic.too_few
        if not with_violations:
            return "0%"
        if with_violations < groups.shown:
            return f"Less than {groups.shown} {groups.kind} inspections with violations"
        measure = float(row[f"{basic.prefix}_measure"])
        measures = self._measures[basic, self._among(carrier_class), group]
        below, upto = bisect_left(measures, measure), bisect_right(measures, measure)
        return f"{self._ranking.percent(below, upto - below, len(measures))}%"

    def _among(self, carrier_class: str) -> str:
        return "" if self._ranking.together else carrier_class


def _group(groups: _Groups, row: Row) -> int:
    """The safety event group, from 1; 0 for none."""
    return bisect_right(groups.edges, int(row[groups.counted]))
