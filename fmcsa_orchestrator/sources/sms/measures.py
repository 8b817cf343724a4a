"""The measure of a BASIC as SMS computes it: severity by inspection, its cap, weights of time. Pure arithmetic.

`measure = sum over inspections of min(cap, sum of total severity) x time weight / sum over relevant inspections of time weight`

Facts: SMS Methodology v3.21, and public recomputations: 61 of 61 measures of 16 carriers came out within 0.015 of FMCSA's
(SMS of August 2026). Severity is the file's `total_severity_wght`, out-of-service weight included and time weight not; relevant
is an inspection by the flag in its row, whatever its level. Unsafe Driving and Crash Indicator have other denominators.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21, Ruleset

# Its inspection, its BASIC, its total severity, its time weight; None is what a row lacks.
Violation = tuple[str, str | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class BasicSeverity:
    """What the violations of one BASIC weigh: in so many inspections, with the time weights; None where a row has no weight."""

    inspections: int
    weighted: int | None


@dataclass(slots=True)
class SeverityByInspection:
    """Adds up violations by inspection and BASIC, in whatever order they come.

    It holds a number and a byte per BASIC of each inspection, so that the largest carrier's take some megabytes.
    """

    rules: Ruleset = SMS_3_21
    _places: dict[str, int] = field(default_factory=dict)  # by inspection
    _time_weights: bytearray = field(default_factory=bytearray)  # by place
    _severities: dict[str, bytearray] = field(default_factory=dict)  # by BASIC, then place; up to the last that has any
    _unweighted: set[str] = field(default_factory=set)  # BASICs of which a row lacks a weight

    def __len__(self) -> int:
        return len(self._places)

    def add(self, violations: Iterable[Violation]) -> None:
        """Some more; one whose BASIC is None is of none that we know, and only its inspection counts."""
        places, time_weights, most = self._places, self._time_weights, self.rules.severity_cap + 1
        for inspection, basic, severity, time_weight in violations:
            place = places.get(inspection)
            if place is None:
                place = places[inspection] = len(places)
                time_weights.append(0)
            if basic is None:
                continue
            severities = self._severities.setdefault(basic, bytearray())
            if place >= len(severities):
                severities.extend(bytes(place + 1 - len(severities)))
            # One above what it weighs: 0 is an inspection without such a violation, and one of severity 0 is one all the same.
            severities[place] = min(most, (severities[place] or 1) + (severity or 0))
            if severity is None or time_weight is None or time_weight > _MOST:
                self._unweighted.add(basic)
            elif time_weight != time_weights[place]:
                # All rows of an inspection are of one day, and so of one weight; were they not, their order is to matter nothing.
                time_weights[place] = max(time_weight, time_weights[place])

    def of(self, basic: str) -> BasicSeverity:
        """What has come together of one BASIC."""
        severities = self._severities.get(basic, bytearray())
        pairs = zip(severities, self._time_weights, strict=False)
        weighted = sum((severity - 1) * time_weight for severity, time_weight in pairs if severity)
        return BasicSeverity(sum(map(bool, severities)), None if basic in self._unweighted else weighted)


_MOST = 255  # what fits a byte; time weights are 1, 2 and 3


def measure_of(weighted_severity: float, time_weight: float) -> float | None:
    """The measure; None where there is no relevant inspection: FMCSA's files then have 0, which says nothing."""
    return weighted_severity / time_weight if time_weight > 0 else None


def agree(one: float, other: float, rules: Ruleset = SMS_3_21) -> bool:
    """Whether two measures are the same, as far as they are published."""
    return abs(one - other) <= rules.tolerance + 1e-9  # what a double cannot hold of it
