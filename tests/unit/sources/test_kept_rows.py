"""Rows on their way from a page's bytes to documents: checked by the slice, kept plain or packed, with the same outcome."""

import asyncio
import json
import tracemalloc
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Required

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from typing_extensions import TypedDict

from fmcsa_orchestrator import Company, Document, MalformedPayloadError, OddRow, UsdotNumber, ViolationsSource
from fmcsa_orchestrator.clients.json_rows import RowSlicer, decode_rows
from fmcsa_orchestrator.sources.inspections import inspection_documents, parse_inspection, summarize_inspections
from fmcsa_orchestrator.sources.sms.result_file import parse_result
from fmcsa_orchestrator.sources.soda.columns import CountOrText, DayOrText, RowParser
from fmcsa_orchestrator.sources.soda.file import CarrierRows
from fmcsa_orchestrator.sources.soda.kept_rows import SLICE, KeptRows, RowKeeper, slices
from fmcsa_orchestrator.sources.violations import parse_violation, summarize_violations, violation_documents
from tests.support.samples import inspection, result, violation
from tests.support.strategies import anything, often

SAMPLES = {
    "violation": (parse_violation, violation()),
    "inspection": (parse_inspection, inspection(vin2="2T", unit_type_desc2="SEMI-TRAILER")),
    "result": (parse_result, result(passenger=True)),
}
ONE, OTHER = 1021580, 7


def body_of(rows):
    return "[" + "\n,".join(json.dumps(row) for row in rows) + "]\n"


def outcome(decode, *rows):
    """What was understood of the rows, or what the error says."""
    try:
        found = decode(*rows)
    except MalformedPayloadError as error:
        return str(error), error.field
    return [(usdot, *(said(content) if hasattr(content, "field") else (repr(content), None))) for usdot, content in found]


def said(fault):
    """Of a row that cannot be understood: kept aside, or on its own."""
    return (fault.error if isinstance(fault, OddRow) else f"{fault!s:.300}"), fault.field


def one_by_one(parse, rows):
    found = []
    for row in rows:
        try:
            content = parse(row)
            found.append((content.pop("usdot"), content))
        except MalformedPayloadError as error:
            try:
                found.append((int(row["dot_number"]), error))
            except (KeyError, ValueError, TypeError, OverflowError):
                raise MalformedPayloadError("a row without a dot_number", field="dot_number") from None
    return found


@pytest.mark.parametrize(("parse", "sample"), SAMPLES.values(), ids=SAMPLES)
@often
@given(data=st.data())
def test_a_slice_is_understood_as_its_rows_are_one_by_one(parse, sample, data):
    columns = st.sampled_from([*sorted(sample), "a_new_column"])
    values = anything.filter(lambda value: "\\ud" not in json.dumps(value))
    changes = data.draw(st.lists(st.dictionaries(columns, values, max_size=2), max_size=4))
    array = json.dumps([sample | change for change in changes]).encode()
    whole = outcome(RowKeeper([], parse).decode, array)
    assert whole == outcome(one_by_one, parse, decode_rows(array))


def test_a_fault_in_the_middle_of_a_slice_names_its_column_and_costs_its_carrier_alone():
    rows = [violation(dot_number=str(usdot), unique_id=str(n)) for n, usdot in enumerate([ONE, OTHER] * 20)]
    rows[21] |= {"severity_weight": "heavy"}
    keeper = RowKeeper([ONE, OTHER, 3], parse_violation)
    keeper.add(keeper.decode(body_of(rows).encode()))
    assert [row["uniqueId"] for row in keeper.by_key[ONE]] == [str(n) for n in range(0, 40, 2)]
    (odd,) = keeper.by_key[OTHER].odd
    assert (odd.field, odd.concerns, json.loads(odd.raw), list(keeper.by_key[3])) == ("severity_weight", "21", rows[21], [])
    later = RowKeeper([ONE, OTHER, 3], parse_violation)
    later.add(later.decode(body_of(rows[:2]).encode()))
    later.by_key[3].set_aside(OddRow("{}", "of the second page", "x"))
    keeper.join(later)
    understood = keeper.understood()
    assert [len(understood[usdot]) for usdot in (ONE, OTHER)] == [21, 20]
    assert (str(understood[OTHER].fault()), understood[OTHER].fault().field) == (
        f"1 of 21 rows cannot be understood, the first for its {odd.error}",
        "severity_weight",
    )
    assert (type(understood[3]), understood[3].field) == (MalformedPayloadError, "x")  # none but odd ones


@pytest.mark.parametrize(("good", "odd", "is_believed"), [(1, 1, False), (3, 2, True), (200, 100, True), (60_000, 101, False)])
def test_good_rows_are_believed_beside_a_few_odd_ones(good, odd, is_believed):
    rows = KeptRows()
    rows.packed = [b""] * (good // SLICE)
    rows.plain = [{}] * (good % SLICE)
    for _ in range(odd + 50 * (odd > 100)):
        rows.set_aside(OddRow("{}", "no date", "insp_date"))
    assert rows.is_believed() is is_believed
    assert str(rows.fault()).startswith("over 100 of" if odd > 100 else f"{odd} of {good + odd} rows")


@pytest.mark.parametrize("private", [frozenset(), frozenset({"phone"})])
def test_what_is_private_is_left_out_of_a_row_that_is_set_aside(private):
    class Row(TypedDict, total=False):
        usdot: Required[Annotated[int, Field(validation_alias="dot_number")]]
        units: Annotated[int, Field(validation_alias="power_units")]

    row = {"dot_number": str(OTHER), "phone": "3035550142", "power_units": "many"}
    ((_, odd),) = RowKeeper([OTHER], RowParser(Row, private=private)).decode(body_of([row]).encode())
    assert json.loads(odd.raw) == {column: value for column, value in row.items() if column not in private}
    assert odd.field == "power_units"


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [("units", "18", 18), ("units", "0", 0), ("units", " ", None), ("units", "-1", "-1"), ("units", " many  more ", "many more"),
     ("on", "20250528 0000", datetime(2025, 5, 28, tzinfo=UTC)), ("on", "20251340", "20251340"), ("on", "", None)],
)  # fmt: skip
def test_a_lenient_column_keeps_what_it_cannot_read_as_text(column, value, expected):
    class Row(TypedDict, total=False):
        units: Annotated[CountOrText, Field(validation_alias="units")]
        on: Annotated[DayOrText, Field(validation_alias="on")]

    assert RowParser(Row)({column: value}) == {"units": None, "on": None, column: expected}


@pytest.mark.parametrize("column", [{"dot_number": None}, {"dot_number": "x"}, {"dot_number": "8"}])
def test_a_row_of_nobody_asked_for_costs_the_whole_read(column):
    keeper = RowKeeper([ONE], parse_violation)
    with pytest.raises(MalformedPayloadError) as raised:
        keeper.add(keeper.decode(body_of([violation(), violation(**column), violation()]).encode()))
    assert raised.value.field == "dot_number"


def test_a_slice_that_fits_is_checked_in_one_call(monkeypatch):
    monkeypatch.setattr(RowParser, "__call__", lambda *_: pytest.fail("checked row by row"))
    keeper = RowKeeper([ONE], parse_violation)
    slicer = RowSlicer(keeper.decode)
    body = body_of([violation(unique_id=str(n)) for n in range(300)]).encode()
    for start in range(0, len(body), 10_000):
        keeper.add(slicer.feed(body[start : start + 10_000]))
    keeper.add(slicer.finish())
    assert [row["uniqueId"] for row in keeper.by_key[ONE]] == [str(n) for n in range(300)]


# --- plain and packed


def kept(rows):
    found = KeptRows()
    for row in rows:
        found.append(row)
    return found


@pytest.mark.parametrize("number", [0, 1, SLICE - 1, SLICE, SLICE + 1, 6 * SLICE + 7])
def test_kept_rows_are_a_sequence(number):
    rows = [{"n": n, "units": [{"vin": str(n)}]} for n in range(number)]
    found = kept(dict(row) for row in rows)
    assert len(found) == number
    assert list(found) == list(found) == rows
    assert len(found.plain) < SLICE
    for index in (slice(3, 9), slice(SLICE - 2, 2 * SLICE + 2), slice(None, None, -SLICE // 3), slice(-5, None), slice(9, 3)):
        assert found[index] == rows[index]
    for index in (0, -1, SLICE - 1, SLICE, 2 * SLICE, -SLICE):
        if -number <= index < number:
            assert found[index] == rows[index]
        else:
            with pytest.raises(IndexError):
                found[index]


@pytest.mark.parametrize(("first", "second"), [(0, 5), (3, SLICE + 2), (SLICE + 2, SLICE - 1), (SLICE - 1, SLICE - 1)])
def test_rows_of_two_pages_are_all_there(first, second):
    one, two = (kept({"n": n} for n in numbers) for numbers in (range(first), range(first, first + second)))
    one.join(two)
    assert len(one) == first + second
    assert sorted(row["n"] for row in one) == list(range(first + second))
    assert len(one.plain) < SLICE


def many(parse, row, number):
    """Rows of which some are equal, and some share their key only, as lists and as kept."""
    columns = [{"unique_id": str(n % (number // 3)), "time_weight": str(n % 7 % 3)} for n in range(number)]
    rows = [parse(row | each) for each in columns]
    for content in rows:
        del content["usdot"]
    return rows


@pytest.mark.parametrize(
    ("parse", "row", "documents_of", "summarize"),
    [
        (parse_violation, violation(), violation_documents, summarize_violations),
        (parse_inspection, inspection(), inspection_documents, summarize_inspections),
    ],
    ids=["violations", "inspections"],
)
async def test_packed_rows_have_the_documents_of_plain_ones_in_any_order(parse, row, documents_of, summarize, monkeypatch):
    rows = many(parse, row, 4 * SLICE - 2)
    wanted = {document.id: document for document in await documents_of(rows)}
    assert len(wanted) == len(rows)
    assert isinstance(await documents_of(rows[: SLICE - 1]), list)
    monkeypatch.setattr("fmcsa_orchestrator.sources.soda.row_documents.SORTED_AT_ONCE", 300)  # in several turns
    for order in (1, -1, 7):
        shuffled = [row for start in range(abs(order)) for row in rows[start :: abs(order)]][:: 1 if order > 0 else -1]
        packed = kept(map(dict, shuffled))
        documents = await documents_of(packed)
        assert not isinstance(documents, list)
        assert len(packed.packed) == len(rows) // SLICE
        assert {document.id: document for document in documents} == wanted
        assert list(documents) == list(documents)
        assert documents[SLICE - 3 : SLICE + 3] == list(documents)[SLICE - 3 : SLICE + 3]
        assert documents[-1] == list(documents)[-1]
        assert await summarize(packed) == await summarize(rows)


@given(st.lists(st.sampled_from(["1", "2", "3"]), max_size=9), st.data())
async def test_an_ordinal_follows_the_content_hash(weights, data):
    rows = [parse_violation(violation(severity_weight=weight)) for weight in weights]
    documents = await violation_documents(rows)
    shuffled = await violation_documents(data.draw(st.permutations(rows)))
    assert {document.id: document.content for document in documents} == {d.id: d.content for d in shuffled}
    assert sorted(int(document.id.rpartition(":")[2]) for document in documents) == list(range(1, len(rows) + 1))


# --- memory, and the event loop


async def test_a_large_carrier_is_never_in_memory_as_a_whole():
    """As dicts, with a list of documents, these rows take 12 MB."""
    number = 20_000
    total = 0
    keeper = RowKeeper([ONE], parse_violation)
    tracemalloc.start()
    try:
        for start in range(0, number, 100):
            array = body_of(violation(unique_id=str(n)) for n in range(start, start + 100)).encode()
            keeper.add(keeper.decode(array))
        documents = await violation_documents(keeper.by_key[ONE])
        for _ in range(2):
            rest = iter(documents)
            while part := list(islice(rest, SLICE)):
                total += sum(isinstance(document, Document) for document in part)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 2 * number
    assert peak < 4_000_000


async def turns_during(work):
    """How many turns of the event loop another task had meanwhile."""
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(count())
    await work
    task.cancel()
    return turns


async def test_every_pass_over_many_rows_gives_way():
    rows = [parse_violation(violation(unique_id=str(n % 1_000))) for n in range(5_000)]
    assert await turns_during(summarize_violations(rows)) >= 9
    assert await turns_during(violation_documents(rows)) >= 28  # counted, hashed, numbered
    assert await turns_during(violation_documents(rows[:10])) <= 1


async def test_a_batch_of_many_rows_gives_way_between_carriers():
    usdots = [UsdotNumber(usdot) for usdot in range(1, 101)]
    source = ViolationsSource(None)

    async def read_small(_):
        return CarrierRows({usdot: kept(many(parse_violation, violation(), 50)) for usdot in usdots}, None)

    source.files[0].read_small = read_small
    assert await turns_during(source.fetch_many([Company(usdot, usdot) for usdot in usdots])) >= 9


async def test_slices():
    assert [part async for part in slices(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [part async for part in slices([], 3)] == []
