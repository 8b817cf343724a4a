"""Requests, counted by the double: first sync, nothing changed, one file changed, and the per-company way beside them."""

import aiohttp
from rich.table import Table

from benchmarks.world import opened
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import InMemoryRepository

DATASETS = ("4y6x-dmck", "8mt8-2mdr", "rbkj-cgst")
PAGE = 1_000  # the portal's default, which a script that sets no limit gets
MEASURED_NAIVELY = 100  # companies; the count is the same for each


async def measure(sizes: tuple[int, ...] = (100, 1_000, 10_000)) -> Table:
    """A row per fleet size, about 22 violations and 14 inspections each."""
    naive = await _per_company()
    table = Table(title="Requests (exact)")
    for column in ("companies", "per company and page*", "first sync", "nothing changed", "one file of six changed"):
        table.add_column(column, justify="right")
    for size in sizes:
        fleet = Fleet.uniform(size)
        repository = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
        async with LocalFmcsa(fleet) as upstream, opened(upstream, repository) as orchestrator:
            first = await orchestrator.sync_all_companies()
            second = await orchestrator.sync_all_companies()
            upstream.publish(dataset="rbkj-cgst")
            third = await orchestrator.sync_all_companies()
            for summary in (first, second, third):
                if not summary.success:
                    raise RuntimeError(f"the run failed: {summary.errors[:1]}")
            table.add_row(f"{size:,}", f"{naive * size:,.0f}", *(f"{summary.requests:,}" for summary in (first, second, third)))
    table.caption = f"* three files, counted over {MEASURED_NAIVELY} companies: {naive:.0f} each, whether or not anything changed"
    return table


async def _per_company() -> float:
    """What a plain script sends per company: each file, page by page."""
    fleet = Fleet.uniform(MEASURED_NAIVELY)
    async with LocalFmcsa(fleet) as upstream, aiohttp.ClientSession() as session:
        for usdot in fleet.usdots:
            for dataset in DATASETS:
                await _pages(session, f"{upstream.soda_url}/resource/{dataset}.json", usdot)
        return upstream.count() / MEASURED_NAIVELY


async def _pages(session: aiohttp.ClientSession, url: str, usdot: int) -> None:
    offset = 0
    while True:
        async with session.get(url, params={"dot_number": usdot, "$limit": PAGE, "$offset": offset}) as response:
            rows = await response.json()
        offset += len(rows)
        if len(rows) < PAGE:
            return
