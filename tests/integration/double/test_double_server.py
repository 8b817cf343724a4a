"""The local server that the doubles have in common: it remembers requests, keeps its port, is slow or compresses when told to."""

import asyncio
import gzip
import json

import aiohttp
import pytest

from fmcsa_orchestrator.testing.fmcsa.fleet import Fleet
from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa
from tests.support.double import INSPECTIONS, VIOLATIONS, Get, Jump, came_in, carrier, metadata


async def test_requests_are_recorded(upstream: LocalFmcsa, session: aiohttp.ClientSession, get: Get, fleet: Fleet) -> None:
    await get(dot_number="1", **{"$limit": "5"})
    await get(metadata(INSPECTIONS))
    await get(carrier(upstream, 1))
    resource, about, mobile = upstream.requests
    assert (resource.method, resource.kind, resource.dataset, resource.status) == ("GET", "resource", VIOLATIONS, 200)
    assert resource.query == {"dot_number": "1", "$limit": "5"}
    assert resource.path == f"/resource/{VIOLATIONS}.json"
    assert "User-Agent" in resource.headers
    assert (about.kind, about.dataset) == ("metadata", INSPECTIONS)
    assert (mobile.kind, mobile.dataset, mobile.query) == ("qcmobile", None, {"webKey": upstream.web_key})
    assert resource.at <= about.at <= mobile.at
    assert upstream.count() == 3
    assert (upstream.count("resource"), upstream.count(dataset=VIOLATIONS), upstream.count("qcmobile", VIOLATIONS)) == (1, 1, 0)
    upstream.reset_requests()
    assert (upstream.count(), len(upstream.requests)) == (0, 0)


async def test_stop_and_start_on_the_same_port(upstream: LocalFmcsa, get: Get) -> None:
    url = upstream.soda_url
    await upstream.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await get()
    await upstream.start()
    await upstream.start()
    assert upstream.soda_url == url
    assert (await get())[0].status == 200


async def test_a_taken_port_is_an_error(upstream: LocalFmcsa, fleet: Fleet) -> None:
    second = LocalFmcsa(fleet, port=int(upstream.soda_url.rpartition(":")[2]))
    with pytest.raises(OSError, match="address already in use"):
        await second.start()
    await second.stop()


async def test_latency(fleet: Fleet, session: aiohttp.ClientSession, jump: Jump) -> None:
    async with LocalFmcsa(fleet, latency_s=60) as upstream:
        request = asyncio.ensure_future(session.get(upstream.soda_url + metadata()))
        await came_in(upstream)
        assert not request.done()
        jump(60)
        async with await request as response:
            assert response.status == 200


async def test_compressed_if_the_client_can(fleet: Fleet) -> None:
    async with LocalFmcsa(fleet, compress=True) as upstream, aiohttp.ClientSession(auto_decompress=False) as session:
        url = f"{upstream.soda_url}/resource/{VIOLATIONS}.json"
        async with session.get(url, headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert len(json.loads(gzip.decompress(await response.read()))) == 30
        async with session.get(url, headers={"Accept-Encoding": "identity"}) as response:
            assert "Content-Encoding" not in response.headers
            assert len(json.loads(await response.read())) == 30
