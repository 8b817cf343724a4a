"""What was read is never called newer than it is, whoever else asks for the file's state meanwhile."""

import pytest

from fmcsa_orchestrator.testing import Fault, Fleet
from tests.support.equality import differences
from tests.support.world import VIOLATIONS, open_world, status_of

pytestmark = pytest.mark.usefixtures("no_pauses")


async def test_a_replica_behind_that_answers_somebody_else_does_not_make_old_rows_pass_for_new(wire_uri):
    """The run is told of the new file; then a handler is told of the old one, and the run's rows come from there too."""
    async with open_world("memory", wire_uri, fleet=Fleet.uniform(6), batch_size=6) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        world.upstream.publish(changed=1.0)
        versions = world.orchestrator.components.versions
        original = versions.current

        async def then_the_replica_behind_answers(**options):
            answer = await original(**options)
            world.upstream.inject(Fault.older(), dataset=VIOLATIONS)
            versions.current = original
            await original(afresh=True)  # as a handler with `force` does
            return answer

        versions.current = then_the_replica_behind_answers
        await world.orchestrator.sync_all_companies()
        world.upstream.clear_faults()
        assert (await world.orchestrator.sync_all_companies()).success
        assert await differences(world) == []
        assert all(status_of(company)["sources"]["violations"]["version"] for company in await world.companies())
