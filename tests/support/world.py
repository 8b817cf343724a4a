"""A whole world for end-to-end tests: the double of the upstream over HTTP, a store, an orchestrator between them."""

import asyncio
import secrets
from collections import Counter
from contextlib import asynccontextmanager, suppress
from inspect import isawaitable

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure

from fmcsa_orchestrator import open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.storage.mongodb.history import MongoHistory
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import InMemoryRepository
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog, InMemoryHistory
from tests.support.passing_time import PATIENCE_S

VIOLATIONS, INSPECTIONS = "8mt8-2mdr", "rbkj-cgst"
COLLECTIONS = {VIOLATIONS: "fmcsaViolations", INSPECTIONS: "fmcsaInspections"}
UNHURRIED = {"request_timeout_s": 240, "company_timeout_s": 600}  # however busy the machine is
_CLIENTS = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}


class World:
    """A fleet upstream, its companies in a store, an orchestrator between them."""

    def __init__(self, fleet, upstream, database):
        self.fleet = fleet
        self.upstream = upstream
        self.database = database
        self.memory = InMemoryRepository()
        self.history = InMemoryHistory() if database is None else MongoHistory(database)
        self.event_log = InMemoryEventLog() if database is None else MongoEventLog(database)
        self.settings = self.orchestrator = None

    async def put(self, *companies):
        if self.database is None:
            self.memory.companies.update((company["_id"], company) for company in companies)
        else:
            await self.database["companies"].insert_many(companies)

    async def companies(self):
        return (
            list(self.memory.companies.values())
            if self.database is None
            else await self.database["companies"].find({}).to_list(None)
        )

    async def rows(self, dataset):
        """Of a dataset of SMS, or of a collection."""
        name = COLLECTIONS.get(dataset, dataset)
        if self.database is None:
            return [row for rows in self.memory.rows[name].values() for row in rows.values()]
        return await self.database[name].find({}).to_list(None)

    async def company(self, kind, **facts):
        for carrier in self.fleet.carriers:
            if carrier.kind == kind and all(getattr(carrier, name) == fact for name, fact in facts.items()):
                return next(company for company in await self.companies() if company["_id"] == carrier.usdot)
        raise LookupError(kind)

    async def current(self, dataset):
        return Counter(row["usdot"] for row in await self.rows(dataset) if row["current"])

    def upstream_rows(self, dataset):
        return Counter({usdot: count for usdot in self.fleet.usdots if (count := self.fleet.count(dataset, usdot))})


def connect(store, uri, **options):
    """A client of the driver that is called so."""
    return _CLIENTS[store](uri, tz_aware=True, **options)


async def answered(database):
    """Wait until the server answers this client, whose own patience may be short."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(ConnectionFailure):
                await database.command("ping")
                return


@asynccontextmanager
async def open_world(store, uri, *, fleet=None, **settings):
    """A world on this store ("memory", "motor", "pymongo"), its companies there, nothing synced yet."""
    fleet = fleet or Fleet.sample(40)
    client = connect(store, uri) if store in _CLIENTS else None
    name = f"world_{secrets.token_hex(4)}"
    async with LocalFmcsa(fleet) as upstream:
        world = World(fleet, upstream, None if client is None else client[name])
        if client is not None:
            await answered(world.database)
        await world.put(
            *({**document, "_id": usdot} for usdot, document in zip(fleet.usdots, fleet.company_documents(), strict=True))
        )
        options = {"qcmobile_web_key": None, "batch_size": 15, **UNHURRIED, **settings}
        lent = (
            {"repository": world.memory, "event_log": world.event_log, "history": world.history}
            if client is None
            else {"database": world.database}
        )
        world.settings = demo_settings(upstream).model_copy(update=options)
        async with open_orchestrator(world.settings, **lent) as world.orchestrator:
            yield world
    if client is not None:
        await client.drop_database(name)
        closing = client.close()
        if isawaitable(closing):
            await closing


def status_of(company):
    """A company's `syncStatus`."""
    return company["fmcsaData"]["syncStatus"]


async def statuses(database):
    """Each company's `syncStatus`, by `_id`, of those that have one."""
    companies = await database["companies"].find({"fmcsaData.syncStatus": {"$exists": True}}).to_list()
    return {company["_id"]: company["fmcsaData"]["syncStatus"] for company in companies}


async def run_out(database):
    """As if the time of every lease had passed."""
    for collection in ("fmcsaLeases", "companies"):
        await database[collection].update_many({}, {"$set": {"expiresAt": None, "fmcsaData.syncStatus.lease.expiresAt": None}})
