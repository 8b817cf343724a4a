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

# What stands for a BASIC in the files, in QCMobile and on FMCSA's pages, and our own key; punctuation and case do not matter.
BASIC_SPELLINGS: dict[Basic, tuple[str, ...]] = {
    Basic.UNSAFE_DRIVING: ("Unsafe Driving",),
    Basic.HOS_COMPLIANCE: (
        "Hours-of-Service Compliance",
        "Hours-of-Service (HOS) Compliance",
        "Hours-of-Service",
        "HOS Compliance",
    ),
    Basic.VEHICLE_MAINTENANCE: ("Vehicle Maintenance", "Vehicle Maint."),
    Basic.CONTROLLED_SUBSTANCES_ALCOHOL: ("Controlled Substances/Alcohol", "Drugs/Alcohol", "controlledSubstances"),
    Basic.DRIVER_FITNESS: ("Driver Fitness",),
    Basic.CRASH_INDICATOR: ("Crash Indicator",),
    Basic.HM_COMPLIANCE: (
        "Hazardous Materials (HM) Compliance",
        "Hazardous Materials Compliance",
        "Hazardous Materials",
        "HM Compliance",
        "hazmat",
    ),
}

PROOF = "fmcsaData.csa.recomputed"  # where a company's document says whether its rows come to what FMCSA has published

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


# Host apps store "1021580", " 01021580", "USDOT 1021580", "DOT# 1,021,580", "(1021580.0)"; no number is to be made of anything
# that might mean another one: "1.000" is a thousand in some countries. [0-9] and not \d, which takes every script's digits.
_PREFIX = r"(?:(?:US ?)?DOT[\s#:.-]*|#\s*)?"
_SPELLINGS = re.compile(
    rf"{_PREFIX}(\()?(?:0*([1-9][0-9]{{0,7}})|([1-9][0-9]{{0,2}}(?:,[0-9]{{3}}){{1,2}}))(?:\.00?)?(?(1)\))",
    re.ASCII | re.IGNORECASE,
)
_POWER_OF_TEN = re.compile(rf"{_PREFIX}[0-9]+(?:[.,][0-9]*)?E[+-]?[0-9]+", re.ASCII | re.IGNORECASE)
# Full-width forms to what they stand for, but not all of Unicode's compatibility forms, by which "10²" is 102.
# Of what is invisible, only that which changes no order: turned round, digits are another number than the one that is seen.
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_INVISIBLE = dict.fromkeys(map(ord, "\xad\u200b\u200c\u200d\u200e\u2060\ufeff"))
_AS_ASCII = {**_WIDE, **_INVISIBLE}
_LARGEST = 99_999_999


class UsdotNumber(int):
    """A carrier's USDOT number: an int from 1 to 99,999,999.

    Source: FMCSA's registration numbers have one to eight digits; see docs/glossary.md.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read a company's `dotNumber`: an int, a whole float, or text such as "USDOT 1021580".

        The page on documents lists what is taken, and what is refused since it might be another number.

        Raises:
            InvalidUsdotError: which says what a USDOT number looks like.
        """
        number = _as_int(value)
        if number is None or not 1 <= number <= _LARGEST:
            damaged = isinstance(value, str) and _POWER_OF_TEN.fullmatch(_plain(value))
            why = "a spreadsheet has written it as a power of ten and lost digits; " if damaged else ""
            raise InvalidUsdotError(
                f"dotNumber is {_shown(value)}: {why}a USDOT number has 1 to 8 digits and is not zero; "
                "correct the company's dotNumber"
            )
        return cls(number)


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():  # JavaScript hosts store every number as a double
        return int(value)
    if isinstance(value, str) and (match := _SPELLINGS.fullmatch(_plain(value))):
        return int(match[2] or match[3].replace(",", ""))
    return None


def _plain(text: str) -> str:
    """The text in ASCII as far as it can be, without invisible characters, each run of blanks as one."""
    return " ".join(text.translate(_AS_ASCII).split())


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, int) and value.bit_length() > 128:  # Python refuses to write out the largest
        return "far too large"
    text = repr(value) if isinstance(value, str | int | float) else f"of type {type(value).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."
