"""What it costs to tell what has changed: own CPU and MongoDB commands per company, with events and without, in turn."""

import gc
import time
from collections import defaultdict
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.wire import connected, put_companies, synced
from benchmarks.world import Addresses, double, opened
from fmcsa_orchestrator import MongoCompanyRepository
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

COMPANIES = 100
ROUNDS = 3
ROWS = {"violations": 22, "inspections": 14}
STATES = ("all changed", "nothing changed", "published again")
TARGETS = {"all changed": "1.10", "nothing changed": "1.00, no command more", "published again": ""}


async def measure() -> Table:
    """Medians; in the first state a part of each carrier's rows has changed, in the last the files are new, and say the same."""
    cpu, commands = defaultdict[tuple[str, bool], list[float]](list), dict[tuple[str, bool], float]()
    async with (
        EmbeddedStore() as off,
        EmbeddedStore() as on,
        connected("pymongo", off.uri) as one,
        connected("pymongo", on.uri) as two,
    ):
        with double(COMPANIES, **ROWS) as upstream:
            sides = {False: one, True: two}
            for is_told, (database, _) in sides.items():
                await put_companies(database, COMPANIES)
                await _run(upstream, database, is_told)
            for turn in range(ROUNDS):
                for state in STATES:
                    if state != "nothing changed":
                        upstream.publish(1.0 if state == "all changed" else 0.0)
                    for is_told in (turn % 2 == 0, turn % 2 == 1):
                        database, asked = sides[is_told]
                        asked.count = 0
                        cpu[state, is_told].append(await _run(upstream, database, is_told))
                        commands[state, is_told] = asked.count / COMPANIES
        told = await two[0]["fmcsaEvents"].count_documents({"specversion": "1.0"})
    each = told / ROUNDS / COMPANIES
    words = f"{COMPANIES} companies of {sum(ROWS.values())} rows, {each:.1f} events of each where all changed"
    table = Table(title=f"Events, over the wire to the embedded store, per company ({words})")
    for column in ("", "own CPU ms without", "with", "ratio", "commands without", "with", "target"):
        table.add_column(column, justify="right")
    for state in STATES:
        old, new = (median(cpu[state, is_told]) for is_told in (False, True))
        sent = [f"{commands[state, is_told]:.3f}" for is_told in (False, True)]
        table.add_row(state, f"{old:.2f}", f"{new:.2f}", f"{new / old:.2f}", *sent, TARGETS[state])
    return table


async def _run(upstream: Addresses, database: Any, is_told: bool) -> float:
    """Own CPU, in ms per company."""
    event_log = MongoEventLog(database) if is_told else None
    async with opened(upstream, MongoCompanyRepository(database), event_log) as orchestrator:
        gc.collect()
        started = time.process_time()
        await synced(orchestrator)
        return (time.process_time() - started) / COMPANIES * 1e3
