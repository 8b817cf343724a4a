"""What was read is never called newer than it is, whoever else asks for the file's state meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from fmcsa_orchestrator import open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.testing import Fault, Fleet, InMemoryRepository, LocalFmcsa
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


async def test_what_is_stored_of_one_carrier_costs_no_other_and_a_time_to_come_costs_nobody():
    """One company's data is newer than the files, as a restored copy may have it; another's is dated to come."""
    fleet = Fleet.uniform(3, violations=3, inspections=3)
    memory = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
    async with LocalFmcsa(fleet) as upstream:
        async with open_orchestrator(demo_settings(upstream), repository=memory) as orchestrator:
            assert (await orchestrator.sync_all_companies()).success
            for number, as_of in ((0, datetime.now(UTC) - timedelta(hours=2)), (1, datetime(2050, 1, 1, tzinfo=UTC))):
                for source in memory.companies[number]["fmcsaData"]["syncStatus"]["sources"].values():
                    source["dataAsOf"] = as_of
            summary = await orchestrator.sync_all_companies(force=True)
        assert [(entry["companyId"], {failure.kind for failure in entry["errors"]}) for entry in summary.errors] == [
            (0, {"stale_upstream"})
        ]
