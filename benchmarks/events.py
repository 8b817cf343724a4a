"""What it costs to tell what has changed: own CPU and MongoDB commands per company, with the log of events and without it, in turn."""

import gc
import time
from collections import defaultdict
from statistics import median

from rich.table import Table

from benchmarks.wire import connected, put_companies, synced
from benchmarks.world import double, opened
from fmcsa_orchestrator import MongoCompanyRepository
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

COMPANIES = 300
ROUNDS = 5
ROWS = {"violations": 22, "inspections": 14}
STATES = ("all changed", "nothing changed", "published again")
TARGETS = {"all changed": "1.10", "nothing changed": "1.00, no command more", "published again": ""}


async def measure() -> Table:
    """Medians; in the first state a part of each carrier's rows has changed, in the last the files are new, and say the same."""
    cpu, commands = defaultdict[tuple[str, bool], list[float]](list), dict[tuple[str, bool], float]()
    told = 0
    with double(COMPANIES, **ROWS) as upstream:
        async with EmbeddedStore() as off, EmbeddedStore() as on, connected("pymongo", off.uri) as without:
            async with connected("pymongo", on.uri) as with_them:
                sides = {False: without, True: with_them}
                log = MongoEventLog(with_them[0])
                for is_told, (database, _) in sides.items():
                    await put_companies(database, COMPANIES)
                    async with opened(upstream, MongoCompanyRepository(database), log if is_told else None) as orchestrator:
                        await orchestrator.prepare()
                        await synced(orchestrator)
                for turn in range(ROUNDS):
                    for state in STATES:
                        if state != "nothing changed":
                            upstream.publish(1.0 if state == "all changed" else 0.0)
                        for is_told in (turn % 2 == 0, turn % 2 == 1):
                            database, asked = sides[is_told]
                            async with opened(
                                upstream, MongoCompanyRepository(database), log if is_told else None
                            ) as orchestrator:
                                gc.collect()
                                asked.count, started = 0, time.process_time()
                                await synced(orchestrator)
                                cpu[state, is_told].append((time.process_time() - started) / COMPANIES * 1e3)
                                commands[state, is_told] = asked.count / COMPANIES
                    told = await with_them[0]["fmcsaEvents"].count_documents({"specversion": "1.0"})
    words = (
        f"{COMPANIES} companies of {sum(ROWS.values())} rows, {told / ROUNDS / COMPANIES:.1f} events of each where all changed"
    )
    table = Table(title=f"Events, over the wire to the embedded store, per company ({words})")
    for column in ("", "own CPU ms without", "with", "ratio", "commands without", "with", "target"):
        table.add_column(column, justify="right")
    for state in STATES:
        old, new = (median(cpu[state, is_told]) for is_told in (False, True))
        sent = [f"{commands[state, is_told]:.3f}" for is_told in (False, True)]
        table.add_row(state, f"{old:.2f}", f"{new:.2f}", f"{new / old:.2f}", *sent, TARGETS[state])
    return table
