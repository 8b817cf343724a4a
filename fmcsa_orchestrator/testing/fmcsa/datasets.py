"""The six monthly SMS files: ids, titles, columns, and how each BASIC is spelled in them."""

from dataclasses import dataclass

Row = dict[str, str]

VIOLATIONS = "8mt8-2mdr"
INSPECTIONS = "rbkj-cgst"
RESULTS = {"AB": "4y6x-dmck", "C": "h9zy-gjn8"}
PASSENGER_RESULTS = {"AB": "m3ry-qcip", "C": "h3zn-uid9"}

SMS_TITLES = {
    VIOLATIONS: "SMS Input - Violation",
    INSPECTIONS: "SMS Input - Inspection",
    "4y6x-dmck": "SMS AB PassProperty",
    "h9zy-gjn8": "SMS C PassProperty",
    "m3ry-qcip": "SMS AB Pass",
    "h3zn-uid9": "SMS C Pass",
}
"""The title of each dataset, by its id."""


@dataclass(frozen=True, slots=True, eq=False)
class SmsBasic:
    """One BASIC: its title, its column prefix in the result files ("" where they leave it out), its inspection columns.

    A percentile needs `enough` inspections, else the file says `too_few`. `median` and `threshold` shape made-up percentiles.
    """

    name: str
    prefix: str
    inspected: str
    counted: str
    enough: int = 0
    too_few: str = ""
    median: float = 2.0
    threshold: int = 50


UNSAFE_DRIVING = SmsBasic("Unsafe Driving", "unsafe_driv", "unsafe_insp", "unsafe_viol")
HOS_COMPLIANCE = SmsBasic(
    "Hours-of-Service Compliance", "hos_driv", "fatigued_insp", "fatigued_viol", 3, "Less than 3 driver inspections", 1.0
)
DRIVER_FITNESS = SmsBasic(
    "Driver Fitness", "driv_fit", "dr_fitness_insp", "dr_fitness_viol", 5, "Less than 5 driver inspections", 0.5, 65
)
SUBSTANCES = SmsBasic(
    "Controlled Substances/Alcohol", "contr_subst", "subt_alcohol_insp", "subt_alcohol_viol", median=0.3, threshold=65
)
VEHICLE_MAINTENANCE = SmsBasic(
    "Vehicle Maintenance", "veh_maint", "vh_maint_insp", "vh_maint_viol", 5, "Less than 5 vehicle inspections", 5.0, 65
)
HAZMAT = SmsBasic("Hazardous Materials (HM) Compliance", "", "hm_insp", "hm_viol", threshold=80)

BASICS = (UNSAFE_DRIVING, HOS_COMPLIANCE, DRIVER_FITNESS, SUBSTANCES, VEHICLE_MAINTENANCE, HAZMAT)
DRIVER_BASICS = (UNSAFE_DRIVING, HOS_COMPLIANCE, DRIVER_FITNESS, SUBSTANCES)

_TOTALS = "dot_number insp_total driver_insp_total driver_oos_insp_total vehicle_insp_total vehicle_oos_insp_total"


def _result_columns(endings: str) -> tuple[str, ...]:
    columns = (f"{basic.prefix}_{ending}" for basic in BASICS if basic.prefix for ending in endings.split())
    return (*_TOTALS.split(), *columns)


_RESULT_COLUMNS = _result_columns("insp_w_viol measure ac")
_PASSENGER_COLUMNS = _result_columns("insp_w_viol measure pct rd_alert ac basic_alert")

SMS_COLUMNS: dict[str, tuple[str, ...]] = {
    VIOLATIONS: tuple(
        "unique_id insp_date dot_number viol_code basic_desc oos_indicator oos_weight severity_weight time_weight "
        "total_severity_wght section_desc group_desc viol_unit".split()
    ),
    INSPECTIONS: tuple(
        "unique_id report_number report_state dot_number insp_date insp_level_id county_code_state time_weight "
        "driver_oos_total vehicle_oos_total total_hazmat_sent oos_total hazmat_oos_total hazmat_placard_req "
        "unit_type_desc unit_make unit_license unit_license_state vin unit_decal_number "
        "unit_type_desc2 unit_make2 unit_license2 unit_license_state2 vin2 unit_decal_number2 "
        "unsafe_insp fatigued_insp dr_fitness_insp subt_alcohol_insp vh_maint_insp hm_insp "
        "basic_viol unsafe_viol fatigued_viol dr_fitness_viol subt_alcohol_viol vh_maint_viol hm_viol".split()
    ),
    "4y6x-dmck": _RESULT_COLUMNS,
    "h9zy-gjn8": _RESULT_COLUMNS,
    "m3ry-qcip": _PASSENGER_COLUMNS,
    "h3zn-uid9": _PASSENGER_COLUMNS,
}
"""The columns of each dataset, by its id."""
