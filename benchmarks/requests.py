"""Requests, counted by the double: a first sync, nothing changed, files changed, and the per-company way beside them."""

from collections.abc import Callable, Sequence

import aiohttp
from rich.table import Table

from benchmarks.world import opened
from fmcsa_orchestrator import Orchestrator
from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import InMemoryRepository

PAGE = 1_000  # the portal's default, which a script that sets no limit gets
MEASURED_NAIVELY = 100  # companies; the count is the same for each

Change = Callable[[Fleet, LocalFmcsa], None]
CHANGES: dict[str, Change] = {
    "nothing changed": lambda _fleet, _upstream: None,
    "one file of SMS": lambda _fleet, upstream: upstream.publish(dataset="rbkj-cgst"),
    "one daily file": lambda fleet, _upstream: fleet.publish_daily("az4n-8mr2"),
    "one daily file of a source with three": lambda fleet, _upstream: fleet.publish_daily("inys-ebih"),
    "all daily files": lambda fleet, _upstream: fleet.publish_daily(),
}


async def measure(sizes: tuple[int, ...] = (100, 1_000)) -> Table:
    """A row per fleet size, all sources that run by default, about 22 violations and 14 inspections each."""
    naive = await _per_company()
    table = Table(title="Requests of the eight default sources (exact)")
    for column in ("companies", "per company and page*", "first sync", *CHANGES):
        table.add_column(column, justify="right")
    for size in sizes:
        fleet = Fleet.uniform(size)
        repository = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
        async with LocalFmcsa(fleet) as upstream, opened(upstream, repository) as orchestrator:
            counts = [await _run(orchestrator)]
            for change in CHANGES.values():
                change(fleet, upstream)
                counts.append(await _run(orchestrator))
            table.add_row(f"{size:,}", f"{naive * size:,.0f}", *(f"{count:,}" for count in counts))
    table.caption = f"* each file, counted over {MEASURED_NAIVELY} companies: {naive:.0f} each, whether or not anything changed"
    return table


async def _run(orchestrator: Orchestrator) -> int:
    """How many requests a run sends."""
    summary = await orchestrator.sync_all_companies()
    if not summary.success:
        raise RuntimeError(f"the run failed: {summary.errors[:1]}")
    return summary.requests


async def _per_company() -> float:
    """What a plain script sends per company: each file, page by page."""
    fleet = Fleet.uniform(MEASURED_NAIVELY)
    async with LocalFmcsa(fleet) as upstream, opened(upstream, InMemoryRepository()) as orchestrator:
        datasets = _read_by(orchestrator)
        async with aiohttp.ClientSession() as session:
            for usdot in fleet.usdots:
                for dataset in datasets:
                    where = f"{dataset.key.column}={dataset.key.literal(usdot)}"
                    await _pages(session, f"{upstream.soda_url}/resource/{dataset.id}.json", where)
        return upstream.count() / MEASURED_NAIVELY


def _read_by(orchestrator: Orchestrator) -> Sequence[Dataset]:
    """The datasets that its sources read."""
    return [file.dataset for slot in orchestrator.components.slots for file in getattr(slot.source, "files", ())]


async def _pages(session: aiohttp.ClientSession, url: str, where: str) -> None:
    offset = 0
    while True:
        async with session.get(url, params={"$where": where, "$limit": PAGE, "$offset": offset}) as response:
            response.raise_for_status()
            rows = await response.json()
        offset += len(rows)
        if len(rows) < PAGE:
            return
