"""The whole way: the double over HTTP, the embedded store over its socket, the real driver between."""

import time
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from rich.table import Table

from benchmarks.world import opened
from fmcsa_orchestrator import MongoCompanyRepository
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

COMPANIES = 500


async def measure() -> Table:
    """A first sync, one in which nothing changed, one that reads all again by force."""
    table = Table(title=f"Over the wire to the embedded store ({COMPANIES} companies of 22 violations and 14 inspections)")
    for column in ("", "requests", "rows written", "ms per company"):
        table.add_column(column, justify="right")
    fleet = Fleet.uniform(COMPANIES)
    async with LocalFmcsa(fleet) as upstream, EmbeddedStore() as store:
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(store.uri)
        database = client["bench"]
        await database["companies"].insert_many([{**document, "_id": n} for n, document in enumerate(fleet.company_documents())])
        async with opened(upstream, MongoCompanyRepository(database)) as orchestrator:
            for name, force in (("first sync", False), ("nothing changed", False), ("all read again", True)):
                started = time.perf_counter()
                summary = await orchestrator.sync_all_companies(force=force)
                seconds = time.perf_counter() - started
                if not summary.success:
                    raise RuntimeError(f"the run failed: {summary.errors[:1]}")
                table.add_row(name, str(summary.requests), f"{summary.rows_written:,}", f"{seconds / COMPANIES * 1e3:.2f}")
        client.close()
    return table
