"""The world in which the examples run: the double of the upstream, and companies in the embedded store."""

from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from fmcsa_orchestrator.testing import Fleet, LocalFmcsa


@pytest.fixture
async def upstream():
    async with LocalFmcsa(Fleet.sample(10)) as server:
        yield server


@pytest.fixture
async def database(wire_uri):
    """A database of the test's own with the fleet's companies, but for the last, which is large and would cost seconds."""
    name = f"examples_{uuid4().hex[:8]}"
    async with AsyncMongoClient(wire_uri, tz_aware=True) as client:
        companies = [{"_id": f"company-{n}", **company} for n, company in enumerate(Fleet.sample(10).company_documents())]
        await client[name]["companies"].insert_many(companies[:-1])
        yield client[name]
        await client.drop_database(name)


@pytest.fixture
def settings(monkeypatch, upstream, database, wire_uri):
    values = {
        "FMCSA_MONGODB_URI": f"{wire_uri}/{database.name}",
        "FMCSA_SODA_BASE_URL": upstream.soda_url,
        "FMCSA_SODA_REQUESTS_PER_SECOND": "500",
        "FMCSA_SOURCE_CALLS_PER_SECOND": "500",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
