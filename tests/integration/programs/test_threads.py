"""Two threads, each with an event loop of its own, through the module functions at once: on one store, beside each other."""

import asyncio
import secrets

import pytest

from fmcsa_orchestrator import sync_all_companies, sync_company
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from tests.support.world import connect


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_two_threads_sync_at_once(driver, wire_uri, monkeypatch):
    fleet, name = Fleet.uniform(6), f"threads_{secrets.token_hex(4)}"
    client = connect("pymongo", wire_uri)
    documents = zip(fleet.usdots, fleet.company_documents(), strict=True)
    await client[name]["companies"].insert_many([{**document, "_id": usdot} for usdot, document in documents])
    async with LocalFmcsa(fleet) as upstream:
        settings = {"MONGODB_URI": wire_uri, "MONGODB_DATABASE": name, "MONGODB_DRIVER": driver, "SODA_BASE_URL": upstream.soda_url,
                    "SODA_REQUESTS_PER_SECOND": "500", "SOURCE_CALLS_PER_SECOND": "500"}  # fmt: skip
        for key, value in settings.items():
            monkeypatch.setenv(f"FMCSA_{key}", value)

        async def both():
            return await asyncio.gather(sync_all_companies(), *(sync_company(usdot) for usdot in fleet.usdots[:3]))

        answers = await asyncio.gather(*(asyncio.to_thread(lambda: asyncio.run(both())) for _ in range(3)))
        for summary, *results in answers:
            assert summary.stopped in {None, "lease_held"}, summary
            assert summary.failed == 0
            assert {error.kind for result in results for error in result.errors} <= {"lease_held", "lease_lost"}
        assert [summary.stopped for summary, *_ in answers].count(None) >= 1
        last = await asyncio.to_thread(lambda: asyncio.run(sync_all_companies()))
        assert (last.success, last.total) == (True, 6)
    companies = await client[name]["companies"].find({}).to_list()
    assert all(company["fmcsaData"]["syncStatus"]["lease"]["owner"] is None for company in companies)
    await client.drop_database(name)
    await client.close()
