"""The seven BASICs of SMS: their keys in our documents, their names in FMCSA's files, their thresholds.

FMCSA has announced "compliance categories" in place of BASICs (89 FR 91874, still a preview); everything that would
change with them is data in this one file.
"""

import re
from enum import StrEnum
from typing import Any, Self

from fmcsa_orchestrator.model.errors import InvalidUsdotError


class Basic(StrEnum):
    """A Behavior Analysis and Safety Improvement Category; the value is its key in `smsBasics` and `fmcsaData`."""

    UNSAFE_DRIVING = "unsafeDriving"
    HOS_COMPLIANCE = "hoursOfService"
    VEHICLE_MAINTENANCE = "vehicleMaintenance"
    CONTROLLED_SUBSTANCES_ALCOHOL = "controlledSubstances"
    DRIVER_FITNESS = "driverFitness"
    CRASH_INDICATOR = "crashIndicator"
    HM_COMPLIANCE = "hazmat"

    @property
    def label(self) -> str:
        """FMCSA's name of it."""
        return BASIC_TITLES[self]


BASIC_TITLES = {
    Basic.UNSAFE_DRIVING: "Unsafe Driving",
    Basic.HOS_COMPLIANCE: "Hours-of-Service Compliance",
    Basic.VEHICLE_MAINTENANCE: "Vehicle Maintenance",
    Basic.CONTROLLED_SUBSTANCES_ALCOHOL: "Controlled Substances/Alcohol",
    Basic.DRIVER_FITNESS: "Driver Fitness",
    Basic.CRASH_INDICATOR: "Crash Indicator",
    Basic.HM_COMPLIANCE: "Hazardous Materials (HM) Compliance",
}

BY_TITLE = {title: basic for basic, title in BASIC_TITLES.items()}

# Congress keeps these two from the public for every carrier (FAST Act, 2015).
NOT_PUBLIC = frozenset({Basic.CRASH_INDICATOR, Basic.HM_COMPLIANCE})

# Percentile at or above which FMCSA intervenes: (passenger carrier, hazmat carrier, all others).
INTERVENTION_THRESHOLDS = {
    Basic.UNSAFE_DRIVING: (50, 60, 65),
    Basic.HOS_COMPLIANCE: (50, 60, 65),
    Basic.CRASH_INDICATOR: (50, 60, 65),
    Basic.DRIVER_FITNESS: (65, 75, 80),
    Basic.CONTROLLED_SUBSTANCES_ALCOHOL: (65, 75, 80),
    Basic.VEHICLE_MAINTENANCE: (65, 75, 80),
    Basic.HM_COMPLIANCE: (80, 80, 80),
}


# Host apps store "1021580", " 01021580", "USDOT 1021580"; [0-9] and not \d, which takes every script's digits.
_SPELLINGS = re.compile(r"\s*(?:(?:US ?)?DOT[\s#:.-]*)?([0-9]{1,8})\s*", re.ASCII | re.IGNORECASE)
_LARGEST = 99_999_999


class UsdotNumber(int):
    """A carrier's USDOT number: an int from 1 to 99,999,999.

    Source: FMCSA's registration numbers have one to eight digits; see docs/glossary.md.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read a company's `dotNumber`: an int, a whole float, or text such as "USDOT 1021580".

        Raises:
            InvalidUsdotError: which says what a USDOT number looks like.
        """
        number = _as_int(value)
        if number is None or not 1 <= number <= _LARGEST:
            raise InvalidUsdotError(
                f"dotNumber is {_shown(value)}: a USDOT number has 1 to 8 digits and is not zero; correct the company's dotNumber"
            )
        return cls(number)


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():  # JavaScript hosts store every number as a double
        return int(value)
    if isinstance(value, str) and (match := _SPELLINGS.fullmatch(value)):
        return int(match[1])
    return None


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, int) and value.bit_length() > 128:  # Python refuses to write out the largest
        return "far too large"
    text = repr(value) if isinstance(value, str | int | float) else f"of type {type(value).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."
