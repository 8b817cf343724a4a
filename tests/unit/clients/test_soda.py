"""Queries, pages, versions and drift of SODA, on mocked answers; the slicing of bodies, on bytes."""

import json
import re
from datetime import UTC, datetime

import aiohttp
import pytest
from aioresponses import CallbackResult, aioresponses
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import MaintenanceError, MalformedPayloadError, StaleUpstreamError, TruncatedPayloadError, UsdotNumber
from fmcsa_orchestrator.clients.http import Upstream
from fmcsa_orchestrator.clients.json_rows import RowSlicer, decode_rows
from fmcsa_orchestrator.clients.pacing import strict_limiter
from fmcsa_orchestrator.clients.soda import URL_BUDGET, Dataset, SodaClient, app_token_header

BASE = "https://portal.test"
DATASET = Dataset("abcd-1234", "A File", frozenset({"dot_number", "a"}))
OCTOBER, NOVEMBER = "Fri, 02 Oct 2026 15:11:42 GMT", "Mon, 02 Nov 2026 15:11:42 GMT"


class KeepAll(list):
    decode = staticmethod(decode_rows)
    add = join = list.extend


class Portal:
    """Answers queries by a function of offset, limit and where; remembers them."""

    def __init__(self, mocked):
        self.rows = []
        self.modified = [OCTOBER]
        self.headers = {}
        self.queries = []
        self.start = self.counted = None
        self.cap = 10**6
        self.size = None
        mocked.get(re.compile(rf"{BASE}/resource/.*"), callback=self.answer, repeat=True)

    def answer(self, url, **_):
        query = dict(url.query)
        self.queries.append(query)
        if query.get("$select") == "count(*)":
            modified = self.modified[0]
            return CallbackResult(
                status=200,
                payload=[{"count": str(len(self.rows) if self.counted is None else self.counted)}],
                headers={"X-SODA2-Truth-Last-Modified": modified},
            )
        start = int(query.get("$offset", 0)) if self.start is None else self.start
        size = self.size or min(int(query["$limit"]), self.cap)
        modified = self.modified.pop(0) if len(self.modified) > 1 else self.modified[0]
        headers = {"X-SODA2-Fields": '["dot_number","a","b"]', "X-SODA2-Truth-Last-Modified": modified, **self.headers}
        body = "[" + "\n,".join(json.dumps(row) for row in self.rows[start : start + size]) + "]\n"
        return CallbackResult(status=200, body=body, headers=headers, content_type="application/json")


@pytest.fixture
async def portal():
    with aioresponses() as mocked:
        yield Portal(mocked)


@pytest.fixture
async def client():
    async def no_sleep(_):
        pass

    async with aiohttp.ClientSession() as session:
        upstream = Upstream(session, BASE, name="soda", limiter=strict_limiter(10_000), tries=2, sleep=no_sleep)
        yield SodaClient(upstream, page_size=3)


def numbers(*usdots):
    return [UsdotNumber(usdot) for usdot in usdots]


async def read(client, *usdots):
    return (await client.rows(DATASET, numbers(*usdots or (7,)), KeepAll)).kept


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (2, 1), (3, 2), (7, 4), (9, 4)])
async def test_pages_go_on_until_all_rows_that_are_counted_have_come(portal, client, count, requests):
    portal.rows = [{"dot_number": "7", "a": str(n)} for n in range(count)]
    assert await read(client) == portal.rows
    assert len(portal.queries) == requests
    assert [int(query["$offset"]) for query in portal.queries if "$offset" in query] == list(range(0, max(count, 1), 3))


async def test_a_query_is_ordered_limited_and_quoted(portal, client):
    await read(client, 7, 1021580)
    assert portal.queries == [{"$where": "dot_number in ('7','1021580')", "$order": ":id", "$limit": "3", "$offset": "0"}]


async def test_long_lists_are_cut_below_what_a_url_may_hold(portal, client):
    usdots = range(10_000_000, 10_002_000)
    await read(client, *usdots)
    asked = [number for query in portal.queries for number in re.findall(r"\d+", query["$where"])]
    assert asked == [str(usdot) for usdot in usdots]
    assert all(len(str(aiohttp.client.URL(BASE).with_query(query))) < URL_BUDGET + 300 for query in portal.queries)


async def test_a_file_replaced_between_two_pages_is_read_again(portal, client):
    portal.rows = [{"dot_number": "7", "a": str(n)} for n in range(4)]
    portal.modified = [OCTOBER, NOVEMBER]
    assert await read(client) == portal.rows
    assert [query.get("$offset", "count") for query in portal.queries] == ["0", "count", "0", "count", "3"]


async def test_a_file_replaced_again_and_again_is_given_up(portal, client):
    portal.rows = [{"dot_number": "7", "a": str(n)} for n in range(4)]
    portal.modified = [OCTOBER, NOVEMBER] * 20
    with pytest.raises(StaleUpstreamError, match="replaced while it was read"):
        await read(client)


@pytest.mark.parametrize(
    "headers",
    [{"X-SODA2-Data-Out-Of-Date": "true"}, {"X-SODA2-Truth-Last-Modified": NOVEMBER, "X-SODA2-Secondary-Last-Modified": OCTOBER}],
)
async def test_a_replica_that_lags_is_not_believed(portal, client, headers):
    portal.headers = headers
    with pytest.raises(StaleUpstreamError, match="A File"):
        await read(client)
    assert len(portal.queries) == 2


async def test_a_column_that_is_gone_is_named(portal, client):
    portal.headers = {"X-SODA2-Fields": '["dot_number","b"]'}
    with pytest.raises(MalformedPayloadError, match="no longer has the column a") as raised:
        await read(client)
    assert raised.value.field == "a"


async def read_all(client, keeper=KeepAll):
    return (await client.all_rows(DATASET, "a != '0'", keeper, page_size=3)).kept


async def test_a_whole_dataset_is_read_by_its_columns_page_by_page_to_the_end_that_is_counted(portal, client):
    portal.rows = [{"dot_number": str(n), "a": "1"} for n in range(7)]
    assert await read_all(client) == portal.rows
    page = {"$select": "a,dot_number", "$where": "a != '0'", "$order": ":id", "$limit": "3"}
    count = {"$select": "count(*)", "$where": "a != '0'"}
    assert portal.queries == [{**page, "$offset": "0"}, count, {**page, "$offset": "3"}, {**page, "$offset": "6"}]


async def test_of_a_whole_dataset_no_more_is_held_than_its_pages_keep(portal, client):
    kept = []

    class Number:
        decode = staticmethod(decode_rows)

        def __init__(self):
            self.rows = 0
            kept.append(self)

        def add(self, rows):
            self.rows += len(rows)

        def join(self, later):
            self.rows += later.rows

    portal.rows = [{"dot_number": str(n)} for n in range(8)]
    assert (await read_all(client, Number)).rows == 8
    assert sorted(number.rows for number in kept) == [2, 3, 8]


async def test_a_whole_dataset_replaced_between_two_pages_is_read_again(portal, client):
    portal.rows = [{"dot_number": str(n)} for n in range(7)]
    portal.modified = [OCTOBER, OCTOBER, NOVEMBER]
    assert await read_all(client) == portal.rows
    once = ["0", "count", "3", "6"]
    assert [query.get("$offset", "count") for query in portal.queries] == once + once


async def test_of_a_whole_dataset_fewer_rows_than_counted_are_not_believed(portal, client):
    portal.rows, portal.counted = [{"dot_number": str(n)} for n in range(5)], 6
    with pytest.raises(MalformedPayloadError, match="5 rows came of 6"):
        await read_all(client)


async def test_a_page_of_a_whole_dataset_has_no_more_rows_than_asked_for(portal, client):
    portal.rows, portal.start = [{"dot_number": str(n)} for n in range(5)], 0
    portal.size = 5
    with pytest.raises(MalformedPayloadError, match="more rows than asked for"):
        await read_all(client)


async def test_metadata_and_counts(client):
    with aioresponses() as mocked:
        body = {"rowsUpdatedAt": 1786604700, "columns": [{"fieldName": "a", "dataTypeName": "text"}]}
        mocked.get(f"{BASE}/api/views/abcd-1234.json", payload=body)
        metadata = await client.metadata(DATASET)
        assert (metadata.rows_updated_at, metadata.types) == (datetime(2026, 8, 13, 7, 5, tzinfo=UTC), {"a": "text"})
        mocked.get(f"{BASE}/api/views/abcd-1234.json", payload={"columns": []})
        with pytest.raises(MalformedPayloadError, match="rowsUpdatedAt"):
            await client.metadata(DATASET)
        mocked.get(re.compile(rf"{BASE}/resource/.*"), payload=[{"dot_number": "7", "count": "12"}])
        assert await client.counts(DATASET, numbers(7, 8)) == {7: 12}
        mocked.get(re.compile(rf"{BASE}/resource/.*"), payload=[{"count": "0"}])
        assert await client.is_empty(DATASET)


def test_no_token_is_no_header():
    assert app_token_header(None) == app_token_header("") == {}
    assert app_token_header("t") == {"X-App-Token": "t"}


def slice_up(body, size):
    slicer = RowSlicer()
    parts = [slicer.feed(body[start : start + size]) for start in range(0, len(body), size)]
    return [row for part in [*parts, slicer.finish()] for row in part]


LAYOUTS = {
    "socrata": lambda rows: "[" + "\n,".join(json.dumps(row) for row in rows) + "]\n",
    "one line": json.dumps,
    "indented": lambda rows: json.dumps(rows, indent=1),
    "comma first": lambda rows: " [\n" + "\n,".join(json.dumps(row, indent=2) for row in rows) + "\n]",
    "not ascii": lambda rows: json.dumps(rows, ensure_ascii=False).replace("}, {", "}\n,{"),
}
ROWS = st.lists(
    st.dictionaries(
        st.text(max_size=4), st.text(max_size=12) | st.lists(st.dictionaries(st.just("x"), st.just("]\n,["))), max_size=3
    ),
    max_size=8,
)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(rows=ROWS, size=st.integers(1, 60))
def test_any_layout_cut_anywhere_gives_the_same_rows(layout, rows, size):
    assert slice_up(LAYOUTS[layout](rows).encode(), size) == rows


@given(rows=ROWS, cut=st.integers(1, 200))
def test_a_body_that_ends_early_is_never_taken_for_whole(rows, cut):
    body = LAYOUTS["socrata"](rows).encode().rstrip()
    with pytest.raises((TruncatedPayloadError, MalformedPayloadError)):
        slice_up(body[: -min(cut, len(body))], 16)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", TruncatedPayloadError),
        (b"  ", TruncatedPayloadError),
        (b"<html>", MaintenanceError),
        (b'{"a": 1}', MalformedPayloadError),
        (b"[1]", MalformedPayloadError),
        (b'[{"a": nope}]', MalformedPayloadError),
        (b'["x"\n,{}]', MalformedPayloadError),
    ],
)
def test_what_is_not_an_array_of_rows(body, error):
    with pytest.raises(error):
        slice_up(body, 4)


# --- whether a page is all that there is


async def test_the_same_page_again_ends_the_read(portal, client):
    portal.rows = [{"dot_number": "7", "a": str(n)} for n in range(8)]
    portal.start = 0
    with pytest.raises(MalformedPayloadError, match="3 rows came of 8 that the portal counts") as raised:
        await read(client)
    assert raised.value.field == "count(*)"
    assert len(portal.queries) == 3


async def test_a_page_that_is_cut_short_is_read_on_to_the_number_that_is_counted(portal, client):
    client.page_size = 500
    portal.rows = [{"dot_number": "7", "a": str(n)} for n in range(230)]
    portal.cap = 100
    assert await read(client) == portal.rows
    assert [query.get("$offset", "count") for query in portal.queries] == ["0", "count", "100", "200"]


async def test_fewer_rows_than_counted_are_not_believed_and_more_end_the_read(portal, client):
    portal.rows = [{"dot_number": "7", "a": str(n)} for n in range(3)]
    for counted in (5, 2):
        portal.counted = counted
        with pytest.raises(MalformedPayloadError, match=f"3 rows came of {counted}"):
            await read(client)


async def test_rows_are_counted_where_a_page_might_be_cut_and_once_for_a_size(portal, client):
    client.page_size = 20_000
    for count, requests in (
        (999, 1),
        (1_001, 2),
        (1_001, 1),
        (1_500, 2),
        (1_337, 1),
        (1_500, 2),
        (200, 2),
        (50, 2),
        (49, 1),
        (0, 1),
    ):
        portal.queries.clear()
        portal.rows = [{"dot_number": "7"}] * count
        assert len(await read(client)) == count
        assert len(portal.queries) == requests, count


async def test_a_file_replaced_between_a_page_and_the_count_is_read_again(portal, client):
    portal.rows = [{"dot_number": "7", "a": str(n)} for n in range(3)]
    portal.modified = [OCTOBER, NOVEMBER]
    assert await read(client) == portal.rows
    assert [query.get("$offset", "count") for query in portal.queries] == ["0", "count", "0", "count"]


# --- times that are still to come


AHEAD = "Sat, 01 Jan 2050 00:00:00 GMT"


async def test_a_time_that_is_still_to_come_dates_nothing_and_makes_no_replica_lag(portal, client):
    portal.headers = {"X-SODA2-Truth-Last-Modified": AHEAD, "X-SODA2-Secondary-Last-Modified": OCTOBER}
    assert (await client.rows(DATASET, numbers(7), KeepAll)).modified is None


async def test_metadata_that_tell_of_a_time_to_come_are_refused(client):
    with aioresponses() as mocked:
        mocked.get(f"{BASE}/api/views/abcd-1234.json", payload={"rowsUpdatedAt": 2_524_608_000, "columns": []})
        with pytest.raises(MalformedPayloadError, match="2050-01-01, which is still to come") as raised:
            await client.metadata(DATASET)
    assert raised.value.field == "rowsUpdatedAt"
