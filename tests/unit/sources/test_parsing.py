"""Raw rows to content: every quirk of the upstream, without HTTP."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import Basic, MalformedPayloadError
from fmcsa_orchestrator.sources.inspections import DATASET as INSPECTIONS
from fmcsa_orchestrator.sources.inspections import inspection_documents, parse_inspection, summarize_inspections
from fmcsa_orchestrator.sources.qcmobile_basics import parse_carrier, parse_qc_basics
from fmcsa_orchestrator.sources.sms.dates import sms_date, two_years_after
from fmcsa_orchestrator.sources.sms.result_file import parse_percentile, parse_result
from fmcsa_orchestrator.sources.violations import DATASET as VIOLATIONS
from fmcsa_orchestrator.sources.violations import parse_violation, summarize_violations, violation_documents
from tests.support.samples import inspection, qc_basic, result, violation


def day(year, month, of_month):
    return datetime(year, month, of_month, tzinfo=UTC)


def test_a_violation_row():
    assert parse_violation(violation()) == {
        "usdot": 1021580,
        "uniqueId": "700000011",
        "inspectedOn": day(2025, 5, 14),
        "violationCode": "39345B2",
        "basic": "vehicleMaintenance",
        "basicDescription": "Vehicle Maintenance",
        "outOfService": True,
        "oosWeight": 2,
        "severityWeight": 4,
        "timeWeight": 1,
        "totalSeverityWeight": 6,
        "description": "Brake hose chafing against the frame",
        "group": "Brakes, All Others",
        "unitCode": "1",
        "unit": "mainVehicle",
    }


def test_missing_zero_and_false_stay_three_things():
    row = violation(oos_indicator="false", severity_weight="0")
    del row["oos_weight"], row["group_desc"]
    content = parse_violation(row)
    assert (content["outOfService"], content["severityWeight"], content["oosWeight"], content["group"]) == (False, 0, None, None)


@pytest.mark.parametrize(
    ("code", "unit"), [("1", "mainVehicle"), ("2", "secondaryVehicle"), ("D", "driver"), ("C", "coDriver"), ("9", "unknown")]
)
def test_units(code, unit):
    assert parse_violation(violation(viol_unit=code))["unit"] == unit


def test_an_unknown_basic_is_kept_in_its_own_words_and_warned_of_once(caplog):
    rows = [parse_violation(violation(basic_desc="A Category Of 2027")) for _ in range(3)]
    assert {(row["basic"], row["basicDescription"]) for row in rows} == {("unknown", "A Category Of 2027")}
    assert caplog.text.count("unknown_basic") == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("insp_date", "99-XXX-99"),
        ("insp_date", "2025-05-14"),
        ("insp_date", None),
        ("oos_weight", "two"),
        ("viol_code", {"a": 1}),
        ("severity_weight", "-1"),
        ("dot_number", "x"),
        ("oos_indicator", "perhaps"),
        ("time_weight", "9" * 30),
        ("unique_id", ["1"]),
    ],
)
def test_what_does_not_fit_names_its_column(column, value):
    with pytest.raises(MalformedPayloadError, match=column) as raised:
        parse_violation(violation(**{column: value}))
    assert raised.value.field == column


def test_awkward_text_is_kept_to_the_letter():
    text = 'O\'Neill "Súper" $set a.b \0 \N{ZERO WIDTH SPACE} 日本'
    assert parse_violation(violation(section_desc=text))["description"] == text


@pytest.mark.parametrize(
    ("text", "expected"), [("14-MAY-25", (2025, 5, 14)), ("1-jan-97", (1997, 1, 1)), ("29-FEB-24", (2024, 2, 29))]
)
def test_dates(text, expected):
    assert sms_date(text) == day(*expected)


@pytest.mark.parametrize("text", ["30-FEB-25", "14-MAI-25", "14/05/25", "", "14-MAY-2025", 5])
def test_no_date_is_guessed(text):
    with pytest.raises(ValueError, match=r"date|day|month"):
        sms_date(text)


def test_sms_keeps_a_row_for_24_months():
    assert two_years_after(day(2024, 2, 29)) == day(2026, 3, 1)
    assert two_years_after(day(2025, 5, 14)) == day(2027, 5, 14)


async def test_equal_violations_get_stable_ordinals_whatever_the_order():
    rows = [violation(), violation(severity_weight="5"), violation(), violation(viol_unit="D"), violation(unique_id="700000022")]
    documents = await violation_documents([parse_violation(row) for row in rows])
    shuffled = await violation_documents([parse_violation(row) for row in reversed(rows)])
    assert {d.id: d.content for d in documents} == {d.id: d.content for d in shuffled}
    key = "700000011:39345B2"
    assert sorted(d.id for d in documents) == sorted(
        [f"{key}:1:1", f"{key}:1:2", f"{key}:1:3", f"{key}:D:1", "700000022:39345B2:1:1"]
    )


async def test_violation_totals():
    rows = [
        violation(),
        violation(oos_indicator="false", unique_id="2", insp_date="15-MAY-25"),
        violation(basic_desc="Driver Fitness"),
    ]
    summary = await summarize_violations([parse_violation(row) for row in rows])
    assert (summary["total"], summary["outOfService"], summary["inspectionsWithViolations"]) == (3, 2, 2)
    by_basic = summary["byBasic"]
    assert by_basic["vehicleMaintenance"] == {"total": 2, "outOfService": 1, "inspections": 2, "weightedSeverity": 12}
    assert by_basic["unsafeDriving"] == {"total": 0, "outOfService": 0, "inspections": 0, "weightedSeverity": 0}
    assert "crashIndicator" not in summary["byBasic"]
    assert summary["latest"] == day(2025, 5, 15)


def test_an_inspection_row_and_its_units():
    content = parse_inspection(inspection(vin2="2TRAILER000000001", unit_type_desc2="SEMI-TRAILER"))
    assert (content["uniqueId"], content["level"], content["vehicleOos"], content["reportState"]) == ("700000011", 2, 1, "OH")
    assert content["relevantForVehicleMaintenance"] is True
    assert content["relevantForHazmat"] is None
    assert [unit["vin"] for unit in content["units"]] == ["1FDFE4FN2PD000001", "2TRAILER000000001"]
    assert len(parse_inspection(inspection())["units"]) == 1


async def test_rates_count_relevant_levels_only():
    rows = [
        inspection(insp_level_id="1", driver_oos_total="1", vehicle_oos_total="0"),
        inspection(insp_level_id="3", driver_oos_total="0", vehicle_oos_total="1"),  # level 3 inspects no vehicle
        inspection(insp_level_id="5", driver_oos_total="1", vehicle_oos_total="2"),  # level 5 inspects no driver
        inspection(insp_level_id="2", hm_insp="true", hazmat_oos_total="1", driver_oos_total="0", vehicle_oos_total="0"),
    ]
    summary = await summarize_inspections([parse_inspection(row) for row in rows])
    assert summary["total"] == 4
    assert summary["byLevel"] == {"1": 1, "2": 1, "3": 1, "5": 1}
    assert summary["driver"] == {"inspections": 3, "outOfService": 1, "oosRate": 0.3333, "nationalAverage": 0.0667}
    assert summary["vehicle"] == {"inspections": 3, "outOfService": 1, "oosRate": 0.3333, "nationalAverage": 0.2226}
    assert summary["hazmat"] == {"inspections": 1, "outOfService": 1, "oosRate": 1.0, "nationalAverage": 0.045}


async def test_relevant_inspections_go_by_the_flag_and_never_by_the_level():
    rows = [
        inspection(insp_level_id="4", time_weight="3"),
        inspection(insp_level_id="3", time_weight="2", vh_maint_viol="4", basic_viol="5", hm_viol="1"),
        inspection(insp_level_id="1", time_weight="1", vh_maint_insp="false", vh_maint_viol="0", basic_viol="0"),
    ]
    summary = await summarize_inspections([parse_inspection(row) for row in rows])
    assert summary["byBasic"]["vehicleMaintenance"] == {"relevant": 2, "relevantTimeWeight": 5, "violations": 5}
    assert summary["byBasic"]["hoursOfService"] == {"relevant": 0, "relevantTimeWeight": 0, "violations": 0}
    assert summary["byBasic"]["hazmat"]["violations"] == 1
    assert summary["byBasic"].keys() == {basic.value for basic in Basic} - {"crashIndicator"}
    assert summary["violations"] == 6


async def test_a_relevant_inspection_without_a_time_weight_leaves_their_sum_unknown():
    rows = [inspection(time_weight=None), inspection(vh_maint_insp=None, dr_fitness_insp="true")]
    by_basic = (await summarize_inspections([parse_inspection(row) for row in rows]))["byBasic"]
    assert by_basic["vehicleMaintenance"] == {"relevant": 1, "relevantTimeWeight": None, "violations": 2}
    assert by_basic["driverFitness"]["relevantTimeWeight"] == 1


async def test_no_inspection_is_no_rate_rather_than_zero():
    summary = await summarize_inspections([])
    assert (summary["total"], summary["driver"]["oosRate"], summary["vehicle"]["oosRate"], summary["latest"]) == (
        0,
        None,
        None,
        None,
    )


async def test_inspections_are_keyed_by_unique_id():
    rows = [parse_inspection(inspection()), parse_inspection(inspection(unique_id="2"))]
    assert [document.id for document in await inspection_documents(rows)] == ["700000011", "2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("57%", ("published", 57)),
        ("0%", ("published", 0)),
        ("4.5 %", ("published", 4.5)),
        ("100%", ("published", 100)),
        ("Less than 3 driver inspections", ("insufficient_data", None)),
        ("Not Public", ("not_public", None)),
        ("Inconclusive", ("inconclusive", None)),
        ("No Violations", ("no_violations", None)),
        ("Insufficient Data", ("insufficient_data", None)),
        ("101%", ("other", None)),
        ("something new", ("other", None)),
        ("", ("not_published", None)),
        (None, ("not_published", None)),
    ],
)
def test_percentiles_and_the_reasons_for_none(text, expected):
    assert parse_percentile(text) == expected


def test_a_result_row_has_measures_as_numbers():
    content = parse_result(result(unsafe_driv_measure=".5", veh_maint_measure="14.5", veh_maint_ac="Y"))
    assert content["basics"][Basic.UNSAFE_DRIVING]["measure"] == 0.5
    assert content["basics"][Basic.VEHICLE_MAINTENANCE] == {
        "measure": 14.5,
        "percentileText": None,
        "inspectionsWithViolations": 0,
        "acuteCritical": True,
        "roadsideAlert": None,
        "basicAlert": None,
    }
    assert content["inspections"] == {"total": 17, "driver": 4, "driverOos": 0, "vehicle": 17, "vehicleOos": 2}


def test_qcmobile_basics_keep_fmcsas_words():
    ((basic, entry),) = parse_qc_basics([qc_basic(12, basicsPercentile="Inconclusive", measureValue="n/a")]).items()
    assert basic is Basic.HOS_COMPLIANCE
    assert (entry["percentile"], entry["percentileStatus"], entry["percentileText"], entry["measure"]) == (
        None,
        "inconclusive",
        "Inconclusive",
        None,
    )
    assert (entry["exceedsThreshold"], entry["roadsideAlert"], entry["acuteCritical"]) == (True, False, "u")
    assert entry["runDate"] == datetime(2026, 10, 30, 4, tzinfo=UTC)
    assert entry["threshold"] == 50


def test_qcmobile_oddities():
    assert parse_qc_basics([qc_basic(99)]) == {}
    assert parse_qc_basics([qc_basic(basicsRunDate=1485493200000)])[Basic.UNSAFE_DRIVING]["runDate"] == datetime(
        2017, 1, 27, 5, tzinfo=UTC
    )
    assert parse_qc_basics([qc_basic(basicsRunDate=None)])[Basic.UNSAFE_DRIVING]["runDate"] is None
    with pytest.raises(MalformedPayloadError, match="id"):
        parse_qc_basics([{"basicsType": None}])
    assert (
        parse_carrier({"dotNumber": 7, "driverOosRate": 1.158, "vehicleOosRateNationalAverage": "20.72"})["driverOosPercent"]
        == 1.158
    )


@pytest.mark.parametrize("dataset", [VIOLATIONS, INSPECTIONS])
def test_every_column_that_a_parser_reads_is_required_of_the_file(dataset):
    sample = violation() if dataset is VIOLATIONS else inspection()
    assert set(sample) <= dataset.columns


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("parse", "sample"),
    [(parse_violation, violation()), (parse_inspection, inspection()), (parse_result, result(passenger=True))],
)
@given(data=st.data())
def test_any_row_is_understood_or_malformed(parse, sample, data):
    columns = data.draw(st.dictionaries(st.sampled_from(sorted(sample)), json_values, max_size=4))
    gone = data.draw(st.sets(st.sampled_from(sorted(sample)), max_size=3))
    row = {column: value for column, value in (sample | columns).items() if column not in gone}
    try:
        parse(row)
    except MalformedPayloadError as error:
        assert error.field in sample


@given(json_values)
def test_any_qcmobile_entry_is_understood_or_malformed(value):
    try:
        parse_qc_basics([qc_basic(basicsRunDate=value, basicsPercentile="1%"), {"basicsType": value}])
    except MalformedPayloadError as error:
        assert str(error)
