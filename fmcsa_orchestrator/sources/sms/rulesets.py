"""FMCSA's rules, as data under the name of those that are in force: what is capped, and who is ranked with whom.

Facts: SMS Methodology v3.21 (June 2026); the same tables in v3.20 and in three public transcriptions. The peers in Crash
Indicator and Unsafe Driving are not here: they differ by the kind of vehicles, which no file tells of all carriers.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fmcsa_orchestrator.model.fmcsa import Basic

Counted = Literal["driver", "vehicle", "hazmat", "withViolations"]


@dataclass(frozen=True, slots=True)
class Peers:
    """Who is ranked in one BASIC, and in which safety event group.

    Attributes:
        counted: what decides the group: relevant inspections of that kind, or inspections with a violation.
        edges: the least number in each group, 1 to 5; who has fewer than the first is not ranked.
        with_violations: the inspections with a violation below which FMCSA shows no percentile.
    """

    counted: Counted
    edges: tuple[int, ...]
    with_violations: int

    def group(self, number: int) -> int | None:
        """The group of a carrier with so many; None where it is not ranked."""
        return bisect_right(self.edges, number) or None


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What FMCSA may decide anew; results name the rules that they were computed by.

    Attributes:
        name: its name.
        severity_cap: what the violations of one BASIC in one inspection weigh at most, before the time weight.
        recomputed: the BASICs whose denominator is in the inspection file, and whose measure is published.
        tolerance: how far a recomputed measure may be from the published one, which has two decimals; whether FMCSA rounds
            half up, half to even or cuts is not known.
        peers: who is ranked with whom, by BASIC.
    """

    name: str
    severity_cap: int
    recomputed: tuple[Basic, ...]
    tolerance: float
    peers: Mapping[Basic, Peers] = field(hash=False)


SMS_3_21 = Ruleset(
    "SMS_3_21",
    30,
    (Basic.HOS_COMPLIANCE, Basic.DRIVER_FITNESS, Basic.CONTROLLED_SUBSTANCES_ALCOHOL, Basic.VEHICLE_MAINTENANCE),
    0.015,
    {
        Basic.HOS_COMPLIANCE: Peers("driver", (3, 11, 21, 101, 501), 3),
        Basic.DRIVER_FITNESS: Peers("driver", (5, 11, 21, 101, 501), 5),
        Basic.CONTROLLED_SUBSTANCES_ALCOHOL: Peers("withViolations", (1, 2, 3, 4), 1),
        Basic.VEHICLE_MAINTENANCE: Peers("vehicle", (5, 11, 21, 101, 501), 5),
        Basic.HM_COMPLIANCE: Peers("hazmat", (5, 11, 16, 41, 101), 5),
    },
)
