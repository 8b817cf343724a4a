"""The local QCMobile answers in the recorded shapes."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from fmcsa_orchestrator.testing.fmcsa.fleet import Carrier, Fleet
from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa

Ask = Callable[..., Awaitable[tuple[int, Any]]]

PARTS = ["basics", "oos", "authority", "docket-numbers", "cargo-carried", "operation-classification"]
CARRIER_FIELDS = """
    allowedToOperate bipdInsuranceOnFile bipdInsuranceRequired bipdRequiredAmount bondInsuranceOnFile bondInsuranceRequired
    brokerAuthorityStatus cargoInsuranceOnFile cargoInsuranceRequired carrierOperation censusTypeId commonAuthorityStatus
    contractAuthorityStatus crashTotal dbaName dotNumber driverInsp driverOosInsp driverOosRate driverOosRateNationalAverage ein
    fatalCrash hazmatInsp hazmatOosInsp hazmatOosRate hazmatOosRateNationalAverage injCrash isPassengerCarrier issScore legalName
    mcs150Outdated oosDate oosRateNationalAverageYear phyCity phyCountry phyState phyStreet phyZipcode reviewDate reviewType
    safetyRating safetyRatingDate safetyReviewDate safetyReviewType snapshotDate statusCode totalDrivers totalPowerUnits
    towawayCrash vehicleInsp vehicleOosInsp vehicleOosRate vehicleOosRateNationalAverage
""".split()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet.sample(40)


@pytest.fixture
async def upstream(fleet: Fleet) -> AsyncIterator[LocalFmcsa]:
    async with LocalFmcsa(fleet) as server:
        yield server


@pytest.fixture
async def ask(upstream: LocalFmcsa) -> AsyncIterator[Ask]:
    async with aiohttp.ClientSession() as session:

        async def get(path: str, **params: str) -> tuple[int, Any]:
            query = params or {"webKey": upstream.web_key}
            async with session.get(f"{upstream.qcmobile_url}/carriers/{path}", params=query) as response:
                return response.status, await response.json(content_type=None)

        yield get


def some(fleet: Fleet, **wanted: Any) -> list[Carrier]:
    return [c for c in fleet.carriers if all(getattr(c, name) == value for name, value in wanted.items())]


async def test_carrier_in_the_recorded_shape(fleet: Fleet, ask: Ask) -> None:
    carrier = some(fleet, kind="small", passenger=False)[0]
    status, body = await ask(str(carrier.usdot))
    assert status == 200
    assert body["retrievalDate"] == "2026-11-24T06:33:31.490+0000"
    assert set(body["content"]) == {"_links", "carrier"}
    fields = body["content"]["carrier"]
    assert list(fields) == CARRIER_FIELDS
    assert fields["dotNumber"] == carrier.usdot
    assert fields["legalName"] == carrier.name.upper()
    for name in ("crashTotal", "driverInsp", "vehicleOosInsp", "ein", "totalDrivers"):
        assert type(fields[name]) is int
    assert fields["vehicleOosRateNationalAverage"] == "22.26"


async def test_counts_and_rates_are_the_fleets(fleet: Fleet, ask: Ask) -> None:
    carrier = some(fleet, kind="small", passenger=False, file_class="AB")[0]
    row = fleet.rows("4y6x-dmck", carrier.usdot)[0]
    _, body = await ask(str(carrier.usdot))
    fields = body["content"]["carrier"]
    assert fields["vehicleInsp"] == int(row["vehicle_insp_total"])
    assert fields["vehicleOosInsp"] == int(row["vehicle_oos_insp_total"])
    assert fields["vehicleOosRate"] == pytest.approx(100 * fields["vehicleOosInsp"] / fields["vehicleInsp"])


async def test_rates_have_many_digits_or_are_whole(fleet: Fleet, upstream: LocalFmcsa) -> None:
    texts = []
    async with aiohttp.ClientSession() as session:
        for carrier in some(fleet, kind="small"):
            async with session.get(f"{upstream.qcmobile_url}/carriers/{carrier.usdot}?webKey={upstream.web_key}") as response:
                texts.append(await response.text())
    rates = re.findall(r'"(?:driver|vehicle)OosRate":([^,]+),', "".join(texts))
    assert any(re.fullmatch(r"\d{1,2}\.\d{38}", rate) for rate in rates)
    assert all(re.fullmatch(r"\d{1,3}|\d{1,2}\.\d{38}", rate) for rate in rates)


async def test_basics_of_property_carriers_are_not_public(fleet: Fleet, ask: Ask) -> None:
    seen = set()
    for carrier in some(fleet, kind="small", passenger=False):
        _, body = await ask(f"{carrier.usdot}/basics")
        assert [entry["basic"]["basicsType"]["basicsId"] for entry in body["content"]] == [11, 12, 13, 14, 15]
        for entry in body["content"]:
            basic = entry["basic"]
            percentile = basic["basicsPercentile"]
            assert (basic["onRoadPerformanceThresholdViolationIndicator"] == "u") == (percentile == "Inconclusive")
            seen.add(percentile)
    assert seen == {"Not Public", "Inconclusive"}


async def test_basics_of_passenger_carriers_are_those_of_their_file(fleet: Fleet, ask: Ask) -> None:
    found = []
    for carrier in some(fleet, passenger=True, kind="small"):
        row = fleet.rows({"AB": "m3ry-qcip", "C": "h3zn-uid9"}[carrier.file_class], carrier.usdot)[0]
        _, body = await ask(f"{carrier.usdot}/basics")
        percentile = body["content"][4]["basic"]["basicsPercentile"]
        assert percentile in {row["veh_maint_pct"], "Inconclusive"}
        assert body["content"][0]["basic"]["basicsViolationThreshold"] == "50"
        found.append(percentile)
    assert any(re.fullmatch(r"\d+%", percentile) for percentile in found)


async def test_basic_in_the_recorded_shape(fleet: Fleet, ask: Ask) -> None:
    carrier = some(fleet, kind="small", passenger=False)[0]
    _, body = await ask(f"{carrier.usdot}/basics")
    assert set(body) == {"content", "retrievalDate"}
    entry = body["content"][3]
    assert set(entry) == {"basic", "dotNumber", "_links"}
    assert entry["dotNumber"] is None
    basic = entry["basic"]
    assert basic["basicsType"] == {
        "basicsCode": "Drugs/Alcohol",
        "basicsCodeMcmis": None,
        "basicsId": 14,
        "basicsLongDesc": None,
        "basicsShortDesc": "Controlled Substances/\u200bAlcohol",
    }
    assert basic["id"] == {"basicsId": 14, "dotNumber": carrier.usdot}
    assert basic["basicsRunDate"] == "2026-10-30T04:00:00.000+0000"
    assert isinstance(basic["measureValue"], str)
    total = sum(entry["basic"]["totalViolation"] for entry in body["content"])
    hazmat = [row for row in fleet.rows("8mt8-2mdr", carrier.usdot) if row["basic_desc"].startswith("Hazardous")]
    assert total == carrier.violations - len(hazmat)


async def test_run_date_and_violations_move_with_a_publication(fleet: Fleet, upstream: LocalFmcsa, ask: Ask) -> None:
    async def violations() -> list[int]:
        bodies = [(await ask(f"{carrier.usdot}/basics"))[1] for carrier in small]
        return [body["content"][4]["basic"]["totalViolation"] for body in bodies]

    def maintenance() -> list[int]:
        found = [fleet.rows("8mt8-2mdr", carrier.usdot) for carrier in small]
        return [sum(row["basic_desc"] == "Vehicle Maintenance" for row in rows) for rows in found]

    small = some(fleet, kind="small")
    before = await violations()
    assert before == maintenance()
    upstream.publish(changed=1.0)
    after = await violations()
    assert after == maintenance() != before
    _, body = await ask(f"{small[0].usdot}/basics")
    assert {entry["basic"]["basicsRunDate"] for entry in body["content"]} == {"2026-11-27T05:00:00.000+0000"}


async def test_other_parts_in_the_recorded_shapes(fleet: Fleet, ask: Ask) -> None:
    usdot = some(fleet, kind="small")[0].usdot
    bodies = {part: (await ask(f"{usdot}/{part}"))[1] for part in PARTS}
    assert set(bodies["authority"]["content"][0]) == {"carrierAuthority", "_links"}
    assert bodies["authority"]["content"][0]["carrierAuthority"]["dotNumber"] == usdot
    assert set(bodies["docket-numbers"]["content"][0]) == {"docketNumber", "docketNumberId", "dotNumber", "prefix"}
    assert set(bodies["cargo-carried"]["content"][0]) == {"cargoClassDesc", "id"}
    assert bodies["operation-classification"]["content"][0]["id"] == {"dotNumber": usdot, "operationClassId": 1}
    assert bodies["docket-numbers"]["_links"]["self"]["href"].endswith(f"/carriers/{usdot}/mc-numbers")


async def test_a_stopped_carrier_has_an_order(ask: Ask, fleet: Fleet) -> None:
    stopped = [carrier.usdot for carrier in Fleet.sample(100).carriers if carrier.usdot % 19 == 0 and carrier.kind != "unknown"]
    async with LocalFmcsa(Fleet.sample(100)) as upstream, aiohttp.ClientSession() as session:
        url, key = f"{upstream.qcmobile_url}/carriers/{stopped[0]}", {"webKey": upstream.web_key}
        async with session.get(url, params=key) as response:
            assert (await response.json(content_type=None))["content"]["carrier"]["allowedToOperate"] == "N"
        async with session.get(f"{url}/oos", params=key) as response:
            order = (await response.json(content_type=None))["content"][0]["oos"]
    assert set(order) == {"dotNumber", "id", "oosDate", "oosReason", "oosReasonDescription"}


async def test_key(fleet: Fleet, ask: Ask, upstream: LocalFmcsa) -> None:
    usdot = fleet.usdots[0]
    status, body = await ask(str(usdot), webKey="wrong")
    assert (status, body["content"]) == (404, "Webkey not found")
    assert set(body["_links"]) == {"self", "searchByName", "lookupBydotNumber"}
    for params in ({"webkey": upstream.web_key}, {"webKey": ""}):
        status, body = await ask(str(usdot), **params)
        assert (status, body["content"]) == (404, "Must provide Webkey")


@pytest.mark.parametrize("part", ["", *PARTS])
async def test_unknown_carrier(fleet: Fleet, ask: Ask, part: str) -> None:
    unknown = some(fleet, kind="unknown")[0].usdot
    for usdot in (unknown, 9_999_999):
        status, body = await ask(f"{usdot}/{part}".rstrip("/"))
        assert (status, body["content"]) == (200, [] if part else None)


async def test_unknown_part(fleet: Fleet, upstream: LocalFmcsa) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{upstream.qcmobile_url}/carriers/{fleet.usdots[0]}/crashes?webKey={upstream.web_key}") as response,
    ):
        assert response.status == 404


async def test_labels_are_utf8_not_escapes(fleet: Fleet, upstream: LocalFmcsa) -> None:
    usdot = some(fleet, kind="small")[0].usdot
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{upstream.qcmobile_url}/carriers/{usdot}/basics?webKey={upstream.web_key}") as response,
    ):
        raw = await response.read()
    assert "Substances/\u200bAlcohol".encode() in raw
    assert json.loads(raw)
