"""Rows in upstream's shapes, made up for the tests: text everywhere, null columns left out."""


def violation(**columns):
    return {
        "unique_id": "700000011",
        "insp_date": "14-MAY-25",
        "dot_number": "1021580",
        "viol_code": "39345B2",
        "basic_desc": "Vehicle Maintenance",
        "oos_indicator": "true",
        "oos_weight": "2",
        "severity_weight": "4",
        "time_weight": "1",
        "total_severity_wght": "6",
        "section_desc": "Brake hose chafing against the frame",
        "group_desc": "Brakes, All Others",
        "viol_unit": "1",
    } | columns


def inspection(**columns):
    return {
        "unique_id": "700000011",
        "report_number": "1234500001",
        "report_state": "OH",
        "dot_number": "1021580",
        "insp_date": "14-MAY-25",
        "insp_level_id": "2",
        "county_code_state": "OH",
        "time_weight": "1",
        "driver_oos_total": "0",
        "vehicle_oos_total": "1",
        "total_hazmat_sent": "0",
        "oos_total": "1",
        "hazmat_oos_total": "0",
        "unit_type_desc": "TRUCK TRACTOR",
        "unit_make": "FORD",
        "unit_license": "ABC 123",
        "unit_license_state": "OH",
        "vin": "1FDFE4FN2PD000001",
        "vh_maint_insp": "true",
        "basic_viol": "1",
        "unsafe_viol": "0",
        "fatigued_viol": "0",
        "dr_fitness_viol": "0",
        "subt_alcohol_viol": "0",
        "vh_maint_viol": "1",
        "hm_viol": "0",
    } | columns


PREFIXES = ("unsafe_driv", "hos_driv", "driv_fit", "contr_subst", "veh_maint")


def result(*, passenger=False, **columns):
    row = {
        "dot_number": "1021580",
        "insp_total": "17",
        "driver_insp_total": "4",
        "driver_oos_insp_total": "0",
        "vehicle_insp_total": "17",
        "vehicle_oos_insp_total": "2",
    }
    for prefix in PREFIXES:
        row |= {f"{prefix}_insp_w_viol": "0", f"{prefix}_measure": "0", f"{prefix}_ac": "N"}
        if passenger:
            row |= {f"{prefix}_pct": "0%", f"{prefix}_rd_alert": "N", f"{prefix}_basic_alert": "N"}
    return row | columns


def qc_basic(basics_id=11, **fields):
    return {
        "basicsPercentile": "57%",
        "basicsRunDate": "2026-10-30T04:00:00.000+0000",
        "basicsType": {"basicsCode": "x", "basicsId": basics_id, "basicsShortDesc": "x&#8203;y", "basicsLongDesc": None},
        "basicsViolationThreshold": "50",
        "exceededFMCSAInterventionThreshold": "Y",
        "id": {"basicsId": basics_id, "dotNumber": 1021580},
        "measureValue": "1.02",
        "onRoadPerformanceThresholdViolationIndicator": "N",
        "seriousViolationFromInvestigationPast12MonthIndicator": "u",
        "totalInspectionWithViolation": 155,
        "totalViolation": 170,
    } | fields
