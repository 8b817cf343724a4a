"""What the status of a large fleet costs: commands, which are exact, and seconds on the embedded store."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.table import Table

from benchmarks.wire import connected
from fmcsa_orchestrator import MongoCompanyRepository
from fmcsa_orchestrator.report.read import read_fleet
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sources.catalogue import chosen_sources
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

SIZES = (500, 20_000)
SHOWN = 50
_PART = 2_000
_NOW = datetime.now(UTC)


async def measure() -> Table:
    """The fleet's counts and fifty companies."""
    table = Table(title=f"The status of a fleet, {SHOWN} companies shown, on the embedded store")
    for column in ("companies", "commands", "seconds", "target"):
        table.add_column(column, justify="right")
    for size in SIZES:
        async with EmbeddedStore() as store, connected("pymongo", store.uri) as (database, commands):
            await MongoCompanyRepository(database).prepare([])
            for start in range(0, size, _PART):
                await database["companies"].insert_many([_company(n) for n in range(start, min(size, start + _PART))])
            commands.count, started = 0, time.perf_counter()
            overview = await read_fleet(database, "companies", chosen_sources(Settings()), limit=SHOWN)
            seconds = time.perf_counter() - started
            if overview.fleet is None or overview.fleet.total != size:
                raise RuntimeError("the status does not show all companies")
            table.add_row(f"{size:,}", str(commands.count), f"{seconds:.2f}", "4 commands")
    return table


def _company(number: int) -> dict[str, Any]:
    sources = {
        name: {
            "outcome": ("changed", "unchanged", "failed")[(number + place) % 3],
            "lastSuccess": _NOW - timedelta(hours=number % 100),
            "dataAsOf": _NOW,
        }
        for place, name in enumerate(("csa_scores", "violations", "inspections"))
    }
    status = {"lastRun": _NOW - timedelta(seconds=number), "success": number % 10 != 0, "sources": sources}
    return {"_id": number, "name": f"C{number}", "dotNumber": 1_000 + number, "fmcsaData": {"syncStatus": status}}
