"""Faults of the local upstream happen to the requests that they are meant for, as often as told."""

import json

import aiohttp

from fmcsa_orchestrator.testing.fmcsa.fleet import DATASETS, Fleet
from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa
from fmcsa_orchestrator.testing.server.faults import Fault
from tests.support.double import INSPECTIONS, VIOLATIONS, Get, carrier, metadata


async def test_times_and_after(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.status(500), after=1, times=2)
    assert [(await get())[0].status for _ in range(5)] == [200, 500, 500, 200, 200]


async def test_faults_queue_up(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.status(500), times=1)
    upstream.inject(Fault.status(429), times=1)
    assert [(await get())[0].status for _ in range(3)] == [500, 429, 200]


async def test_faults_add_up(upstream: LocalFmcsa, get: Get) -> None:
    upstream.inject(Fault.missing_column("viol_code"))
    upstream.inject(Fault.missing_column("viol_unit"))
    upstream.inject(Fault.new_column("one"))
    upstream.inject(Fault.new_column("two"))
    fields = json.loads((await get())[0].headers["X-SODA2-Fields"])
    assert set(DATASETS[VIOLATIONS]) ^ set(fields) == {"viol_code", "viol_unit", "one", "two"}


async def test_faults_go_away(upstream: LocalFmcsa, get: Get) -> None:
    handle = upstream.inject(Fault.html())
    other = upstream.inject(Fault.status(500))
    handle.remove()
    assert (await get())[0].status == 500
    other.remove()
    assert (await get())[0].status == 200
    upstream.inject(Fault.status(500))
    upstream.clear_faults()
    assert (await get())[0].status == 200


async def test_dataset_and_kind(upstream: LocalFmcsa, get: Get, fleet: Fleet) -> None:
    upstream.inject(Fault.status(500), dataset=VIOLATIONS, kind="metadata")
    assert (await get(metadata()))[0].status == 500
    assert (await get())[0].status == 200
    assert (await get(metadata(INSPECTIONS)))[0].status == 200
    assert (await get(carrier(upstream, fleet.usdots[0])))[0].status == 200


async def test_a_carrier_is_meant_wherever_it_is_mentioned(
    upstream: LocalFmcsa, session: aiohttp.ClientSession, get: Get, fleet: Fleet
) -> None:
    usdot, other = fleet.usdots[:2]
    upstream.inject(Fault.status(500), usdot=usdot)
    both = f"dot_number in ('{other}','{usdot}')"
    for params in ({"dot_number": str(usdot)}, {"$where": both}, {"$query": f"select * where {both}"}):
        assert (await get(**params))[0].status == 500
    assert (await get(carrier(upstream, usdot)))[0].status == 500
    for params in ({"dot_number": str(other)}, {"$where": f"dot_number='{other}'"}, {"$select": "count(*)"}, {"$limit": "1"}):
        assert (await get(**params))[0].status == 200
    assert (await get(carrier(upstream, other)))[0].status == 200
