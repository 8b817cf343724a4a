"""Peak memory and time: fleets of tiny carriers, of which nothing is kept; and large carriers, over the wire to a store."""

import asyncio
import gc
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.wire import connected, synced
from benchmarks.world import PassingRepository, double, longest_wait, opened
from fmcsa_orchestrator import open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.sources.catalogue import BUILT_IN
from fmcsa_orchestrator.testing import Fleet
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

SIZES = (1_000, 100_000)
ROWS = (50_000, 500_000)
_PATIENT = {"qcmobile_web_key": None, "soda_requests_per_second": 1e6, "request_timeout_s": 300, "company_timeout_s": 900}


def measure() -> list[Table]:
    """Each size in a process of its own."""
    fleets = Table(title="A fleet of tiny carriers (1 violation, 1 inspection each)")
    for column in ("companies", "peak memory", "ratio", "seconds", "ms per company", "target"):
        fleets.add_column(column, justify="right")
    found = [_in_a_process("fleet", size)[0] for size in SIZES]
    for size, (peak, seconds, _) in zip(SIZES, found, strict=True):
        cells = f"{peak:.0f} MiB", f"{peak / found[0][0]:.2f}", f"{seconds:.1f}", f"{seconds / size * 1e3:.2f}", "1.3 x"
        fleets.add_row(f"{size:,}", *cells)
    carriers = Table(title="One large carrier, over the wire to the embedded store")
    for column in ("violations", "", "peak memory", "ratio", "seconds", "loop held up", "target"):
        carriers.add_column(column, justify="right")
    first: dict[str, float] = {}
    for size in ROWS:
        for state, (peak, seconds, longest) in zip(("first", "changed"), _in_a_process("carrier", size), strict=True):
            ratio = peak / first.setdefault(state, peak)
            cells = f"{peak:.0f} MiB", f"{ratio:.2f}", f"{seconds:.0f}", f"{longest * 1e3:.0f} ms", "220 MiB, 1.5 x, 50 ms"
            carriers.add_row(f"{size:,}", state, *cells)
    giant = Table(title="A carrier that is large in every file of all nine sources, over the wire to the embedded store")
    for column in ("", "peak memory", "seconds", "loop held up", "target"):
        giant.add_column(column, justify="right")
    for state, (peak, seconds, longest) in zip(("first", "changed"), _in_a_process("giant", 1), strict=True):
        giant.add_row(state, f"{peak:.0f} MiB", f"{seconds:.0f}", f"{longest * 1e3:.0f} ms", "220 MiB, 50 ms")
    return [fleets, carriers, giant]


def _in_a_process(what: str, size: int) -> list[tuple[float, float, float]]:
    """Of each run: peak memory in MiB, seconds, the longest time that the event loop was held up."""
    command = [sys.executable, "-m", "benchmarks.memory", what, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[tuple[float, float, float]] = json.loads(done.stdout)
    return found


def peak_mib() -> float:
    """The peak of this very process; the figure of getrusage begins with what its parent had."""
    match = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    if match is None:
        raise RuntimeError("this benchmark reads /proc, which Linux has")
    return int(match[1]) / 1024


async def _fleet(size: int) -> list[tuple[float, float, float]]:
    with double(size, violations=1, inspections=1) as addresses:
        async with opened(addresses, PassingRepository(addresses.usdots)) as orchestrator:
            started = time.perf_counter()
            await synced(orchestrator)
            return [(peak_mib(), time.perf_counter() - started, 0.0)]


async def _carrier(rows: int) -> list[tuple[float, float, float]]:
    with double(1, violations=rows, inspections=1_000) as upstream:
        return await _twice(upstream, Fleet.uniform(1), {})


async def _giant(companies: int) -> list[tuple[float, float, float]]:
    fleet = Fleet.sample(companies, giant=True)
    with double(companies) as upstream:
        return await _twice(upstream, fleet, {"sources": tuple(BUILT_IN)})


async def _twice(upstream: Any, fleet: Fleet, options: dict[str, Any]) -> list[tuple[float, float, float]]:
    """A first sync of the fleet's last company, and one of the next monthly files."""
    found = []
    async with EmbeddedStore() as store, connected("motor", store.uri) as (database, _):
        await database["companies"].insert_one({**fleet.company_documents()[-1], "_id": 1})
        settings = demo_settings(upstream).model_copy(update={**_PATIENT, **options})
        async with open_orchestrator(settings, database=database) as orchestrator:
            for is_first in (True, False):
                if not is_first:
                    upstream.publish(1.0)
                ticker = asyncio.create_task(longest_wait())
                started = time.perf_counter()
                await synced(orchestrator)
                ticker.cancel()
                found.append((peak_mib(), time.perf_counter() - started, await ticker))
    return found


if __name__ == "__main__":
    gc.freeze()  # as the command line does
    run = {"fleet": _fleet, "carrier": _carrier, "giant": _giant}[sys.argv[1]]
    print(json.dumps(asyncio.run(run(int(sys.argv[2])))))
