"""Whatever stands in a host's document or a row of upstream's is understood or refused in our own words, never anything else."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from bson import Decimal128, Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import InvalidUsdotError, MalformedPayloadError, OddRow, UsdotNumber
from fmcsa_orchestrator.sources.inspections import inspection_documents, parse_inspection, summarize_inspections
from fmcsa_orchestrator.sources.qcmobile_basics import parse_carrier, parse_qc_basics
from fmcsa_orchestrator.sources.sms.dates import sms_date, two_years_after
from fmcsa_orchestrator.sources.sms.result_file import parse_percentile, parse_result
from fmcsa_orchestrator.sources.soda.kept_rows import RowKeeper
from fmcsa_orchestrator.sources.violations import parse_violation, summarize_violations, violation_documents
from tests.support.samples import inspection, qc_basic, result, violation
from tests.support.strategies import AWKWARD_TEXT, anything, often

# --- USDOT numbers


bson_values = anything | st.binary() | st.sampled_from([Decimal128("7"), ObjectId(), Int64(7), datetime(2026, 1, 1), 10**5_000])


@often
@given(bson_values)
def test_a_usdot_number_or_one_bounded_error(value):
    try:
        usdot = UsdotNumber.parse(value)
    except InvalidUsdotError as error:
        assert len(str(error)) < 250
        assert str(error).encode()
    else:
        assert type(usdot) is UsdotNumber
        assert 1 <= usdot <= 99_999_999


@often
@given(
    number=st.integers(1, 99_999_999),
    zeros=st.integers(0, 7),
    prefix=st.sampled_from(["", "DOT", "USDOT", "US DOT", "usdot", "UsDot"]),
    between=st.text(" \t\n#:.-", max_size=4),
    around=st.tuples(st.text(" \t\r\n", max_size=3), st.text(" \t\r\n", max_size=3)),
)
def test_every_spelling_of_a_number_is_that_number(number, zeros, prefix, between, around):
    digits = "0" * zeros + str(number)
    text = f"{around[0]}{prefix}{between if prefix else ''}{digits}{around[1]}"
    assert UsdotNumber.parse(text) == UsdotNumber.parse(float(number)) == UsdotNumber.parse(Int64(number)) == number


@often
@given(st.text(st.sampled_from("0123456789 .-#:DOTUSdots\N{ARABIC-INDIC DIGIT THREE}\0e+_,"), max_size=12))
def test_no_digit_of_a_text_is_dropped_or_made_up(text):
    try:
        usdot = UsdotNumber.parse(text)
    except InvalidUsdotError:
        return
    whole = re.sub(r"\.00?$", "", text.strip())
    assert usdot == int("".join(character for character in whole if character.isdigit()))


# --- rows of the SMS files


SAMPLES = {
    "violation": (parse_violation, violation()),
    "inspection": (parse_inspection, inspection(vin2="2T", unit_type_desc2="SEMI-TRAILER", hm_insp="false")),
    "result": (parse_result, result(passenger=True)),
    "carrier": (
        parse_carrier,
        {"legalName": "A", "allowedToOperate": "Y", "totalDrivers": 3, "driverOosRate": 1.5, "oosDate": None},
    ),
}
TWO_FIELDS = {"basic_desc", "viol_unit"}
KEYS = {"unique_id", "insp_date", "dot_number"}
each_file = pytest.mark.parametrize(("parse", "sample"), SAMPLES.values(), ids=SAMPLES)


def leaves(value, path=()):
    if not isinstance(value, dict):
        return {path: value}
    return {leaf: found for key, inner in value.items() for leaf, found in leaves(inner, (*path, key)).items()}


def understood(parse, row):
    """The leaves of the row's content, or the column that the error names."""
    try:
        return leaves(parse(row))
    except MalformedPayloadError as error:
        assert error.field
        assert len(str(error)) < 300
        return error.field


@each_file
@often
@given(data=st.data())
def test_one_column_touches_its_own_field_only(parse, sample, data):
    column = data.draw(st.sampled_from(sorted(sample)))
    good, found = understood(parse, sample), understood(parse, {**sample, column: data.draw(anything)})
    if isinstance(found, str):
        assert found == column
    else:
        assert found.keys() == good.keys()
        changed = [leaf for leaf in good if repr(found[leaf]) != repr(good[leaf])]
        assert len(changed) <= (2 if column in TWO_FIELDS else 1)


@each_file
@often
@given(data=st.data())
def test_a_null_is_a_column_left_out(parse, sample, data):
    columns = data.draw(st.sets(st.sampled_from(sorted(sample)), min_size=1, max_size=4))
    left_out = understood(parse, {column: value for column, value in sample.items() if column not in columns})
    assert left_out == understood(parse, sample | dict.fromkeys(columns))
    if isinstance(left_out, str):
        assert left_out in KEYS & columns


NUMBERS = [
    (parse, sample, column)
    for parse, sample in list(SAMPLES.values())[:3]
    for column in sorted(sample)
    if column.endswith(("_weight", "_wght", "_total", "_viol", "_level_id", "_measure", "_sent"))
]


@often
@given(
    number=st.integers(0, 2_000_000_000),
    case=st.sampled_from(NUMBERS),
    form=st.sampled_from(["{}", "+{}", "0{}", " {} ", "\t{}\n", "{}.0"]),
)
def test_a_number_is_itself_in_every_spelling_and_zero_is_not_none(number, case, form):
    parse, sample, column = case
    missing = understood(parse, {key: value for key, value in sample.items() if key != column})
    for value in (0, number):
        found = understood(parse, {**sample, column: form.format(value)})
        ((leaf, read),) = {leaf: read for leaf, read in found.items() if missing[leaf] is None and read is not None}.items()
        assert (read, type(read)) == (value, float if leaf[-1] == "measure" else int)
    assert understood(parse, {**sample, column: f"-{number + 1}"}) == column


@often
@given(st.dictionaries(st.sampled_from([*violation(), "dot_number"]), anything))
def test_any_row_belongs_to_a_carrier_or_is_malformed(row):
    try:
        ((usdot, content),) = RowKeeper([], parse_violation).decode(json.dumps([row]).encode())
    except ValueError:
        assert "\\ud" in json.dumps(row)  # half a surrogate pair, which is no text
    except MalformedPayloadError as error:
        assert error.field == "dot_number"
    else:
        assert type(usdot) is int
        assert isinstance(content, dict | OddRow)


@pytest.mark.parametrize(
    ("parse", "sample", "documents_of", "summarize"),
    [
        (parse_violation, violation(), violation_documents, summarize_violations),
        (parse_inspection, inspection(), inspection_documents, summarize_inspections),
    ],
)
@often
@given(data=st.data())
async def test_whatever_was_understood_makes_the_same_documents_in_any_order(parse, sample, documents_of, summarize, data):
    changes = data.draw(
        st.lists(
            st.dictionaries(st.sampled_from(sorted(sample)), st.sampled_from([*AWKWARD_TEXT[:-1], None]), max_size=3), max_size=5
        )
    )
    changes += data.draw(st.lists(st.sampled_from(changes), max_size=3)) if changes else []
    rows = []
    for columns in changes:
        try:
            rows.append(parse(sample | columns))
        except MalformedPayloadError:
            continue
    shuffled = data.draw(st.permutations(rows))
    documents = {document.id: document for document in await documents_of(rows)}
    assert len(documents) == len(rows) == (await summarize(rows))["total"]
    assert documents == {document.id: document for document in await documents_of(shuffled)}
    assert await summarize(rows) == await summarize(shuffled)
    assert all(document.expected_until > document.content["inspectedOn"] for document in documents.values())


# --- dates and percentiles


THIS_YEAR = datetime.now(UTC).year


@often
@given(
    st.datetimes(datetime(THIS_YEAR - 97, 1, 1), datetime(THIS_YEAR, 12, 31)), st.sampled_from([str.upper, str.lower, str.title])
)
def test_a_date_of_the_last_hundred_years_comes_back(moment, case):
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    assert sms_date(case(day.strftime("%d-%b-%y"))) == day
    until = two_years_after(day)
    assert timedelta(days=730) <= until - day <= timedelta(days=731)
    assert until <= two_years_after(day + timedelta(days=1))


@often
@given(st.text(max_size=12) | st.from_regex(r"[0-9]{1,2}-[A-Za-z]{3}-[0-9]{2}", fullmatch=True))
def test_any_other_text_is_no_date(text):
    try:
        day = sms_date(text)
    except ValueError as error:
        assert len(str(error)) < 200
    else:
        assert day.strftime("%d-%b-%y").upper().lstrip("0") == text.upper().lstrip("0")


@often
@given(st.none() | st.text() | st.sampled_from(AWKWARD_TEXT) | st.floats(0, 1000).map("{:.2f}%".format))
def test_a_percentile_lies_between_0_and_100_or_has_a_reason(text):
    status, percentile = parse_percentile(text)
    assert (status == "published") == (percentile is not None)
    assert percentile is None or 0 <= percentile <= 100


@given(st.integers(0, 10_000), st.sampled_from(["{}", "{}%", " {} % ", "{}\n"]))
def test_a_published_percentile_is_itself(hundredths, form):
    assert parse_percentile(form.format(hundredths / 100)) == ("published", hundredths / 100)


# --- QCMobile


@often
@given(st.dictionaries(st.sampled_from(sorted(qc_basic())), anything, max_size=4), anything, st.booleans())
def test_any_basic_of_qcmobile_is_understood_or_malformed(columns, basics_id, with_id):
    entry = qc_basic(**columns)
    if with_id:
        entry["basicsType"] = {"basicsId": basics_id}
    try:
        basics = parse_qc_basics([entry])
    except MalformedPayloadError as error:
        assert error.field in {*entry, "basicsType.basicsId"}
    else:
        for content in basics.values():
            assert content["runDate"] is None or content["runDate"].tzinfo is not None
            assert content["measure"] is None or content["measure"] >= 0
