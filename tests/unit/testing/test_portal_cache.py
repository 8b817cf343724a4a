"""The double of the portal keeps the rows that it has made, and forgets some when they become many."""

import json

from fmcsa_orchestrator.testing import Fleet
from fmcsa_orchestrator.testing.fmcsa.portal import SodaDouble
from fmcsa_orchestrator.testing.server.faults import Edits


def test_cache_forgets_but_answers_stay_right():
    fleet = Fleet.uniform(8, violations=6, inspections=4)
    portal = SodaDouble(fleet, None, cached_rows=10)
    numbers = ",".join(f"'{usdot}'" for usdot in fleet.usdots)
    query = {"$where": f"dot_number in ({numbers})", "$order": ":id"}
    first, again = (json.loads(portal.resource("8mt8-2mdr", query, {}, Edits()).body) for _ in range(2))
    assert first == again
    assert len(first) == 8 * 6
    assert len(portal.cache) < len(fleet.usdots)
