"""The violations an inspector of the double may write down."""

from dataclasses import dataclass

from fmcsa_orchestrator.testing.fmcsa.datasets import (
    DRIVER_BASICS,
    DRIVER_FITNESS,
    HAZMAT,
    HOS_COMPLIANCE,
    SMS_COLUMNS,
    SUBSTANCES,
    UNSAFE_DRIVING,
    VEHICLE_MAINTENANCE,
    VIOLATIONS,
    Row,
    SmsBasic,
)

LEVELS_WITH_DRIVER = frozenset("1236")
LEVELS_WITH_VEHICLE = frozenset("1256")


@dataclass(frozen=True, slots=True, eq=False)
class Violation:
    """A code with what the file says about it."""

    code: str
    basic: SmsBasic
    severity: int
    group: str
    description: str

    @property
    def by_driver(self) -> bool:
        """Written against the driver, not against a vehicle."""
        return self.basic in DRIVER_BASICS

    @property
    def can_stop(self) -> bool:
        """Can put a driver or a vehicle out of service."""
        return self.basic is not UNSAFE_DRIVING

    def columns(self, *, oos: bool) -> Row:
        """What its rows have in common, in a row whose other columns are still empty."""
        return {
            **dict.fromkeys(SMS_COLUMNS[VIOLATIONS], ""),
            "viol_code": self.code,
            "basic_desc": self.basic.name,
            "oos_indicator": "true" if oos else "false",
            "oos_weight": "2" if oos else "0",
            "severity_weight": str(self.severity),
            "total_severity_wght": str(self.severity + 2 * oos),
            "section_desc": self.description,
            "group_desc": self.group,
        }


VIOLATION_CODES = (
    Violation("3922SLLS2", UNSAFE_DRIVING, 4, "Speeding 2", "State/local law - between 6 and 10 mph above the limit"),
    Violation("3922SLLS3", UNSAFE_DRIVING, 7, "Speeding 3", "State/local law - between 11 and 14 mph above the limit"),
    Violation("3922SLLS4", UNSAFE_DRIVING, 10, "Speeding 4", "State/local law - at least 15 mph above the limit"),
    Violation("3922C", UNSAFE_DRIVING, 1, "Traffic Control", "Did not obey a sign or signal (traffic control device)"),
    Violation("3922FC", UNSAFE_DRIVING, 5, "Dangerous Driving", "Kept too little distance to the vehicle ahead"),
    Violation("3922LC", UNSAFE_DRIVING, 5, "Dangerous Driving", "Changed lanes where it was not allowed or not safe"),
    Violation("39216", UNSAFE_DRIVING, 7, "Seat Belt", "Driver's seat belt not worn while the vehicle was moving"),
    Violation("39282A1", UNSAFE_DRIVING, 10, "Phone Call", 'Held a phone at the wheel; driver said "just a minute"'),
    Violation("3958A", HOS_COMPLIANCE, 1, "Other Log/Form", "Record of duty status missing or not in the required form"),
    Violation("3958E", HOS_COMPLIANCE, 7, "False Log", "Record of duty status does not tell what really happened"),
    Violation("3958F1", HOS_COMPLIANCE, 5, "Incomplete Log", "Record of duty status not kept up to the last change"),
    Violation("3953A2", HOS_COMPLIANCE, 7, "Hours", "Drove after the 14th hour since coming on duty"),
    Violation("3953A3", HOS_COMPLIANCE, 7, "Hours", "Drove more than 11 hours without 10 hours off"),
    Violation("3953B2", HOS_COMPLIANCE, 7, "Hours", "Drove after 70 hours on duty in 8 days"),
    Violation("39522A", HOS_COMPLIANCE, 5, "EOBR Related", "Electronic log in use is not on the list of registered devices"),
    Violation("39522H4", HOS_COMPLIANCE, 1, "EOBR Related", "No blank paper logs for 8 days carried with the device"),
    Violation("38323A2", DRIVER_FITNESS, 8, "License-related: High", "Commercial vehicle driven without a commercial license"),
    Violation("38351A", DRIVER_FITNESS, 8, "License-related: High", "Commercial license was suspended on that day"),
    Violation("39111B2", DRIVER_FITNESS, 2, "General Driver Qualification", "Instructions in English were not understood"),
    Violation("39141AF", DRIVER_FITNESS, 1, "Medical Certificate", "Medical card not with the driver"),
    Violation("39145B", DRIVER_FITNESS, 4, "Medical Certificate", "Medical card ran out; a fee of $95.00 'was still open'"),
    Violation("3924A", SUBSTANCES, 10, "Drugs", "Driver had a forbidden substance in use or at hand"),
    Violation("3925A2", SUBSTANCES, 5, "Alcohol", "Driver showed alcohol in the blood while on duty"),
    Violation("3925A3", SUBSTANCES, 3, "Alcohol Possession", "Open bottle of an alcoholic drink in the cab (Jägermeister)"),
    Violation("3939TS", VEHICLE_MAINTENANCE, 6, "Lighting", "Turn signal does not work"),
    Violation("3939H", VEHICLE_MAINTENANCE, 6, "Lighting", "Head lamp does not work"),
    Violation("39311", VEHICLE_MAINTENANCE, 3, "Reflective Sheeting", "Reflective tape on the trailer missing or worn off"),
    Violation("39345D", VEHICLE_MAINTENANCE, 4, "Brakes, All Others", "Brake line leaks air at the connection"),
    Violation("39347E", VEHICLE_MAINTENANCE, 4, "Brakes Out of Adjustment", 'Push rod stroke 2.25" where 2.0" is the most'),
    Violation("39348A", VEHICLE_MAINTENANCE, 4, "Brakes, All Others", "One or more brakes do nothing when applied"),
    Violation("39353B", VEHICLE_MAINTENANCE, 4, "Brakes Out of Adjustment", "Automatic adjuster did not keep the brake in range"),
    Violation("39375A3", VEHICLE_MAINTENANCE, 8, "Tires", "Tire flat, or air can be heard to leave it"),
    Violation("39375C", VEHICLE_MAINTENANCE, 8, "Tires", "Less than 2/32 in. of tread on a tire that does not steer"),
    Violation("39360D", VEHICLE_MAINTENANCE, 1, "Windshield/ Glass/ Markings", "Glass tinted below 70 % of light"),
    Violation("39378", VEHICLE_MAINTENANCE, 1, "Windshield/ Glass/ Markings", "Wipers missing or broken"),
    Violation("39395A", VEHICLE_MAINTENANCE, 2, "Emergency Equipment", "Fire extinguisher missing, empty or loose"),
    Violation("39395F", VEHICLE_MAINTENANCE, 2, "Emergency Equipment", "Too few warning triangles on board"),
    Violation("39383G", VEHICLE_MAINTENANCE, 1, "Exhaust Discharge", "Exhaust leaks ahead of or below the cab or sleeper"),
    Violation("393205C", VEHICLE_MAINTENANCE, 2, "Wheels, Studs, Clamps, Etc.", "Wheel nuts missing or loose"),
    Violation("393100", VEHICLE_MAINTENANCE, 7, "General Securement", "Cargo could shift or fall; straps at 45° held nothing"),
    Violation("39617C", VEHICLE_MAINTENANCE, 4, "Inspection Reports", "No proof of the yearly inspection"),
    Violation("1772002A", HAZMAT, 3, "Documentation - HM", "Shipping papers not with the driver"),
    Violation("172504A", HAZMAT, 5, "Markings - HM", "Placards missing on one side"),
    Violation("177834A", HAZMAT, 10, "Load Securement - HM", "Package of hazardous material could move"),
)


def _fits(violation: Violation, level: str, *, hazmat: bool) -> bool:
    if violation.by_driver:
        return level in LEVELS_WITH_DRIVER
    return level in LEVELS_WITH_VEHICLE and (hazmat or violation.basic is not HAZMAT)


# What can be found, by inspection level, and whether hazardous materials are on board.
CODES_BY_LEVEL = {
    (level, hazmat): tuple(violation for violation in VIOLATION_CODES if _fits(violation, level, hazmat=hazmat))
    for level in sorted(LEVELS_WITH_DRIVER | LEVELS_WITH_VEHICLE)
    for hazmat in (False, True)
}
