"""What a program finds in its environment: a world with twelve companies."""

import secrets

import pytest
from pymongo import MongoClient

from fmcsa_orchestrator.testing import Fleet, LocalFmcsa


@pytest.fixture
async def environment(wire_uri):
    """The variables of a world with twelve companies, their ids 0 to 11."""
    fleet = Fleet.uniform(12, violations=3, inspections=2)
    name = f"wiring_{secrets.token_hex(4)}"
    with MongoClient(wire_uri) as client:
        client[name]["companies"].insert_many([{**document, "_id": n} for n, document in enumerate(fleet.company_documents())])
        async with LocalFmcsa(fleet) as upstream:
            yield {
                "FMCSA_MONGODB_URI": f"{wire_uri}/{name}",
                "FMCSA_SODA_BASE_URL": upstream.soda_url,
                "FMCSA_SODA_REQUESTS_PER_SECOND": "1000",
                "FMCSA_SOURCE_CALLS_PER_SECOND": "1000",
            }
        client.drop_database(name)


@pytest.fixture
def configured(environment, monkeypatch):
    """These variables are those of the test's own process."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
