"""The daily files of inspections: inspections by carrier, their units and violations by the number of the inspection.

As upstream: `driver_viol_total` and `vehicle_viol_total` say nothing, some violations here are none of SMS's, codes have their
points, and now and then the rows of an inspection have not come yet, so that fewer are here than `viol_total` says.
"""

from fmcsa_orchestrator.testing.fmcsa.daily_inspections import DailyInspection
from fmcsa_orchestrator.testing.fmcsa.datasets import Row
from fmcsa_orchestrator.testing.fmcsa.tables.table import PerInspection, Table

_COLUMNS = (
    "change_date inspection_id dot_number report_state report_number insp_date insp_start_time insp_end_time registration_date "
    "region ci_status_code location location_desc county_code_state county_code insp_level_id service_center census_source_id "
    "insp_facility shipper_name shipping_paper_number cargo_tank hazmat_placard_req snet_version_number snet_search_date "
    "alcohol_control_sub drug_intrdctn_search drug_intrdctn_arrests size_weight_enf traffic_enf local_enf_jurisdiction "
    "pen_cen_match final_status_date post_acc_ind gross_comb_veh_wt viol_total oos_total driver_viol_total driver_oos_total "
    "vehicle_viol_total vehicle_oos_total hazmat_viol_total hazmat_oos_total snet_sequence_id transaction_code "
    "transaction_date upload_date upload_first_byte upload_dot_number upload_search_indicator census_search_date "
    "snet_input_date source_office mcmis_add_date insp_carrier_name insp_carrier_street insp_carrier_city "
    "insp_carrier_state insp_carrier_zip_code insp_colonia docket_number insp_interstate insp_carrier_state_id"
).split()
_UNIT_COLUMNS = (
    "change_date inspection_id insp_unit_id insp_unit_type_id insp_unit_number insp_unit_make insp_unit_company "
    "insp_unit_license insp_unit_license_state insp_unit_vehicle_id_number insp_unit_decal insp_unit_decal_number"
).split()
_VIOLATION_COLUMNS = (
    "change_date inspection_id insp_violation_id seq_no part_no part_no_section insp_viol_unit insp_unit_id "
    "insp_violation_category_id out_of_service_indicator defect_verification_id citation_number viol_code viol_desc"
).split()

_UNIT_TYPES = {
    "BUS": "1",
    "FULL TRAILER": "3",
    "LIMOUSINE": "4",
    "MOTOR COACH": "5",
    "SCHOOL BUS": "8",
    "SEMI-TRAILER": "9",
    "STRAIGHT TRUCK": "10",
    "TRUCK TRACTOR": "11",
    "PASSENGER VAN": "12",
    "INTERMODAL CHASSIS": "14",
}
# Which category MCMIS files a violation of an SMS group under; 14 and 30 are other ones of the driver, of the vehicle.
_CATEGORIES = {
    "Speeding 2": "45",
    "Speeding 3": "45",
    "Speeding 4": "45",
    "Traffic Control": "40",
    "Dangerous Driving": "12",
    "Seat Belt": "11",
    "Phone Call": "12",
    "Other Log/Form": "3",
    "False Log": "2",
    "Incomplete Log": "7",
    "Hours": "6",
    "EOBR Related": "7",
    "License-related: High": "8",
    "Medical Certificate": "1",
    "Drugs": "9",
    "Alcohol": "10",
    "Alcohol Possession": "10",
    "Lighting": "20",
    "Brakes, All Others": "16",
    "Brakes Out of Adjustment": "15",
    "Tires": "23",
    "Windshield/ Glass/ Markings": "26",
    "Emergency Equipment": "28",
    "Exhaust Discharge": "27",
    "Wheels, Studs, Clamps, Etc.": "24",
    "General Securement": "25",
    "Inspection Reports": "29",
    "Documentation - HM": "31",
    "Markings - HM": "33",
    "Load Securement - HM": "34",
}


def inspection_rows(daily: DailyInspection) -> list[Row]:
    """Its one row."""
    seen, id_ = daily.seen, daily.id
    uploaded = f"{daily.changed[:8]} 0000"
    totals = seen.row()
    start = 360 + id_ % 900  # minutes of the day
    end = start + 9 + id_ % 55
    rare = {"location": f"MM {id_ % 400}", "shipper_name": f"J. Doe {id_ % 90}", "shipping_paper_number": f"BL{id_ % 999_983}"}
    return [
        {
            "change_date": daily.changed,
            "inspection_id": str(id_),
            "dot_number": seen.dot_number,
            "report_state": totals["report_state"],
            "report_number": seen.report_number,
            "insp_date": f"{daily.day:%Y%m%d}",
            "insp_start_time": f"{start // 60:02d}{start % 60:02d}",
            "insp_end_time": f"{end // 60:02d}{end % 60:02d}",
            "ci_status_code": "C",
            "location_desc": f"{'SCALE' if id_ % 3 else 'EXIT'} {id_ % 300} {seen.state}",
            "county_code_state": seen.state,
            "county_code": f"{id_ % 199:03d}",
            "insp_level_id": seen.level,
            "insp_facility": "F" if id_ % 3 else "R",
            **({column: value for place, (column, value) in enumerate(rare.items()) if (id_ + place) % 4 == 0}),
            **({"hazmat_placard_req": "Y"} if seen.hazmat else {}),
            "alcohol_control_sub": "N",
            "drug_intrdctn_search": "Y" if id_ % 50 == 0 else "N",
            "drug_intrdctn_arrests": "0",
            "size_weight_enf": "Y" if id_ % 11 == 0 else "N",
            "traffic_enf": "N" if id_ % 5 else "Y",
            "local_enf_jurisdiction": "U",
            "final_status_date": daily.changed,
            "post_acc_ind": "Y" if id_ % 40 == 0 else "N",
            "gross_comb_veh_wt": str(12_000 + id_ % 68 * 1_000),
            "viol_total": str(len(_written_down(daily))),
            "oos_total": totals["oos_total"],
            "driver_viol_total": "0",
            "driver_oos_total": totals["driver_oos_total"],
            "vehicle_viol_total": "0",
            "vehicle_oos_total": totals["vehicle_oos_total"],
            "hazmat_viol_total": totals["hm_viol"],
            "hazmat_oos_total": totals["hazmat_oos_total"],
            "transaction_code": "C" if daily.is_corrected else "A",
            "transaction_date": uploaded,
            "upload_date": uploaded,
            "upload_first_byte": "0",
            "upload_dot_number": f"{int(seen.dot_number):08d}",
            "mcmis_add_date": daily.changed,
            "insp_carrier_name": daily.carrier.name.upper(),
            "insp_carrier_city": "SPRINGFIELD",
            "insp_carrier_state": seen.state,
            "docket_number": "0",
            "insp_interstate": "N" if daily.carrier.file_class == "C" else "Y",
        }
    ]


def unit_rows(daily: DailyInspection) -> list[Row]:
    """Its vehicles: that it drives by itself, and that it pulls."""
    if daily.id % 97 == 5:  # they have not come yet
        return []
    vehicles = [unit.first for unit in (daily.seen.unit, daily.seen.trailer) if unit]
    return [_unit_row(daily, number, columns) for number, columns in enumerate(vehicles, 1)]


def _unit_row(daily: DailyInspection, number: int, vehicle: Row) -> Row:
    decal = daily.seen.decal if number == 1 else None
    row = {
        "change_date": daily.changed,
        "inspection_id": str(daily.id),
        "insp_unit_id": str(_unit_id(daily, number)),
        "insp_unit_type_id": _UNIT_TYPES[vehicle["unit_type_desc"]],
        "insp_unit_number": str(number),
        "insp_unit_make": vehicle["unit_make"][:10],
        "insp_unit_company": str(100 + daily.id % 899) if daily.id % 2 else None,
        "insp_unit_license": vehicle.get("unit_license"),
        "insp_unit_license_state": vehicle.get("unit_license_state"),
        "insp_unit_vehicle_id_number": vehicle.get("vin"),
        "insp_unit_decal": "Y" if decal else "U" if daily.id % 30 == 0 else "N",
        "insp_unit_decal_number": decal,
    }
    return {column: value for column, value in row.items() if value is not None}


def _unit_id(daily: DailyInspection, number: int) -> int:
    return daily.id * 3 + number


def violation_rows(daily: DailyInspection) -> list[Row]:
    """All that was written down."""
    return [] if daily.id % 89 == 7 else _written_down(daily)  # these have not come yet


def _written_down(daily: DailyInspection) -> list[Row]:
    found = [_violation_row(daily, number, violation) for number, violation in enumerate(daily.seen.violations, 1)]
    if found and daily.id % 7 == 0:
        found.append(_states_own(daily, len(found) + 1))
    return found


def _violation_row(daily: DailyInspection, number: int, violation: Row) -> Row:
    unit, code = violation["viol_unit"], violation["viol_code"]
    is_drivers, is_oos = unit in "DC", violation["oos_indicator"] == "true"
    default = "14" if is_drivers else "30"
    return {
        **_head(daily, number),
        "part_no": code[:3],
        "part_no_section": code[3:],
        "insp_viol_unit": unit,
        **({} if is_drivers else {"insp_unit_id": str(_unit_id(daily, int(unit)))}),
        "insp_violation_category_id": _CATEGORIES.get(violation["group_desc"], default),
        "out_of_service_indicator": "N" if not is_oos else "Z" if is_drivers and daily.id % 2 else "Y",
        "defect_verification_id": "3" if not is_oos else ("1", "2", "99")[daily.id % 3],
        **({"citation_number": f"C{daily.id % 999_979}"} if is_drivers and daily.id % 3 == 0 else {}),
        "viol_code": f"{code[:3]}.{code[3:]}",
        "viol_desc": violation["section_desc"],
    }


def _states_own(daily: DailyInspection, number: int) -> Row:
    """One that SMS does not count, and that says nothing of an order."""
    return {
        **_head(daily, number),
        "part_no": "392",
        "part_no_section": "2-SLOWN",
        "insp_viol_unit": "1",
        "insp_unit_id": str(_unit_id(daily, 1)),
        "insp_violation_category_id": "51",
        "viol_code": "392.2-SLOWN",
        "viol_desc": "State or local law - plate not where the state wants it",
    }


def _head(daily: DailyInspection, number: int) -> Row:
    return {
        "change_date": daily.changed,
        "inspection_id": str(daily.id),
        "insp_violation_id": str(daily.id * 1_000 + number),
        "seq_no": str(number),
    }


TABLES = (
    Table(
        "fx4q-ay7w",
        "Vehicle Inspections",
        tuple(_COLUMNS),
        PerInspection(inspection_rows),
        numbers=frozenset({"inspection_id", "dot_number"}),
    ),
    Table(
        "wt8s-2hbx",
        "Inspection Units",
        tuple(_UNIT_COLUMNS),
        PerInspection(unit_rows),
        numbers=frozenset({"insp_unit_id"}),
        key="inspection_id",
        by_inspection=True,
    ),
    Table(
        "876r-jsdb",
        "Inspection Violations",
        tuple(_VIOLATION_COLUMNS),
        PerInspection(violation_rows),
        numbers=frozenset("inspection_id insp_violation_id seq_no insp_unit_id insp_violation_category_id".split()),
        key="inspection_id",
        by_inspection=True,
    ),
)
