"""The double of the upstream with a small fleet, and a client for it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from fmcsa_orchestrator.testing.fmcsa.fleet import Fleet
from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa
from tests.support.double import VIOLATIONS, Get


@pytest.fixture
def fleet() -> Fleet:
    return Fleet.uniform(5, violations=6, inspections=4)


@pytest.fixture
async def upstream(fleet: Fleet) -> AsyncIterator[LocalFmcsa]:
    async with LocalFmcsa(fleet) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def get(upstream: LocalFmcsa, session: aiohttp.ClientSession) -> Get:
    """GET a path, by default all violations."""

    async def get(path: str = f"/resource/{VIOLATIONS}.json", **params: str) -> tuple[aiohttp.ClientResponse, bytes]:
        async with session.get(upstream.soda_url + path, params=params) as response:
            return response, await response.read()

    return get
