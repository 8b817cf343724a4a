"""The measure of a BASIC as SMS computes it: severity by inspection, its cap, weights of time. Pure arithmetic.

`measure = sum over inspections of min(cap, sum of total severity) x time weight / sum over relevant inspections of time weight`

Facts: SMS Methodology v3.21, and public recomputations: 61 of 61 measures of 16 carriers came out within 0.015 of FMCSA's
(SMS of August 2026). Severity is the file's `total_severity_wght`, out-of-service weight included and time weight not; relevant
is an inspection by the flag in its row, whatever its level. Unsafe Driving and Crash Indicator have other denominators.
"""

from dataclasses import dataclass, field

from fmcsa_orchestrator.model.fmcsa import Basic


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What FMCSA may decide anew; results name the rules that they were computed by.

    Attributes:
        name: its name.
        severity_cap: what the violations of one BASIC in one inspection weigh at most, before the time weight.
        recomputed: the BASICs whose denominator is in the inspection file, and whose measure is published.
        tolerance: how far a recomputed measure may be from the published one, which has two decimals; whether FMCSA rounds
            half up, half to even or cuts is not known.
    """

    name: str
    severity_cap: int
    recomputed: tuple[Basic, ...]
    tolerance: float


SMS_3_21 = Ruleset(
    "SMS_3_21",
    30,
    (Basic.HOS_COMPLIANCE, Basic.DRIVER_FITNESS, Basic.CONTROLLED_SUBSTANCES_ALCOHOL, Basic.VEHICLE_MAINTENANCE),
    0.015,
)


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
    unweighted: set[str] = field(default_factory=set)  # BASICs of which a row lacks a weight
    _places: dict[str, int] = field(default_factory=dict)  # by inspection
    _time_weights: bytearray = field(default_factory=bytearray)  # by place
    _severities: dict[str, bytearray] = field(default_factory=dict)  # by BASIC, then place; up to the last that has any

    def __len__(self) -> int:
        return len(self._places)

    def add(self, inspection: str, basic: str | None, severity: int | None, time_weight: int | None) -> None:
        """One violation; `basic` is None where it is none that we know, and only its inspection counts.

        A severity of 0 counts the inspection: it weighs nothing, and is a violation all the same.
        """
        place = self._places.setdefault(inspection, len(self._places))
        if place == len(self._time_weights):
            self._time_weights.append(0)
        if basic is None:
            return
        severities = self._severities.setdefault(basic, bytearray())
        if place >= len(severities):
            severities.extend(bytes(place + 1 - len(severities)))
        if severity is None or time_weight is None or time_weight > _MOST:
            self.unweighted.add(basic)
        else:
            # All rows of an inspection are of one day, and so of one weight; were they not, their order is to make no difference.
            self._time_weights[place] = max(time_weight, self._time_weights[place])
        # One above what it weighs, so that 0 is an inspection without such a violation.
        severities[place] = 1 + min(self.rules.severity_cap, max(severities[place] - 1, 0) + (severity or 0))

    def of(self, basic: str) -> BasicSeverity:
        """What has come together of one BASIC."""
        severities = self._severities.get(basic, bytearray())
        pairs = zip(severities, self._time_weights, strict=False)
        weighted = sum((severity - 1) * time_weight for severity, time_weight in pairs if severity)
        return BasicSeverity(sum(map(bool, severities)), None if basic in self.unweighted else weighted)


_MOST = 255  # what fits a byte; time weights are 1, 2 and 3


def measure_of(weighted_severity: float, time_weight: float) -> float | None:
    """The measure; None where there is no relevant inspection: FMCSA's files then have 0, which says nothing."""
    return weighted_severity / time_weight if time_weight > 0 else None


def agree(one: float, other: float, rules: Ruleset = SMS_3_21) -> bool:
    """Whether two measures are the same, as far as they are published."""
    return abs(one - other) <= rules.tolerance + 1e-9  # what a double cannot hold of it
