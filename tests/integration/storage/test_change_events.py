"""What whoever watches the database hears of: the updates of each company's document, and of its rows, run by run."""

from collections import Counter

import pytest
from pymongo.monitoring import CommandListener

from fmcsa_orchestrator.testing import Fleet
from tests.support import real_store
from tests.support.world import open_world

COMPANIES = 60
ROWS = {"fmcsaViolations", "fmcsaInspections"}


class Updates(CommandListener):
    """The updates that are sent: by company, and of rows."""

    def __init__(self):
        self.of_companies, self.of_rows = Counter(), 0

    def started(self, event):
        if event.command_name != "update":
            return
        collection = event.command["update"]
        for update in event.command["updates"]:
            named = update["q"].get("_id")
            if collection == "companies":
                self.of_companies.update(named["$in"] if isinstance(named, dict) else [named])
            self.of_rows += collection in ROWS

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass

    def clear(self):
        """How many companies were updated how often, and the rows; then from nothing."""
        found = Counter(self.of_companies.values()), self.of_rows
        self.of_companies, self.of_rows = Counter(), 0
        return found


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("real", [False, *([True] * bool(real_store.OWN_URI))])
async def test_nothing_where_nothing_has_changed_and_two_per_company_where_all_has(wire_uri, real):
    updates, uri = Updates(), real_store.uri() if real else wire_uri
    fleet = Fleet.uniform(COMPANIES, violations=5, inspections=5)
    async with open_world("pymongo", uri, fleet=fleet, client_options={"event_listeners": [updates]}) as world:
        sync = world.orchestrator.sync_all_companies
        assert (await sync()).outcomes["violations"] == {"changed": COMPANIES}
        assert updates.clear() == ({2: COMPANIES}, 10 * COMPANIES)  # the lease, then fields and status; and each row
        assert (await sync()).outcomes["violations"] == {"unchanged": COMPANIES}
        assert updates.clear() == ({1: COMPANIES}, 0)  # that it is unchanged is something new to say, once
        for _ in range(3):
            assert (await sync()).total == COMPANIES
            assert updates.clear() == ({}, 0)
        world.upstream.publish(changed=1.0)
        assert (await sync()).outcomes["violations"] == {"changed": COMPANIES}
        per_company, rows = updates.clear()
        assert (per_company, rows > COMPANIES) == ({2: COMPANIES}, True)
        world.upstream.publish(changed=0.1)
        assert (await sync()).succeeded == COMPANIES
        per_company, rows = updates.clear()
        assert (per_company, 0 < rows < COMPANIES) == ({2: COMPANIES}, True)
