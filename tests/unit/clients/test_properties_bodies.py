"""Whatever an upstream answers, in headers and bodies, is read as it was meant or refused in our own words."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fmcsa_orchestrator import FmcsaError, MaintenanceError, MalformedPayloadError, TruncatedPayloadError, UsdotNumber
from fmcsa_orchestrator.clients.http import http_date, read_json, retry_after, summary_of
from fmcsa_orchestrator.clients.json_rows import RowSlicer
from fmcsa_orchestrator.clients.soda import Dataset, SodaClient
from fmcsa_orchestrator.sources.qcmobile_basics import parse_qc_basics
from tests.support.samples import qc_basic
from tests.support.strategies import anything, often

json_rows = st.lists(
    st.dictionaries(
        st.text(max_size=4),
        st.recursive(
            st.text(max_size=8) | st.sampled_from(["]", "\n,", "}\n,{", '"', "\\"]) | st.integers() | st.booleans() | st.none(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
            max_leaves=4,
        ),
        max_size=3,
    ),
    max_size=7,
)


# --- headers and bodies


@often
@given(st.text() | st.integers(-9, 10**400).map(str) | st.sampled_from(["\N{SUPERSCRIPT TWO}", "nan", "inf", "1e9"]))
def test_a_pause_is_a_bounded_number_of_seconds_or_unknown(value):
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds <= 86_400
    if value.isascii() and value.isdigit() and int(value) <= 86_400:
        assert seconds == int(value)


HTTP_DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Fri", "Xyz", ""]),
    st.integers(0, 32),
    st.sampled_from(["Oct", "Dec", "Okt"]),
    st.sampled_from([0, 1, 26, 1970, 2026, 9999, 10**6]),
    st.integers(0, 25),
    st.integers(0, 61),
    st.sampled_from(["00", "59", "60", "x"]),
    st.sampled_from(["GMT", "+0000", "-0000", "+2400", "-9959", "+99999999999999999999", "EST", ""]),
)


@often
@given(st.text() | HTTP_DATES)
def test_any_date_header_is_a_time_in_utc_or_unknown(value):
    moment = http_date(value)
    assert moment is None or moment.utcoffset() == timedelta(0)
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds <= 86_400


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), st.integers(-14, 14))
def test_a_date_header_comes_back(moment, hours):
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert http_date(format_datetime(moment, usegmt=True)) == moment
    assert http_date(format_datetime(moment.astimezone(timezone(timedelta(hours=hours))))) == moment
    assert http_date(moment.strftime("%a %b %d %H:%M:%S %Y")) == moment


@pytest.fixture
def west(monkeypatch):
    """A machine whose own time zone lies six hours west."""
    monkeypatch.setenv("TZ", "WEST+6")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_time_without_a_zone_is_in_utc_wherever_we_run(west):
    assert datetime(1994, 11, 6).astimezone().utcoffset() == timedelta(hours=-6)
    assert http_date("Sun Nov  6 08:49:37 1994") == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    (content,) = parse_qc_basics([qc_basic(basicsRunDate="2026-10-30")]).values()
    assert content["runDate"] == datetime(2026, 10, 30, tzinfo=UTC)


DEEP = [b"[" * 16_000, b'{"message":' * 3_000, b"[" * 900 + b"]" * 900]
bodies = st.binary(max_size=60) | st.sampled_from(DEEP) | st.builds(lambda value: json.dumps(value).encode(), anything)


@often
@given(bodies | st.builds(lambda value: json.dumps({"code": "c", "message": value}).encode(), anything))
def test_an_error_body_is_one_bounded_line(body):
    text = summary_of(body)
    assert 0 < len(text) <= 300
    assert len(text.splitlines()) == 1


def answer_of(body, size=65_536):
    async def chunks(_):
        for start in range(0, len(body), size):
            yield body[start : start + size]

    return SimpleNamespace(headers={}, chunks=chunks)


@often
@given(bodies, st.integers(1, 30))
async def test_a_body_is_json_or_our_error(body, size):
    try:
        await read_json(answer_of(body, size))
    except (TruncatedPayloadError, MaintenanceError) as error:
        assert str(error)


@often
@given(
    anything
    | st.lists(st.fixed_dictionaries({"dot_number": anything, "count": anything}) | anything, max_size=3)
    | st.fixed_dictionaries({"rowsUpdatedAt": anything, "columns": st.just([]) | anything})
)
async def test_any_metadata_and_counts_are_understood_or_malformed(body):
    async def get(path, params, read):
        return await read(answer_of(json.dumps(body).encode()))

    client, dataset = SodaClient(SimpleNamespace(get=get)), Dataset("abcd-1234", "A File", frozenset())
    for call in (client.metadata(dataset), client.counts(dataset, [UsdotNumber(7)]), client.is_empty(dataset)):
        try:
            await call
        except MalformedPayloadError as error:
            assert error.field or isinstance(error, TruncatedPayloadError)


# --- arrays of rows, piece by piece


def slice_up(body, size):
    """The rows in the order they came, and the error at which they ended."""
    slicer, rows = RowSlicer(), []
    try:
        for start in range(0, len(body), size):
            rows += slicer.feed(body[start : start + size])
        rows += slicer.finish()
    except FmcsaError as error:
        return rows, error
    return rows, None


@often
@given(
    json_rows,
    st.lists(st.sampled_from([",", "\n,", ",\n", " \n, ", "\r\n,\t"]), min_size=7, max_size=7),
    st.integers(1, 50),
    st.data(),
)
def test_rows_come_whole_in_order_and_once_and_never_without_the_end(rows, separators, size, data):
    parts = [json.dumps(row, ensure_ascii=size % 2 == 0, indent=size % 3 or None) for row in rows]
    text = "".join(part + separator for part, separator in zip(parts, [*separators[: len(parts) - 1], ""], strict=False))
    body = f" [{text}]".encode()
    assert slice_up(body, size) == (rows, None)
    given_rows, error = slice_up(body[: data.draw(st.integers(0, len(body) - 1))], size)
    assert isinstance(error, MalformedPayloadError)
    assert given_rows == rows[: len(given_rows)]


TOKENS = [b"[", b"]", b"{", b"}", b"{}", b'{"a":1}', b'{"a":[{}]}', b",", b"\n,", b"\n", b" ", b'"', b"1", b"null", b"<", b"\xff"]


@often
@given(
    st.lists(st.sampled_from(TOKENS), max_size=9).map(b"".join) | st.binary(),
    st.booleans(),
    st.integers(1, 20),
)
def test_what_is_taken_for_rows_is_json(middle, in_brackets, size):
    body = b"[" + middle + b"]" if in_brackets else middle
    assume(body.isascii() or in_brackets)
    rows, error = slice_up(body, size)
    if error is None:
        assert json.loads(body) == rows
