"""Each fault of the local upstream does what it is called, to the requests it is meant for."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from fmcsa_orchestrator.testing.fmcsa.fleet import Fleet
from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa
from fmcsa_orchestrator.testing.server.faults import Fault
from tests.support.double import INSPECTIONS, VIOLATIONS, Get, Jump, came_in, carrier, metadata, rows
from tests.support.passing_time import PATIENCE_S, turns


@pytest.mark.parametrize("code", [202, 400, 401, 403, 404, 429, 500, 502, 503, 520])
async def test_status(upstream: LocalFmcsa, get: Get, code: int, fleet: Fleet) -> None:
    upstream.inject(Fault.status(code))
    for path in (f"/resource/{VIOLATIONS}.json", metadata(), carrier(upstream, fleet.usdots[0])):
        response, body = await get(path)
        assert response.status == code
        assert body
        assert "Retry-After" not in response.headers


@pytest.mark.parametrize(
    ("code", "key", "value"),
    [(400, "code", "query.compiler.malformed"), (403, "code", "permission_denied"), (404, "code", "dataset.missing")],
)
async def test_recorded_bodies(upstream: LocalFmcsa, get: Get, code: int, key: str, value: str) -> None:
    upstream.inject(Fault.status(code))
    assert json.loads((await get())[1])[key] == value


async def test_a_block_by_qcmobiles_load_balancer_is_html(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    upstream.inject(Fault.status(403))
    response, body = await get(carrier(upstream, fleet.usdots[0]))
    assert response.content_type == "text/html"
    assert 100 < len(body) < 140


async def test_qcmobile_server_fault_is_a_json_string(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    upstream.inject(Fault.status(500))
    assert json.loads((await get(carrier(upstream, fleet.usdots[0])))[1]) == "Internal Server Error"


@pytest.mark.parametrize("retry_after", [7, "Tue, 24 Nov 2026 07:00:00 GMT"])
async def test_retry_after(upstream: LocalFmcsa, get: Get, retry_after: int | str) -> None:
    upstream.inject(Fault.status(429, retry_after=retry_after))
    assert (await get())[0].headers["Retry-After"] == str(retry_after)


async def test_html(upstream: LocalFmcsa, get: Get) -> None:
    first = upstream.inject(Fault.html())
    response, page = await get()
    assert (response.status, response.content_type) == (200, "text/html")
    first.remove()
    upstream.inject(Fault.html_as_json())
    response, body = await get()
    assert (response.status, response.content_type) == (200, "application/json")
    assert body == page


async def test_empty_body(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.empty_body())
    response, body = await get()
    assert (response.status, body) == (200, b"")


async def test_truncated_ends_properly_but_is_no_json(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.truncated())
    response, body = await get()
    assert response.status == 200
    assert body.startswith(b"[{")
    with pytest.raises(ValueError):
        json.loads(body)


async def test_reset_comes_in_the_middle_of_the_body(upstream: LocalFmcsa, session: aiohttp.ClientSession) -> None:
    upstream.inject(Fault.reset())
    async with session.get(f"{upstream.soda_url}/resource/{VIOLATIONS}.json") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_drip_comes_in_pieces(upstream: LocalFmcsa, session: aiohttp.ClientSession, get: Get, jump: Jump) -> None:
    whole = (await get(**{"$order": ":id"}))[1]
    upstream.inject(Fault.drip(3, 60))
    pieces = []
    async with session.get(f"{upstream.soda_url}/resource/{VIOLATIONS}.json", params={"$order": ":id"}) as response:
        for _ in range(3):
            reading = asyncio.ensure_future(response.content.readany())
            await turns()
            assert not reading.done()
            jump(60)
            pieces.append(await reading)
        assert await response.content.readany() == b""
    assert b"".join(pieces) == whole
    assert all(pieces)


async def test_hang_answers_late(upstream: LocalFmcsa, get: Get, jump: Jump) -> None:
    upstream.inject(Fault.hang(60))
    request = asyncio.ensure_future(get())
    await came_in(upstream)
    assert not request.done()
    jump(60)
    response, _ = await request
    assert response.status == 200


@pytest.mark.parametrize("fault", [Fault.hang(3_600), Fault.drip(5, 3_600)], ids=["hang", "drip"])
async def test_waiting_faults_end_with_the_server(upstream: LocalFmcsa, get: Get, fault: Fault) -> None:
    upstream.inject(fault)
    request = asyncio.ensure_future(get())
    await came_in(upstream)
    async with asyncio.timeout(PATIENCE_S):
        await upstream.stop()
        with pytest.raises(aiohttp.ClientError):
            await request


async def test_a_hanging_request_is_recorded_without_a_status(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.hang(3_600))
    request = asyncio.ensure_future(get())
    await came_in(upstream)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert [record.status for record in upstream.requests] == [0]


async def test_not_an_array(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.not_an_array())
    assert isinstance(await rows(get), dict)
    assert "columns" in json.loads((await get(metadata()))[1])


async def test_missing_column(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.missing_column("time_weight"))
    response, body = await get()
    assert "time_weight" not in json.loads(response.headers["X-SODA2-Fields"])
    assert len(json.loads(response.headers["X-SODA2-Types"])) == 12
    assert all("time_weight" not in row and "viol_code" in row for row in json.loads(body))
    assert "time_weight" not in {column["fieldName"] for column in json.loads((await get(metadata()))[1])["columns"]}
    response, body = await get(**{"$where": "time_weight='1'"})
    assert (response.status, json.loads(body)["errorCode"]) == (400, "query.soql.no-such-column")


async def test_new_column(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.new_column("driver_id"))
    response, body = await get()
    assert json.loads(response.headers["X-SODA2-Fields"])[-1] == "driver_id"
    assert all("driver_id" in row for row in json.loads(body))
    assert json.loads((await get(metadata()))[1])["columns"][-1]["fieldName"] == "driver_id"


async def test_retyped_column(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    upstream.inject(Fault.retyped_column("dot_number", "number"))
    response, _ = await get()
    types = dict(zip(*(json.loads(response.headers[f"X-SODA2-{name}"]) for name in ("Fields", "Types")), strict=True))
    assert (types["dot_number"], types["viol_code"]) == ("number", "text")
    columns = {column["fieldName"]: column["dataTypeName"] for column in json.loads((await get(metadata()))[1])["columns"]}
    assert columns["dot_number"] == "number"
    usdot = fleet.usdots[0]
    numbers = await rows(get, **{"$where": f"dot_number = {usdot}"})
    assert len(numbers) == 6


async def test_a_retyped_column_compares_as_numbers(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.retyped_column("severity_weight", "number"))
    weights = [float(row["severity_weight"]) for row in await rows(get)]
    heavy = await rows(get, **{"$where": "severity_weight > 4"})
    assert len(heavy) == sum(weight > 4 for weight in weights) > 0
    upstream.inject(Fault.retyped_column("viol_code", "number"))
    assert all(row["viol_code"].isdecimal() for row in await rows(get, **{"$where": "viol_code > 0"}))


@pytest.mark.parametrize("value", ["99-XXX-99", {"a": 1}, None, 7])
async def test_bad_value_in_every_row(upstream: LocalFmcsa, get: Get, value: Any) -> None:
    upstream.inject(Fault.bad_value("insp_date", value), dataset=VIOLATIONS)
    assert [row["insp_date"] for row in await rows(get)] == [value] * 30


async def test_bad_value_of_one_carrier(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    bad, good = fleet.usdots[:2]
    upstream.inject(Fault.bad_value("insp_date", "99-XXX-99"), usdot=bad)
    found = await rows(get, **{"$where": f"dot_number in ('{bad}','{good}')"})
    assert {row["dot_number"] for row in found if row["insp_date"] == "99-XXX-99"} == {str(bad)}
    assert sum(row["insp_date"] == "99-XXX-99" for row in found) == 6
    assert all(row["insp_date"] != "99-XXX-99" for row in await rows(get, dot_number=str(good)))


async def test_stale_says_so(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    usdot = fleet.usdots[0]
    upstream.publish(changed=1.0)
    upstream.inject(Fault.stale())
    response, body = await get(dot_number=str(usdot), **{"$order": ":id"})
    headers = response.headers
    assert headers["X-SODA2-Data-Out-Of-Date"] == "true"
    assert headers["X-SODA2-Truth-Last-Modified"] == "Fri, 13 Nov 2026 07:05:00 GMT"
    assert headers["X-SODA2-Secondary-Last-Modified"] == headers["Last-Modified"] == "Thu, 12 Nov 2026 07:05:00 GMT"
    assert _sorted(json.loads(body)) == _sorted(fleet.previous(VIOLATIONS, usdot)) != _sorted(fleet.rows(VIOLATIONS, usdot))
    assert json.loads((await get(metadata()))[1])["rowsUpdatedAt"] == 1_794_553_500


async def test_older_says_nothing(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    usdot = fleet.usdots[0]
    before = await get(dot_number=str(usdot), **{"$order": ":id"})
    old_metadata = (await get(metadata()))[1]
    upstream.publish(changed=1.0)
    upstream.inject(Fault.older())
    response, body = await get(dot_number=str(usdot), **{"$order": ":id"})
    changing = {"Date", "X-Socrata-RequestId"}
    assert {k: v for k, v in response.headers.items() if k not in changing} == {
        k: v for k, v in before[0].headers.items() if k not in changing
    }
    assert body == before[1]
    assert (await get(metadata()))[1] == old_metadata


async def test_stale_before_any_publication_is_an_edition_behind_too(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.stale())
    assert (await get())[0].headers["Last-Modified"] == "Wed, 11 Nov 2026 07:05:00 GMT"


async def test_empty_dataset(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    upstream.inject(Fault.empty_dataset(), dataset=VIOLATIONS)
    assert await rows(get) == []
    assert await rows(get, **{"$select": "count(*)"}) == [{"count": "0"}]
    assert await rows(get, **{"$select": "dot_number,count(*)", "$group": "dot_number"}) == []
    assert await rows(get, path=f"/resource/{INSPECTIONS}.json") != []


async def test_a_missing_row_is_in_no_count_either(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    victim, other = [usdot for usdot in fleet.usdots if fleet.count(VIOLATIONS, usdot) > 4][:2]
    upstream.inject(Fault.row_missing(3), dataset=VIOLATIONS, usdot=victim)
    both = {"$where": f"dot_number in('{victim}','{other}')", "$order": ":id"}
    counts = {"$select": "dot_number,count(*)", "$group": "dot_number"}
    expected = fleet.rows(VIOLATIONS, victim)
    del expected[3]
    assert _sorted(await rows(get, **both)) == _sorted([*expected, *fleet.rows(VIOLATIONS, other)])
    assert {row["dot_number"]: int(row["count"]) for row in await rows(get, **both, **counts)} == {
        str(victim): len(expected),
        str(other): fleet.count(VIOLATIONS, other),
    }
    path = f"/resource/{INSPECTIONS}.json"
    assert len(await rows(get, path=path, dot_number=str(victim))) == fleet.count(INSPECTIONS, victim)


async def test_a_missing_row_of_each_carrier(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    upstream.inject(Fault.row_missing(), dataset=VIOLATIONS)
    counts = {"$select": "dot_number,count(*)", "$group": "dot_number", "$limit": "1000"}
    with_rows = {usdot: count for usdot in fleet.usdots if (count := fleet.count(VIOLATIONS, usdot))}
    found = {int(row["dot_number"]): int(row["count"]) for row in await rows(get, **counts)}
    assert found == {usdot: count - 1 for usdot, count in with_rows.items() if count > 1}


async def test_publish_now(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    pages = {"$order": ":id", "$limit": "10"}
    upstream.inject(Fault.publish_now(), kind="resource", after=1, times=1)
    modified = [(await get(**pages, **{"$offset": str(offset)}))[0].headers["Last-Modified"] for offset in (0, 10, 20)]
    assert modified == ["Thu, 12 Nov 2026 07:05:00 GMT"] + 2 * ["Fri, 13 Nov 2026 07:05:00 GMT"]
    assert fleet.edition == 1


async def test_throttle(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.throttle(3, 60))
    assert [(await get())[0].status for _ in range(5)] == [200, 200, 200, 429, 429]


async def test_throttle_lets_through_again_later(upstream: LocalFmcsa, get: Get, jump: Jump) -> None:
    upstream.inject(Fault.throttle(1, 3_600))
    assert [(await get())[0].status for _ in range(2)] == [200, 429]
    jump(3_600)
    assert [(await get())[0].status for _ in range(2)] == [200, 429]


def _sorted(found: Any) -> list[str]:
    return sorted(map(json.dumps, found))
