"""An upstream that has no rows at all is not believed, though nothing contradicts it yet."""

import pytest

from fmcsa_orchestrator.testing import DATASETS, Fault, Fleet
from tests.support.equality import differences
from tests.support.world import open_world

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.mark.parametrize("single", [False, True], ids=["run", "handler"])
@pytest.mark.parametrize("dataset", ["8mt8-2mdr", "rbkj-cgst", None])
async def test_an_empty_file_at_the_first_sync_is_not_taken_for_a_clean_record(wire_uri, dataset, single):
    async with open_world("memory", wire_uri, fleet=Fleet.uniform(6), batch_size=6) as world:
        for name in DATASETS if dataset is None else [dataset]:
            world.upstream.inject(Fault.empty_dataset(), dataset=name, kind="resource")
        if single:
            assert not (await world.orchestrator.sync_company(world.fleet.usdots[0])).success
        else:
            assert not (await world.orchestrator.sync_all_companies()).success
        world.upstream.clear_faults()
        assert (await world.orchestrator.sync_all_companies()).success
        assert await differences(world) == []


async def test_an_empty_passenger_file_takes_no_percentile_away(wire_uri):
    async with open_world("memory", wire_uri, fleet=Fleet.sample(15), batch_size=15) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        world.upstream.publish(changed=1.0)
        world.upstream.inject(Fault.empty_dataset(), dataset="m3ry-qcip", kind="resource")
        for carrier in world.fleet.carriers:
            if carrier.passenger:
                await world.orchestrator.sync_company(carrier.usdot, force=True)
        world.upstream.clear_faults()
        assert (await world.orchestrator.sync_all_companies()).success
        assert await differences(world) == []
