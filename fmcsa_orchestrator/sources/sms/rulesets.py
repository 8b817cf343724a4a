"""With whom SMS ranks a carrier, as data under the name of the rules that are in force.

Facts: SMS Methodology v3.21 (June 2026), §3; the same tables in v3.20 and in three public transcriptions. Crash Indicator and
Unsafe Driving are not here: their groups differ by the kind of vehicles, which no file tells of all carriers.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
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
class RankedBy:
    """One methodology's ranking: its name, and the peers by BASIC."""

    name: str
    peers: Mapping[Basic, Peers]


SMS_3_21 = RankedBy(
    "SMS_3_21",
    {
        Basic.HOS_COMPLIANCE: Peers("driver", (3, 11, 21, 101, 501), 3),
        Basic.DRIVER_FITNESS: Peers("driver", (5, 11, 21, 101, 501), 5),
        Basic.CONTROLLED_SUBSTANCES_ALCOHOL: Peers("withViolations", (1, 2, 3, 4), 1),
        Basic.VEHICLE_MAINTENANCE: Peers("vehicle", (5, 11, 21, 101, 501), 5),
        Basic.HM_COMPLIANCE: Peers("hazmat", (5, 11, 16, 41, 101), 5),
    },
)
