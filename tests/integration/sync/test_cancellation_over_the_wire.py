"""Runs cancelled at random moments while they talk to a store over the wire: nothing left running, and the next run mends all."""

import asyncio
import gc
from random import Random

import pytest

from fmcsa_orchestrator import SyncSummary
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.status import LEASE
from fmcsa_orchestrator.testing import Fleet
from tests.support.equality import differences, row_differences
from tests.support.world import open_world, run_out, status_of

POINTS = 12  # per driver, over the wire


def ours(tasks):
    """Those that the library has started."""
    return [task for task in tasks if "/fmcsa_orchestrator/" in repr(task) and "/testing/" not in repr(task)]


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # PyMongo leaves a socket whose opening is cancelled
@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_cancelled_at_any_moment_over_the_wire(wire_uri, driver):
    rng = Random(f"cancel {driver}")
    loop = asyncio.get_running_loop()
    async with open_world(driver, wire_uri, fleet=Fleet.uniform(6), batch_size=3) as world:
        started = loop.time()
        await world.orchestrator.sync_all_companies()
        took_s = loop.time() - started
        for _ in range(POINTS):
            world.upstream.publish(changed=1.0)
            task = asyncio.create_task(world.orchestrator.sync_all_companies())
            await asyncio.sleep(rng.uniform(0, took_s))
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(outcome, asyncio.CancelledError | SyncSummary)
            assert not ours(asyncio.all_tasks() - {asyncio.current_task()})
            companies = await world.companies()
            assert sum(dig(company, f"{LEASE}owner") is not None for company in companies) <= 1
            versions = await world.orchestrator.components.versions.current(afresh=True)
            current = [
                company
                for company in companies
                if all(status_of(company)["sources"][name]["version"] == version for name, version in versions.items())
            ]
            assert await row_differences(world, current) == []
            await run_out(world.database)
            assert (await world.orchestrator.sync_all_companies()).success
            assert await differences(world) == []
        gc.collect()
