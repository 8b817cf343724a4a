"""Every repository and driver behind one fixture: in memory, on mongomock, and over the wire with motor and PyMongo.

FMCSA_TEST_MONGODB_URI adds a real server, FMCSA_TEST_FERRETDB adds FerretDB: see real_store.py.
"""

import asyncio
import secrets
from contextlib import asynccontextmanager

from mongomock_motor import AsyncMongoMockClient
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

from fmcsa_orchestrator import MongoCompanyRepository
from fmcsa_orchestrator.testing.fakes import InMemoryRepository
from tests.support import real_store

WIRES = ["wire-motor", "wire-pymongo", *real_store.KINDS]
BACKENDS = ["memory", "mongomock", *WIRES]


class Backend:
    """A repository with the means to look behind it."""

    def __init__(self, database=None):
        self.database = database
        self.repository = InMemoryRepository() if database is None else MongoCompanyRepository(database)

    async def add(self, *companies):
        for company in companies:
            if self.database is None:
                self.repository.companies[company["_id"]] = company
            else:
                await self.database["companies"].insert_one(dict(company))
        if self.database is None:
            self.repository = InMemoryRepository(self.repository.companies.values())

    async def rows(self, collection):
        if self.database is None:
            return sorted(
                (row for rows in self.repository.rows[collection].values() for row in rows.values()), key=lambda row: row["_id"]
            )
        return await self.database[collection].find({}).sort("_id", 1).to_list(None)

    async def company(self, company_id):
        if self.database is None:
            return self.repository.companies[company_id]
        return await self.database["companies"].find_one({"_id": company_id})


@asynccontextmanager
async def open_backend(kind, wire_uri, **options):
    """A backend of this kind, with a database of its own; the options are those of the driver's client."""
    if kind == "memory":
        yield Backend()
    elif kind == "mongomock":
        yield Backend(AsyncMongoMockClient(tz_aware=True)["test"])
    else:
        uri = real_store.uri() if kind in real_store.KINDS else wire_uri
        client = (AsyncIOMotorClient if kind.endswith("motor") else AsyncMongoClient)(uri, **{"tz_aware": True, **options})
        name = f"fmcsa_test_{secrets.token_hex(4)}"
        async with closed(client):
            yield Backend(client[name])
            await client.drop_database(name)


@asynccontextmanager
async def closed(client):
    """A client of either driver, closed at the end."""
    yield client
    if isinstance(client, AsyncMongoClient):
        await client.close()
    else:
        await asyncio.to_thread(client.close)  # motor's waits for the server, which may be a proxy in this very thread
