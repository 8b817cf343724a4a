"""The seven BASICs of SMS: their keys in our documents, their names in FMCSA's files, their thresholds.

FMCSA has announced "compliance categories" in place of BASICs (89 FR 91874, still a preview); everything that would
change with them is data in this one file.
"""

from enum import StrEnum


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
        return TITLES[self]


TITLES = {
    Basic.UNSAFE_DRIVING: "Unsafe Driving",
    Basic.HOS_COMPLIANCE: "Hours-of-Service Compliance",
    Basic.VEHICLE_MAINTENANCE: "Vehicle Maintenance",
    Basic.CONTROLLED_SUBSTANCES_ALCOHOL: "Controlled Substances/Alcohol",
    Basic.DRIVER_FITNESS: "Driver Fitness",
    Basic.CRASH_INDICATOR: "Crash Indicator",
    Basic.HM_COMPLIANCE: "Hazardous Materials (HM) Compliance",
}

BY_TITLE = {title: basic for basic, title in TITLES.items()}

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
