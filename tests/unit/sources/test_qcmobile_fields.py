"""QCMobile's optional fields, each by itself: what can surely be read is read, anything else is null and noted."""

import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import Basic, MalformedPayloadError
from fmcsa_orchestrator.sources.qcmobile_basics import parse_carrier, parse_qc_basics
from tests.support.samples import qc_basic
from tests.support.strategies import anything, often

CARRIER = {
    "legalName": "A CARRIER LLC",
    "dbaName": None,
    "allowedToOperate": "Y",
    "statusCode": "A",
    "safetyRatingDate": "2019-05-08",
    "totalDrivers": 3,
    "crashTotal": 0,
    "driverOosRate": 1.5,
}
RUN_DATE = datetime(2017, 1, 27, 5, tzinfo=UTC)


def notes(caplog):
    return [record.fields["fields"] for record in caplog.records if getattr(record, "event", None) == "odd_field"]


def of_one(**fields):
    ((_, content),) = parse_qc_basics([qc_basic(**fields)]).items()
    return content


@pytest.mark.parametrize(
    ("column", "value", "field", "expected"),
    [
        ("totalDrivers", "1,234", "totalDrivers", 1234),
        ("totalDrivers", " 1,234,567 ", "totalDrivers", 1234567),
        ("totalDrivers", 12.0, "totalDrivers", 12),
        ("totalDrivers", "", "totalDrivers", None),
        ("driverOosRate", "1,020.5", "driverOosPercent", 1020.5),
        ("driverOosRate", "Not Available", "driverOosPercent", None),
        ("driverOosRate", "Information withheld", "driverOosPercent", None),
        ("driverOosRate", " ", "driverOosPercent", None),
        ("legalName", 84, "legalName", "84"),
        ("statusCode", 1.5, "statusCode", "1.5"),
        ("safetyRatingDate", 1485493200000, "safetyRatingDate", "1485493200000"),
        ("allowedToOperate", 7, "allowedToOperate", "7"),
        ("allowedToOperate", 1, "allowedToOperate", True),
    ],
)
def test_what_can_surely_be_read_of_the_carrier_is_read(column, value, field, expected, caplog):
    read = parse_carrier(CARRIER | {column: value})[field]
    assert (read, type(read)) == (expected, type(expected))
    assert notes(caplog) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1485493200000, RUN_DATE),
        (1485493200000.0, RUN_DATE),
        ("1485493200000", RUN_DATE),
        (" 1485493200000 ", RUN_DATE),
        ("1185120100000", datetime(2007, 7, 22, 16, 1, 40, tzinfo=UTC)),  # which is not 1 December 1185
        ("2017-01-27T05:00:00.000+0000", RUN_DATE),
        ("20170127", RUN_DATE.replace(hour=0)),
        (20170127, RUN_DATE.replace(hour=0)),
        ("", None),
    ],
)
def test_a_run_date_in_any_sure_form(value, expected, caplog):
    assert of_one(basicsRunDate=value)["runDate"] == expected
    assert notes(caplog) == []


@pytest.mark.parametrize("value", [7, -1485493200000, "1485493200", "201701270500", "soon", True, float("nan"), []])
def test_a_run_date_that_may_be_another_one_is_null(value, caplog):
    content = of_one(basicsRunDate=value)
    assert (content["runDate"], content["violations"]) == (None, 170)
    assert notes(caplog) == ["unsafeDriving.basicsRunDate"]


@pytest.mark.parametrize("value", ["NaN", -1, "-1", "1,23", "12,34", "0,123", "3 or 4", 1.5, True, 10**400, float("inf"), {}, []])
def test_an_odd_count_costs_that_count_only(value, caplog):
    assert parse_carrier(CARRIER | {"totalDrivers": value}) == parse_carrier(CARRIER | {"totalDrivers": None})
    assert notes(caplog) == ["totalDrivers"]


@pytest.mark.parametrize(
    "value", ["NaN", "inf", "-Infinity", float("nan"), float("inf"), -0.5, "1,5", "5 of 9", True, 10**400, []]
)
def test_an_odd_ratio_costs_that_ratio_only(value, caplog):
    assert parse_carrier(CARRIER | {"driverOosRate": value}) == parse_carrier(CARRIER | {"driverOosRate": None})
    assert notes(caplog) == ["driverOosRate"]


@pytest.mark.parametrize("value", [True, {}, ["A"], float("nan"), pytest.param(10**5_000, id="huge")])
def test_an_odd_text_costs_that_text_only(value, caplog):
    assert parse_carrier(CARRIER | {"legalName": value}) == parse_carrier(CARRIER | {"legalName": None})
    assert notes(caplog) == ["legalName"]


def test_one_note_names_all_that_is_odd(caplog):
    basics = parse_qc_basics([qc_basic(11, totalViolation="many", measureValue=-1), qc_basic(12, basicsPercentile=[])])
    assert basics[Basic.UNSAFE_DRIVING]["inspectionsWithViolations"] == 155
    assert (basics[Basic.HOS_COMPLIANCE]["percentileText"], basics[Basic.HOS_COMPLIANCE]["percentileStatus"]) == (None, "other")
    assert notes(caplog) == ["hoursOfService.basicsPercentile,unsafeDriving.measureValue,unsafeDriving.totalViolation"]
    caplog.clear()
    parse_carrier(CARRIER | {"crashTotal": "none", "totalDrivers": -5})
    assert notes(caplog) == ["crashTotal,totalDrivers"]
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize("basics_id", [None, "eleven", [], float("nan")])
def test_the_id_of_a_basic_is_required(basics_id):
    with pytest.raises(MalformedPayloadError, match="without an id") as raised:
        parse_qc_basics([qc_basic() | {"basicsType": {"basicsId": basics_id}}])
    assert raised.value.field == "basicsType.basicsId"


@often
@given(
    st.dictionaries(st.sampled_from(sorted(CARRIER)), anything), st.dictionaries(st.sampled_from(sorted(qc_basic())), anything)
)
def test_no_optional_field_whatever_is_in_it_costs_the_record(carrier, basic):
    assert parse_carrier(CARRIER | carrier).keys() == parse_carrier(CARRIER).keys()
    assert of_one(**{**basic, "basicsType": {"basicsId": 11}}).keys() == of_one().keys()
