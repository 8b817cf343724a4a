"""The fleet's counts in MongoDB against the same fleet counted in Python, on mongomock and over the wire with both drivers."""

import json
import secrets
from collections import Counter

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient

from fmcsa_orchestrator import CompanyNotFoundError, RepositoryError
from fmcsa_orchestrator.report.freshness import company_state, source_views
from fmcsa_orchestrator.report.overview import as_json, cutoff_of
from fmcsa_orchestrator.report.read import read_company, read_fleet
from fmcsa_orchestrator.storage.fleet_status import ProofCounts, State
from fmcsa_orchestrator.storage.mongodb.driver import connect, database_of
from fmcsa_orchestrator.storage.mongodb.fleet_counts import MongoFleet
from tests.support.backends import WIRES, open_backend
from tests.support.commands import Commands
from tests.support.status_samples import AS_OF, NOW, SOURCES, company, failing, source

CUTOFF = cutoff_of(NOW, 48)
OID = ObjectId()
FLEET = [
    company("a", 60, name="Oldest", number="USDOT 1"),
    company("b", 3),
    company("c", 50, csa_scores=source("skipped", None)),
    failing("d", 2),
    company("e", 1, success=False, inspections=source("timed_out", None), csa_scores=source("unavailable", 80)),
    {"_id": 6, "name": "New", "dotNumber": 6},
    {"_id": OID, "dotNumber": 7, "fmcsaData": {"syncStatus": {"sources": {}}}},
    company("h", 4, scoring=source("not_found", 90)),
    {"_id": "none", "name": "without a number", "dotNumber": "", "fmcsaData": {"syncStatus": {"success": False}}},
]


@pytest.fixture(params=["mongomock", *WIRES])
async def database(request, wire_uri):
    async with open_backend(request.param, wire_uri) as backend:
        yield backend.database


def by_state(states):
    counted = Counter(states)
    return {state: counted[state] for state in State}


async def test_counts_are_those_of_the_documents(database):
    await database["companies"].insert_many([dict(document) for document in FLEET])
    counts = await MongoFleet(database).counts([*SOURCES, "scoring"], CUTOFF)
    mine = [document for document in FLEET if document["dotNumber"]]
    assert counts.total == len(mine) == 8
    assert counts.states.by_state() == by_state(company_state(document, CUTOFF) for document in mine)
    assert counts.states.by_state() == {State.FRESH: 2, State.STALE: 2, State.FAILING: 2, State.NEVER: 2}
    assert (counts.oldest, counts.oldest_company) == (FLEET[0]["fmcsaData"]["syncStatus"]["lastRun"], "Oldest")
    for found in counts.sources:
        views = [source_views(document, [found.name], CUTOFF)[0] for document in mine]
        assert found.states.by_state() == by_state(view.state for view in views), found.name
        assert found.outcomes == Counter(view.outcome for view in views if view.outcome)
        assert found.oldest_success == min(view.last_success for view in views if view.last_success)
        assert found.data_as_of == AS_OF


async def test_proofs_are_counted_by_what_they_say(database):
    said = [True, True, True, False, None, "yes", [True], 1]
    fleet = [company(key, 1) for key in range(len(said) + 1)]
    for document, agrees in zip(fleet, said, strict=False):
        document["fmcsaData"]["csa"] = {"recomputed": {"agrees": agrees}}
    await database["companies"].insert_many(fleet)
    counts = await MongoFleet(database).counts(SOURCES, CUTOFF)
    assert counts.proof == ProofCounts(agree=3, disagree=1, unknown=5)
    assert counts.total == len(fleet)


async def test_the_fleet_takes_four_commands_whatever_its_sources(wire_uri):
    commands = Commands()
    client = AsyncMongoClient(wire_uri, tz_aware=True, event_listeners=[commands])
    name = f"status_{secrets.token_hex(4)}"
    await client[name]["companies"].insert_many([dict(document) for document in FLEET])
    commands.counts.clear()
    overview = await read_fleet(client[name], "companies", SOURCES, limit=500)
    assert (overview.fleet.total, len(overview.companies), len(overview.fleet.sources)) == (8, 8, 4)
    assert commands.counts == {"find": 3, "aggregate": 1}
    await client.drop_database(name)
    await client.close()


async def test_an_empty_fleet_is_counted_too(database):
    counts = await MongoFleet(database).counts(SOURCES, CUTOFF)
    assert (counts.total, counts.oldest, set(counts.states.by_state().values())) == (0, None, {0})
    assert {(found.oldest_success, found.data_as_of, len(found.outcomes)) for found in counts.sources} == {(None, None, 0)}


async def test_the_least_recently_attempted_come_first_and_only_so_many(database):
    await database["companies"].insert_many([dict(document) for document in FLEET])
    overview = await read_fleet(database, "companies", SOURCES, limit=3)
    assert [shown.state for shown in overview.companies[:2]] == [State.NEVER, State.NEVER]
    assert (len(overview.companies), overview.companies[2].name, overview.fleet.total) == (3, "Oldest", 8)
    assert overview.is_failing


async def test_one_company_by_text_number_and_object_id(database):
    await database["companies"].insert_many([dict(document) for document in FLEET])
    for asked, found in (("h", "h"), ("6", 6), (str(OID), str(OID))):
        overview = await read_company(database, "companies", asked, SOURCES)
        assert [shown.id for shown in overview.companies] == [found]
        json.dumps(as_json(overview))
    for unknown in ("nobody", "77"):
        with pytest.raises(CompanyNotFoundError, match=unknown):
            await read_company(database, "companies", unknown, SOURCES)
    names = [view.name for view in (await read_company(database, "companies", "h", SOURCES)).companies[0].sources]
    assert names == [*SOURCES, "scoring"]


async def test_a_server_that_is_down_is_a_repository_error():
    client = connect("mongodb://someone:s3cret@127.0.0.1:9/x", selection_s=0.1)
    with pytest.raises(RepositoryError, match="FMCSA_MONGODB_URI") as raised:
        await read_fleet(database_of(client, None), "companies", SOURCES, limit=5)
    assert "s3cret" not in str(raised.value)
    with pytest.raises(RepositoryError, match="cannot count"):
        await MongoFleet(database_of(client, None)).counts(SOURCES, CUTOFF)
    client.close()
