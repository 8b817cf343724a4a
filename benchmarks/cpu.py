"""Own CPU time per company: nothing changed, all changed, and a bare loop that parses and hashes the same rows."""

import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import aiohttp
from rich.table import Table

from benchmarks.world import Addresses, PassingRepository, double, opened, versions
from fmcsa_orchestrator.models import content_hash
from fmcsa_orchestrator.sources.inspections import parse_inspection
from fmcsa_orchestrator.sources.sms_results import parse_result
from fmcsa_orchestrator.sources.violations import parse_violation
from fmcsa_orchestrator.testing import Fleet

COMPANIES = 1_000
UNCHANGED_COMPANIES = 20_000
BATCH = 200
ROUNDS = 3
PARSERS: dict[str, Callable[[Any], Any]] = {
    "4y6x-dmck": parse_result,
    "h9zy-gjn8": parse_result,
    "m3ry-qcip": parse_result,
    "h3zn-uid9": parse_result,
    "8mt8-2mdr": parse_violation,
    "rbkj-cgst": parse_inspection,
}


async def measure() -> Table:
    """Medians of three rounds; the double has a process of its own."""
    usdots = Fleet.uniform(COMPANIES).usdots
    with double(COMPANIES) as addresses:
        await _bare_loop(addresses.soda_url, usdots)  # the double makes its rows once
        bare = await _cpu(lambda: _bare_loop(addresses.soda_url, usdots))
        ours = await _cpu(lambda: _sync(addresses, PassingRepository(usdots)))
        status = await versions(addresses)
        many = (usdots * (UNCHANGED_COMPANIES // COMPANIES))[:UNCHANGED_COMPANIES]
        unchanged = await _cpu(lambda: _sync(addresses, PassingRepository(many, status)))
    table = Table(title=f"Own CPU per company ({COMPANIES:,} companies of 22 violations and 14 inspections)")
    for column in ("", "ms per company", "ratio", "target"):
        table.add_column(column, justify="right")
    table.add_row("bare loop: fetch, parse, hash", f"{bare / COMPANIES * 1e3:.2f}", "1.00", "")
    table.add_row("all changed", f"{ours / COMPANIES * 1e3:.2f}", f"{ours / bare:.2f}", "1.5 x the bare loop")
    table.add_row("nothing changed", f"{unchanged / UNCHANGED_COMPANIES * 1e3:.3f}", "", "under 0.1 ms")
    return table


async def _cpu(work: Callable[[], Awaitable[None]]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        await work()
        seconds.append(time.process_time() - started)
    return median(seconds)


async def _sync(addresses: Addresses, repository: PassingRepository) -> None:
    async with opened(addresses, repository) as orchestrator:
        summary = await orchestrator.sync_all_companies()
        if not summary.success:
            raise RuntimeError(f"the run failed: {summary.errors[:1]}")


async def _bare_loop(url: str, usdots: list[int]) -> None:
    """What one would write by hand, in batches as we do, with our parsers and hash, and nothing else."""
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(usdots), BATCH):
            numbers = ",".join(f"'{usdot}'" for usdot in usdots[start : start + BATCH])
            for dataset, parse in PARSERS.items():
                params = {"$where": f"dot_number in ({numbers})", "$order": ":id", "$limit": "50000"}
                async with session.get(f"{url}/resource/{dataset}.json", params=params) as response:
                    for row in await response.json():
                        content_hash(parse(row))
