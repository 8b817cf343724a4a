"""Something is kept of each SMS run, once for each company and run."""

import pytest

from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.testing import Fault, Fleet
from tests.support.world import open_world


@pytest.mark.parametrize("store", ["memory", "motor"])
async def test_each_run_is_kept_once(store, wire_uri):
    fleet = Fleet.sample(8)
    usdot = fleet.usdots[0]
    async with open_world(store, wire_uri, fleet=fleet) as world:
        seen = []
        for _ in range(3):
            assert (await world.orchestrator.sync_all_companies()).success
            document = next(company for company in await world.companies() if company["_id"] == usdot)
            seen.append((dig(document, "fmcsaData.csa.dataAsOf"), dig(document, "fmcsaData.csa.vehicleMaintenance.measure")))
            fleet.publish(changed=1)
        await world.orchestrator.sync_all_companies(force=True)
        await world.orchestrator.sync_all_companies(force=True)
        entries = await world.history.of(usdot, usdot)
        unknown = next(carrier.usdot for carrier in fleet.carriers if carrier.kind == "unknown")
        assert await world.history.of(unknown, unknown) == []
    kept = [(entry["asOf"], entry["basics"]["vehicleMaintenance"]["measure"]) for entry in entries]
    assert len(kept) == 4
    assert kept[:3] == seen
    assert entries[0]["rates"]["vehicle"]["nationalAverage"] > 0
    assert [entry["violations"] for entry in entries] == [fleet.carriers[0].violations] * 4


async def test_a_source_that_failed_keeps_nothing():
    fleet = Fleet.sample(4)
    async with open_world("memory", None, fleet=fleet) as world:
        world.upstream.inject(Fault.status(500), dataset="4y6x-dmck")
        await world.orchestrator.sync_all_companies()
        assert world.history.documents == {}
