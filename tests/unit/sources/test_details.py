"""Rows that get details from further datasets: each its own, whatever the order and however many."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import ImplausibleEmptyError, MalformedPayloadError, OddRow, StaleUpstreamError
from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.sources.soda.details import AT_ONCE, Detail, lightest, with_details
from fmcsa_orchestrator.sources.soda.file import CarrierRows
from fmcsa_orchestrator.sources.soda.kept_rows import KeptRows

NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)


def kept(rows, odd=()):
    found = KeptRows()
    for row in rows:
        found.append(row)
    for row in odd:
        found.set_aside(row)
    return found


class File:
    """A dataset of (key, number), some of them odd."""

    dataset = Dataset("abcd-1234", "Parts", frozenset())

    def __init__(self, rows, odd=(), as_of=NOON):
        self.rows, self.odd, self.as_of = rows, odd, as_of
        self.asked, self.confirmed = [], 0

    async def read(self, keys, *, judged):
        assert not judged
        self.asked.append(keys)
        odd = [OddRow("{}", "no number", "number", str(key)) for key in self.odd]
        by_key = {
            key: kept(
                [{"number": number} for whose, number in self.rows if whose == key],
                [row for row in odd if row.concerns == str(key)],
            )
            for key in keys
        }
        return CarrierRows(by_key, self.as_of)

    async def confirm_empty(self, read, *, strictly):
        self.confirmed += 1
        assert strictly
        if not self.rows:
            raise ImplausibleEmptyError("no rows at all")


def detail(file, due=lambda row: row["due"]):
    return Detail("parts", file, lambda part: part["number"], due)


def carriers(sizes, due=0):
    """By USDOT number, rows whose ids go on from carrier to carrier."""
    rows, first = {}, 1
    for usdot, size in enumerate(sizes, 1):
        rows[usdot] = kept([{"id": first + place, "due": due} for place in range(size)])
        first += size
    return CarrierRows(rows, NOON)


@given(
    st.lists(st.integers(0, 4), max_size=6), st.lists(st.tuples(st.integers(1, 12), st.integers(0, 9)), max_size=40, unique=True)
)
async def test_each_row_gets_its_own_in_order(sizes, parts):
    known = {row["id"] for rows in carriers(sizes).by_usdot.values() for row in rows}
    file = File([part for part in parts if part[0] in known])
    found = await with_details(carriers(sizes), "id", [detail(file)])
    for usdot, rows in carriers(sizes).by_usdot.items():
        assert list(found.by_usdot[usdot]) == [
            row | {"parts": sorted(({"number": number} for whose, number in file.rows if whose == row["id"]), key=str),
                   "detailsComplete": True}
            for row in rows
        ]  # fmt: skip
    assert found.as_of == NOON


async def test_rows_are_asked_for_in_slices_across_carriers():
    file = File([(1, 1)])
    found = await with_details(carriers([200, 0, 400]), "id", [detail(file)])
    assert [len(keys) for keys in file.asked] == [AT_ONCE, 600 - AT_ONCE]
    assert {usdot: len(rows) for usdot, rows in found.by_usdot.items()} == {1: 200, 2: 0, 3: 400}


@pytest.mark.parametrize(
    ("due", "parts", "expected"),
    [(0, [], ([], True)), (1, [], (None, False)), (2, [5], ([5], False)), (2, [5, 4], ([4, 5], True)), (0, [5], ([5], True))],
)
async def test_none_is_not_missing(due, parts, expected):
    file = File([(1, number) for number in parts] + [(2, 1)])
    found = await with_details(carriers([2], due), "id", [detail(file)])
    first = next(iter(found.by_usdot[1]))
    numbers = None if first["parts"] is None else [part["number"] for part in first["parts"]]
    assert (numbers, first["detailsComplete"]) == expected
    assert not file.confirmed


async def test_that_a_file_has_none_at_all_is_believed_only_where_none_are_due():
    assert await with_details(carriers([3], due=0), "id", [detail(File([]))])
    with pytest.raises(ImplausibleEmptyError):
        await with_details(carriers([3], due=1), "id", [detail(File([]))])
    elsewhere = File([(99, 1)])
    found = await with_details(carriers([3], due=1), "id", [detail(elsewhere)])
    assert elsewhere.confirmed == 1
    assert [row["parts"] for row in found.by_usdot[1]] == [None] * 3


@pytest.mark.parametrize(("hours", "is_refused"), [(1.5, False), (11, False), (13, True), (25, True), (-24, False)])
async def test_details_of_a_day_before_are_refused(hours, is_refused):
    file = File([(1, 1)], as_of=NOON - timedelta(hours=hours))
    if not is_refused:
        assert await with_details(carriers([1]), "id", [detail(file)])
        return
    with pytest.raises(StaleUpstreamError, match="abcd-1234"):
        await with_details(carriers([1]), "id", [detail(file)])


async def test_a_row_with_an_odd_detail_is_left_out_and_the_detail_kept_aside():
    found = await with_details(carriers([5, 1]), "id", [detail(File([(1, 1), (2, 1)], odd=[2, 6]))])
    assert [row["id"] for row in found.by_usdot[1]] == [1, 3, 4, 5]
    assert [odd.concerns for odd in found.by_usdot[1].odd] == ["2"]
    assert isinstance(found.by_usdot[2], MalformedPayloadError)  # of its only row nothing is left
    assert found.by_usdot[2].field == "number"


async def test_what_is_odd_or_wrong_already_stays_so():
    error = MalformedPayloadError("too odd", field="id")
    odd = OddRow("{}", "no date", "date", "9")
    read = CarrierRows({1: error, 2: kept([{"id": 1, "due": 0}, {"id": 2, "due": 0}], [odd])}, NOON)
    found = await with_details(read, "id", [detail(File([]))])
    assert found.by_usdot[1] is error
    assert found.by_usdot[2].odd == [odd]
    assert read.by_usdot[2].odd == [odd]


@given(st.lists(st.integers(0, 9), max_size=9), st.integers(0, 30))
def test_the_lightest_are_taken_as_far_as_it_goes(sizes, most):
    read = carriers(sizes)
    taken = lightest(read, most).by_usdot
    assert all(rows is read.by_usdot[usdot] for usdot, rows in taken.items())
    total = sum(map(len, taken.values()))
    assert total <= most
    left = [len(rows) for usdot, rows in read.by_usdot.items() if usdot not in taken]
    assert all(total + size > most for size in left)
    assert max(map(len, taken.values()), default=0) <= min(left, default=9)
