"""Own CPU and MongoDB commands per company, over the wire: drivers, states, sizes of carriers; and the plain script beside."""

import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from rich.table import Table

from benchmarks import peer
from benchmarks.world import OF_SMS, Addresses, double, opened
from fmcsa_orchestrator import MongoCompanyRepository, Orchestrator
from fmcsa_orchestrator.testing import Fleet
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

SIZES = {"violations": (3, 22, 90), "inspections": (3, 14, 60)}  # rows of each carrier
COMPANIES = 400
DRIVERS: dict[str, Any] = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}
STATES = ("first", "all changed", "one changed", "nothing changed", "forced")
TARGETS = {"first": "6 ms, 0.2", "all changed": "script, 0.2", "nothing changed": "0.3 ms, 0.03"}


class Commands(CommandListener):
    """Counts them."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        """One more."""
        self.count += 1

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to note."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to note."""


@dataclass(slots=True)
class Measured:
    """One run, per company."""

    cpu_ms: float
    wall_ms: float
    commands: float
    rows: float


async def measure() -> list[Table]:
    """A table of the middle size, and one of the costs by size."""
    found: dict[tuple[str, str], list[Measured]] = {}
    for sizes in zip(*SIZES.values(), strict=True):
        rows = dict(zip(SIZES, sizes, strict=True))
        with double(COMPANIES, **rows) as upstream:
            for who in (*DRIVERS, "script"):
                for state, measured in (await _states(who, upstream)).items():
                    found.setdefault((who, state), []).append(measured)
    return [_middle(found), _by_size(found)]


def _middle(found: dict[tuple[str, str], list[Measured]]) -> Table:
    rows = f"{SIZES['violations'][1]} violations and {SIZES['inspections'][1]} inspections"
    table = Table(title=f"Over the wire to the embedded store, per company ({COMPANIES} companies of {rows})")
    for column in ("", "", "own CPU ms", "/ script", "commands", "rows", "wall ms", "target"):
        table.add_column(column, justify="right", no_wrap=True)
    for (who, state), by_size in found.items():
        of = by_size[1]
        script = found.get(("script", state))
        ratio = f"{of.cpu_ms / script[1].cpu_ms:.2f}" if script else ""
        table.add_row(
            who, state, f"{of.cpu_ms:.2f}", ratio, f"{of.commands:.3f}", f"{of.rows:.1f}", f"{of.wall_ms:.2f}",
            "" if who == "script" else TARGETS.get(state, ""),
        )  # fmt: skip
    return table


def _by_size(found: dict[tuple[str, str], list[Measured]]) -> Table:
    sizes = [sum(parts) for parts in zip(*SIZES.values(), strict=True)]
    table = Table(title=f"The same by size of the carriers: own CPU ms per company, a line through them ({COMPANIES} companies)")
    for column in ("", "", *(f"{size} rows" for size in sizes), "fixed ms", "µs per row"):
        table.add_column(column, justify="right", no_wrap=True)
    for (who, state), by_size in found.items():
        costs = [measured.cpu_ms for measured in by_size]
        fixed, slope = _line(sizes, costs)
        table.add_row(who, state, *(f"{cost:.2f}" for cost in costs), f"{fixed:.2f}", f"{slope * 1e3:.1f}")
    return table


def _line(xs: list[int], ys: list[float]) -> tuple[float, float]:
    """The line of least squares: where it begins, and how steep it is."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum((x - mean_x) ** 2 for x in xs)
    return mean_y - slope * mean_x, slope


async def _states(who: str, upstream: Addresses) -> dict[str, Measured]:
    async with EmbeddedStore() as store, connected(who if who in DRIVERS else "pymongo", store.uri) as (database, commands):
        await put_companies(database, COMPANIES)
        if who == "script":
            for name in ("fmcsaViolations", "fmcsaInspections"):
                await database[name].create_index("companyId")
            return {
                state: await _measured(upstream, state, commands, lambda: peer.sync(database, upstream.soda_url))
                for state in ("first", "all changed", "nothing changed")
            }
        async with opened(upstream, MongoCompanyRepository(database), sources=OF_SMS) as orchestrator:
            await orchestrator.check()  # makes the indexes

            async def run(state: str) -> int:
                return await synced(orchestrator, force=state == "forced")

            return {state: await _measured(upstream, state, commands, partial(run, state)) for state in STATES}


async def _measured(upstream: Addresses, state: str, commands: Commands, run: Callable[[], Awaitable[int]]) -> Measured:
    if state in {"all changed", "one changed"}:
        upstream.publish(1.0 if state == "all changed" else 1 / COMPANIES)
    gc.collect()
    commands.count = 0
    cpu, wall = time.process_time(), time.perf_counter()
    rows = await run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Measured(cpu / COMPANIES * 1e3, wall / COMPANIES * 1e3, commands.count / COMPANIES, rows / COMPANIES)


async def synced(orchestrator: Orchestrator, *, force: bool = False) -> int:
    """One run; how many rows were written. Raises: RuntimeError when any company fails."""
    summary = await orchestrator.sync_all_companies(force=force)
    if not summary.success:
        raise RuntimeError(f"the run failed: {summary.errors[:1]}")
    return summary.rows_written


@asynccontextmanager
async def connected(driver: str, uri: str) -> AsyncIterator[tuple[Any, Commands]]:
    """A database through this driver, and what is asked of its server."""
    commands = Commands()
    client = DRIVERS[driver](uri, tz_aware=True, event_listeners=[commands])
    yield client["bench"], commands
    closing = client.close()
    if isawaitable(closing):
        await closing


async def put_companies(database: Any, companies: int) -> None:
    """The companies of a uniform fleet, as a host has them."""
    documents = [{**document, "_id": number} for number, document in enumerate(Fleet.uniform(companies).company_documents())]
    await database["companies"].insert_many(documents)
