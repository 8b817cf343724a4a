"""The local portal answers SODA queries as the open data portal does."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from fmcsa_orchestrator.testing.fmcsa.fleet import DATASETS, TITLES, Fleet
from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa

VIOLATIONS = "8mt8-2mdr"


class Portal:
    """An upstream with a client, and shorthands to ask it."""

    def __init__(self, fleet: Fleet, upstream: LocalFmcsa, session: aiohttp.ClientSession) -> None:
        self.fleet = fleet
        self.upstream = upstream
        self.session = session

    async def ask(self, dataset: str = VIOLATIONS, headers: Any = None, **params: str) -> tuple[int, Any, aiohttp.ClientResponse]:
        """`$` in front of every parameter but the column filters."""
        query = {name if name in DATASETS[VIOLATIONS] else f"${name}": value for name, value in params.items()}
        async with self.session.get(
            f"{self.upstream.soda_url}/resource/{dataset}.json", params=query, headers=headers
        ) as response:
            return response.status, json.loads(await response.text()), response

    async def rows(self, **params: str) -> list[dict[str, str]]:
        status, rows, _ = await self.ask(**params)
        assert status == 200, rows
        return rows  # type: ignore[no-any-return]

    async def metadata(self, dataset: str = VIOLATIONS) -> tuple[int, Any]:
        async with self.session.get(f"{self.upstream.soda_url}/api/views/{dataset}.json") as response:
            return response.status, await response.json(content_type=None)


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    fleet = Fleet.uniform(8, violations=6, inspections=4)
    async with LocalFmcsa(fleet) as upstream, aiohttp.ClientSession() as session:
        yield Portal(fleet, upstream, session)


def those(usdots: list[int]) -> str:
    return f"dot_number in ({','.join(f'{chr(39)}{usdot}{chr(39)}' for usdot in usdots)})"


def same(left: list[dict[str, str]], right: list[dict[str, str]]) -> bool:
    """Whether both hold the same rows, in whatever order."""
    return sorted(map(json.dumps, left)) == sorted(map(json.dumps, right))


async def test_rows_of_one_carrier_are_the_fleets(portal: Portal) -> None:
    usdot = portal.fleet.usdots[0]
    truth = portal.fleet.rows(VIOLATIONS, usdot)
    assert len(truth) == 6
    assert same(await portal.rows(where=f"dot_number='{usdot}'"), truth)
    assert same(await portal.rows(dot_number=str(usdot)), truth)
    assert all(isinstance(value, str) for row in truth for value in row.values())


async def test_several_carriers_in_one_query_come_mixed(portal: Portal) -> None:
    usdots = portal.fleet.usdots[:4]
    rows = await portal.rows(where=those(usdots), order=":id")
    assert same(rows, [row for usdot in usdots for row in portal.fleet.rows(VIOLATIONS, usdot)])
    changes = sum(a["dot_number"] != b["dot_number"] for a, b in pairwise(rows))
    assert changes > len(usdots)


async def test_body_has_a_row_per_line(portal: Portal) -> None:
    _, rows, response = await portal.ask(where=f"dot_number='{portal.fleet.usdots[0]}'")
    text = await response.text()
    assert text.startswith("[{")
    assert text.endswith("}]\n")
    assert text.count("\n,{") == len(rows) - 1


async def test_order_is_stable_only_with_order(portal: Portal) -> None:
    where = those(portal.fleet.usdots)
    assert await portal.rows(where=where) != await portal.rows(where=where)
    assert await portal.rows(where=where, order=":id") == await portal.rows(where=where, order=":id")


async def test_pages_by_id_add_up(portal: Portal) -> None:
    where = those(portal.fleet.usdots)
    whole = await portal.rows(where=where, order=":id")
    pages = [await portal.rows(where=where, order=":id", limit="20", offset=str(offset)) for offset in (0, 20, 40)]
    assert [len(page) for page in pages] == [20, 20, 8]
    assert [row for page in pages for row in page] == whole


async def test_order_by_columns(portal: Portal) -> None:
    rows = await portal.rows(order="severity_weight DESC, insp_date")
    keys = [row["severity_weight"] for row in rows]
    assert keys == sorted(keys, reverse=True)
    heaviest = [row["insp_date"] for row in rows if row["severity_weight"] == keys[0]]
    assert heaviest == sorted(heaviest)


async def test_limit_is_1000_unless_asked_for() -> None:
    fleet = Fleet.uniform(2, violations=600, inspections=5)
    async with LocalFmcsa(fleet) as upstream, aiohttp.ClientSession() as session:
        portal = Portal(fleet, upstream, session)
        assert len(await portal.rows()) == 1_000
        assert len(await portal.rows(limit="50000")) == 1_200
        status, body, _ = await portal.ask(limit="50001")
        assert (status, set(body)) == (400, {"error", "message"})


async def test_a_walk_without_carriers_reaches_all(portal: Portal) -> None:
    assert len(await portal.rows()) == 48


async def test_conditions(portal: Portal) -> None:
    rows = await portal.rows()
    expected = [row for row in rows if row["oos_indicator"] == "true" or (row["time_weight"] == "1" and row["viol_unit"] != "D")]
    assert 0 < len(expected) < len(rows)
    where = "oos_indicator = 'true' OR (time_weight='1' AND viol_unit != 'D')"
    assert same(await portal.rows(where=where), expected)
    usdot = portal.fleet.usdots[1]
    mine = [row for row in expected if row["dot_number"] == str(usdot)]
    assert same(await portal.rows(where=f"dot_number='{usdot}' and ({where})"), mine)
    assert await portal.rows(where=f"({where}) and dot_number in ('1')") == []
    assert same(await portal.rows(where=f"dot_number='{usdot}' or dot_number='1'"), portal.fleet.rows(VIOLATIONS, usdot))


async def test_a_null_fulfils_no_condition(portal: Portal) -> None:
    everything = await portal.rows(dataset="rbkj-cgst")
    assert any("vin2" not in row for row in everything)
    rows = await portal.rows(dataset="rbkj-cgst", where="vin2 != 'x' or vin2 = 'x'")
    assert same(rows, [row for row in everything if "vin2" in row])


async def test_quotes_are_doubled(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"dot_number": str(portal.fleet.usdots[0]), "section_desc": "driver's"}
    monkeypatch.setattr(portal.fleet, "rows", lambda _, usdot: [row] if usdot == portal.fleet.usdots[0] else [])
    assert await portal.rows(where="section_desc = 'driver''s'") == [row]
    status, _, _ = await portal.ask(where="section_desc = 'driver's'")
    assert status == 400


@pytest.mark.parametrize("usdot", ["{:08d}", " {}", "{}.0"])
async def test_another_spelling_matches_nothing(portal: Portal, usdot: str) -> None:
    spelled = usdot.format(portal.fleet.usdots[0])
    assert await portal.rows(where=f"dot_number='{spelled}'") == []
    assert await portal.rows(dot_number=spelled) == []


async def test_select_columns_and_id(portal: Portal) -> None:
    _, rows, response = await portal.ask(select="dot_number, :id", order=":id")
    assert all(set(row) == {"dot_number", ":id"} for row in rows)
    ids = [row[":id"] for row in rows]
    assert ids == sorted(set(ids))
    assert all(len(id_) == 18 and id_.startswith("row-") for id_ in ids)
    assert json.loads(response.headers["X-SODA2-Fields"]) == ["dot_number", ":id"]
    everything = await portal.rows(select="*, :id", order=":id")
    assert [row.pop(":id") for row in everything] == ids
    assert everything == await portal.rows(order=":id")


async def test_nulls_are_left_out(portal: Portal) -> None:
    rows = await portal.rows(dataset="rbkj-cgst")
    assert any(set(row) < set(DATASETS["rbkj-cgst"]) for row in rows)
    assert all(value is not None for row in rows for value in row.values())


async def test_count(portal: Portal) -> None:
    usdots = portal.fleet.usdots[:2]
    assert await portal.rows(select="count(*)") == [{"count": "48"}]
    assert await portal.rows(select="count(*)", where=those(usdots)) == [{"count": "12"}]
    assert await portal.rows(select="count(*)", where="dot_number='1'") == [{"count": "0"}]
    flagged = [row for row in await portal.rows() if row["oos_indicator"] == "true"]
    assert await portal.rows(select="count(*)", where="oos_indicator='true'") == [{"count": str(len(flagged))}]


async def test_count_by_group(portal: Portal) -> None:
    usdots = portal.fleet.usdots[:2]
    query = {"select": "dot_number,count(*)", "group": "dot_number", "where": those([*usdots, 1])}
    assert same(await portal.rows(**query), [{"dot_number": str(usdot), "count": "6"} for usdot in usdots])
    rows = await portal.rows(select="viol_unit,count(*)", group="viol_unit", order="count DESC")
    counts = [int(row["count"]) for row in rows]
    assert sum(counts) == 48
    assert counts == sorted(counts, reverse=True)
    assert (await portal.ask(select="viol_code,count(*)", group="viol_unit"))[0] == 400


async def test_success_headers(portal: Portal) -> None:
    _, _, response = await portal.ask(where="dot_number='1'")
    headers = response.headers
    assert headers["Content-Type"] == "application/json;charset=utf-8"
    assert json.loads(headers["X-SODA2-Fields"]) == list(DATASETS[VIOLATIONS])
    assert json.loads(headers["X-SODA2-Types"]) == ["text"] * 13
    assert headers["X-SODA2-Data-Out-Of-Date"] == "false"
    dates = {headers[name] for name in ("Last-Modified", "X-SODA2-Truth-Last-Modified", "X-SODA2-Secondary-Last-Modified")}
    assert dates == {"Thu, 12 Nov 2026 07:05:00 GMT"}
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["ETag"].startswith('"')
    assert len(headers["X-Socrata-RequestId"]) == 32


@pytest.mark.parametrize(
    ("params", "key", "code"),
    [
        ({"where": "dot_number=1"}, "code", "query.soql.type-mismatch"),
        ({"where": "dot_number in (1, 2)"}, "code", "query.soql.type-mismatch"),
        ({"where": "dot='1'"}, "errorCode", "query.soql.no-such-column"),
        ({"select": "dot"}, "errorCode", "query.soql.no-such-column"),
        ({"order": "dot"}, "errorCode", "query.soql.no-such-column"),
        ({"where": "dot_number='1' or"}, "code", "query.compiler.malformed"),
        ({"where": "dot_number='1') or (dot_number='2'"}, "code", "query.compiler.malformed"),
        ({"where": "dot_number='1' limit 5"}, "code", "query.compiler.malformed"),
        ({"where": ""}, "code", "query.compiler.malformed"),
        ({"where": "dot_number ~ '1'"}, "code", "query.compiler.malformed"),
        ({"select": "WHERE FROM"}, "code", "query.compiler.malformed"),
        ({"where": "dot_number in ('1',)"}, "code", "query.compiler.malformed"),
        ({"where": "dot_number"}, "code", "query.compiler.malformed"),
        ({"query": "select * where dot_number='1' order :id"}, "code", "query.compiler.malformed"),
        ({"limit": "many"}, "code", "query.compiler.malformed"),
        ({"offset": "-1"}, "code", "query.compiler.malformed"),
    ],
)
async def test_refused_queries(portal: Portal, params: dict[str, str], key: str, code: str) -> None:
    status, body, _ = await portal.ask(**params)
    assert (status, body["error"], body[key]) == (400, True, code)


async def test_an_unknown_parameter_is_refused_without_a_code(portal: Portal) -> None:
    status, body, _ = await portal.ask(wher="dot_number='1'")
    assert (status, set(body)) == (400, {"error", "message"})


async def test_unknown_dataset(portal: Portal) -> None:
    status, body, _ = await portal.ask(dataset="aaaa-aaaa")
    assert (status, body["code"], body["data"]) == (404, "dataset.missing", {"id": "aaaa-aaaa"})
    status, body = await portal.metadata("aaaa-aaaa")
    assert (status, body["code"]) == (404, "not_found")


async def test_a_long_request_target_is_refused(portal: Portal) -> None:
    url = f"{portal.upstream.soda_url}/resource/{VIOLATIONS}.json?dot_number="
    room = 8_190 - len(url) + len(portal.upstream.soda_url)
    for digits, status in ((room, 200), (room + 1, 414)):
        async with portal.session.get(url + "1" * digits) as response:
            assert response.status == status


async def test_token() -> None:
    fleet = Fleet.uniform(1)
    async with LocalFmcsa(fleet, app_token="good") as upstream, aiohttp.ClientSession() as session:
        portal = Portal(fleet, upstream, session)
        assert (await portal.ask())[0] == 200
        assert (await portal.ask(headers={"X-App-Token": "good"}))[0] == 200
        for token in ("", "bad"):
            status, body, _ = await portal.ask(headers={"X-App-Token": token})
            assert (status, body["code"], body["message"]) == (403, "permission_denied", "Invalid app_token specified")


async def test_an_empty_token_is_refused_also_where_no_token_is_known(portal: Portal) -> None:
    assert (await portal.ask(headers={"X-App-Token": ""}))[0] == 403


async def test_metadata(portal: Portal) -> None:
    status, body = await portal.metadata()
    assert status == 200
    assert (body["id"], body["name"], body["rowsUpdatedAt"]) == (VIOLATIONS, TITLES[VIOLATIONS], 1_794_467_100)
    assert [column["fieldName"] for column in body["columns"]] == list(DATASETS[VIOLATIONS])
    assert {column["dataTypeName"] for column in body["columns"]} == {"text"}


async def test_a_whole_statement_in_a_get(portal: Portal) -> None:
    usdot = portal.fleet.usdots[0]
    rows = await portal.rows(query=f"select viol_code where dot_number = '{usdot}' group by viol_code order by viol_code limit 2")
    assert [row["viol_code"] for row in rows] == sorted({row["viol_code"] for row in portal.fleet.rows(VIOLATIONS, usdot)})[:2]


async def test_a_publication_moves_dates_ids_and_rows(portal: Portal) -> None:
    where = those(portal.fleet.usdots)
    before = await portal.rows(where=where, select="*, :id")
    _, old = await portal.metadata()
    portal.upstream.publish(changed=0.5)
    _, after, response = await portal.ask(where=where, select="*, :id")
    _, new = await portal.metadata()
    assert response.headers["Last-Modified"] == "Fri, 13 Nov 2026 07:05:00 GMT"
    assert new["rowsUpdatedAt"] == 1_794_553_500
    assert new["tableId"] != old["tableId"]
    assert not {row.pop(":id") for row in before} & {row.pop(":id") for row in after}
    assert not same(before, after)
    assert same(after, [row for usdot in portal.fleet.usdots for row in portal.fleet.rows(VIOLATIONS, usdot)])


async def test_each_publication_is_later_than_the_last(portal: Portal) -> None:
    for _ in range(3):
        portal.upstream.publish()
    portal.upstream.publish(dataset=VIOLATIONS)
    times = [(await portal.ask(limit="1", dataset=dataset))[2].headers["Last-Modified"] for dataset in (VIOLATIONS, "rbkj-cgst")]
    assert times == ["Sun, 15 Nov 2026 09:05:00 GMT", "Sun, 15 Nov 2026 07:05:00 GMT"]


async def test_one_dataset_published_again_keeps_its_content(portal: Portal) -> None:
    before = await portal.rows(select="*, :id", order=":id")
    others = await portal.metadata("rbkj-cgst")
    portal.upstream.publish(dataset=VIOLATIONS)
    after = await portal.rows(select="*, :id", order=":id")
    assert not {row.pop(":id") for row in before} & {row.pop(":id") for row in after}
    assert same(before, after)
    assert (await portal.metadata())[1]["rowsUpdatedAt"] > others[1]["rowsUpdatedAt"]
    assert await portal.metadata("rbkj-cgst") == others


async def test_a_value_with_braces_stays_one_row(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"dot_number": str(portal.fleet.usdots[0]), "section_desc": 'a"},{"b'}
    monkeypatch.setattr(portal.fleet, "rows", lambda _, __: [row, row])
    assert await portal.rows(where=f"dot_number='{portal.fleet.usdots[0]}'") == [row, row]


async def test_some_columns_of_a_whole_file_by_a_condition_page_by_page(portal: Portal) -> None:
    fleet = portal.fleet
    columns, where = "dot_number,insp_total,veh_maint_measure", "insp_total != '0'"
    query = {"dataset": "4y6x-dmck", "select": columns, "where": where, "order": ":id"}
    expected = [row for usdot in fleet.usdots for row in fleet.rows("4y6x-dmck", usdot) if row["insp_total"] != "0"]
    status, rows, response = await portal.ask(**query, limit="50000")
    assert (status, json.loads(response.headers["X-SODA2-Fields"])) == (200, columns.split(","))
    assert same(rows, [{name: row[name] for name in columns.split(",")} for row in expected])
    pages = [await portal.rows(**query, limit="3", offset=str(offset)) for offset in range(0, len(expected), 3)]
    assert [row for page in pages for row in page] == rows
    assert await portal.rows(dataset="4y6x-dmck", select="count(*)", where=where) == [{"count": str(len(expected))}]
    assert (await portal.ask(**{**query, "where": "insp_total > 0"}))[0] == 400  # text, against a number
