"""Two whole runs on a server that is neither embedded nor a mock: afterwards it holds exactly what upstream has.

FMCSA_TEST_COMPANIES says over how many companies, for however long that takes; see docs/howto/real-mongodb.md.
"""

import os
from dataclasses import replace

import pytest

from fmcsa_orchestrator.storage import row_writer
from fmcsa_orchestrator.testing import Fleet
from tests.support import real_store
from tests.support.equality import differences
from tests.support.world import open_world

# FerretDB reads all documents of a collection for each update, and keeps one of its hundred connections to SQLite for every one that
# finds its document, until the command ends: with more of them in one command it would never end.
COMPANIES, MOST_ROWS, BULK = (60, 3, 60) if real_store.IS_FERRETDB else (300, 10_000, 1_000)
WANTED = os.environ.get("FMCSA_TEST_COMPANIES")
COMPANIES = int(WANTED or COMPANIES)
SETTINGS = {"batch_size": BULK, "lease_ttl_s": 600 if real_store.IS_FERRETDB else 30}  # it answers no heartbeat during a bulk
if WANTED and real_store.IS_FERRETDB:
    MOST_ROWS = 1

pytestmark = [
    *([pytest.mark.timeout(0)] if WANTED else []),
    pytest.mark.usefixtures("no_pauses"),
    pytest.mark.skipif(not real_store.KINDS, reason="set FMCSA_TEST_FERRETDB=build, or FMCSA_TEST_MONGODB_URI"),
]


def fleet():
    """Carriers of all kinds, with no more rows than the server can bear."""
    carriers = Fleet.sample(COMPANIES).carriers
    return Fleet(
        replace(carrier, inspections=min(carrier.inspections, MOST_ROWS), violations=min(carrier.violations, MOST_ROWS))
        for carrier in carriers
    )


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_two_runs_make_the_store_equal_to_upstream(driver, monkeypatch):
    monkeypatch.setattr(row_writer, "BULK", BULK)
    async with open_world(driver, real_store.uri(), fleet=fleet(), **SETTINGS) as world:
        first = await world.orchestrator.sync_all_companies()
        assert (first.success, first.total, first.errors) == (True, COMPANIES, [])
        assert await differences(world) == []

        world.upstream.publish(changed=0.2)
        second = await world.orchestrator.sync_all_companies()
        assert (second.success, second.total, second.errors) == (True, COMPANIES, [])
        assert second.rows_written > 0
        assert await differences(world) == []
