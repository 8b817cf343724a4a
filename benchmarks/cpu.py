"""Own CPU time per company: nothing changed, all changed, and two hand-written loops over the same rows.

The bare loop parses and hashes rows and throws them away. The full loop makes of them what has to be stored, by plain calls of
the library's pure functions: what remains above it is the price of isolation, time limits, ownership checks and events.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import Any

import aiohttp
from rich.table import Table

from benchmarks.world import OF_SMS, Addresses, PassingRepository, double, opened, versions
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.model.documents import content_hash, has_changes, settable, with_values
from fmcsa_orchestrator.model.results import CompanySyncResult, Outcome, SourceOutcome
from fmcsa_orchestrator.sources.csa import csa_fields
from fmcsa_orchestrator.sources.inspections import inspection_documents, parse_inspection, summarize_inspections
from fmcsa_orchestrator.sources.sms.result_file import parse_result
from fmcsa_orchestrator.sources.violations import parse_violation, summarize_violations, violation_documents
from fmcsa_orchestrator.storage.row_diff import plan_rows
from fmcsa_orchestrator.storage.sync_status import status_update
from fmcsa_orchestrator.sync.clock import RunClock
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
        bare = await cpu_seconds(lambda: _bare_loop(addresses.soda_url, usdots))
        full = await cpu_seconds(lambda: _full_loop(addresses.soda_url, usdots))
        ours = await cpu_seconds(lambda: synced(addresses, PassingRepository(usdots)))
        status = await versions(addresses)
        many = (usdots * (UNCHANGED_COMPANIES // COMPANIES))[:UNCHANGED_COMPANIES]
        unchanged = await cpu_seconds(lambda: synced(addresses, PassingRepository(many, status)))
    table = Table(title=f"Own CPU per company ({COMPANIES:,} companies of 22 violations and 14 inspections)")
    for column in ("", "ms/company", "/ bare", "/ full", "target"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_row("bare loop", f"{bare / COMPANIES * 1e3:.2f}", "1.00", "", "")
    table.add_row("full loop", f"{full / COMPANIES * 1e3:.2f}", f"{full / bare:.2f}", "1.00", "")
    ratios = f"{ours / bare:.2f}", f"{ours / full:.2f}"
    table.add_row("all changed", f"{ours / COMPANIES * 1e3:.2f}", *ratios, "1.5 x bare")
    table.add_row("nothing changed", f"{unchanged / UNCHANGED_COMPANIES * 1e3:.3f}", "", "", "under 0.1 ms")
    return table


async def cpu_seconds(work: Callable[[], Awaitable[None]]) -> float:
    """Of this process; the median of three rounds."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        await work()
        seconds.append(time.process_time() - started)
    return median(seconds)


async def synced(addresses: Addresses, repository: PassingRepository) -> None:
    """One run over a repository's companies. Raises: RuntimeError when any fails."""
    async with opened(addresses, repository, sources=OF_SMS) as orchestrator:
        summary = await orchestrator.sync_all_companies()
        if not summary.success:
            raise RuntimeError(f"the run failed: {summary.errors[:1]}")


async def _bare_loop(url: str, usdots: list[int]) -> None:
    """What one would write by hand, in batches as we do, with our parsers and hash, and nothing else."""
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(usdots), BATCH):
            for dataset, parse in PARSERS.items():
                for row in await _rows(session, url, dataset, usdots[start : start + BATCH]):
                    content_hash(parse(row))


async def _full_loop(url: str, usdots: list[int]) -> None:
    """The same, up to what goes to the store: grouped by carrier, row documents with ids, totals, BASICs, status."""
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(usdots), BATCH):
            batch = usdots[start : start + BATCH]
            read: dict[str, dict[int, list[dict[str, Any]]]] = {}
            for dataset, parse in PARSERS.items():
                read[dataset] = defaultdict(list)
                for row in await _rows(session, url, dataset, batch):
                    content = parse(row)
                    content.pop("usdot", None)
                    read[dataset][int(row["dot_number"])].append(content)
            for usdot in batch:
                await _company(usdot, {dataset: rows[usdot] for dataset, rows in read.items()})


async def _company(usdot: int, rows: dict[str, list[dict[str, Any]]]) -> None:
    at = RunClock().now()
    violations, inspections = rows.pop("8mt8-2mdr"), rows.pop("rbkj-cgst")
    reports: dict[str, tuple[dict[str, Any], Sequence[Document]]] = {
        "csa_scores": (csa_fields({dataset: found[0] for dataset, found in rows.items() if found}), []),
        "violations": ({"fmcsaData.violations": await summarize_violations(violations)}, await violation_documents(violations)),
        "inspections": (
            {"fmcsaData.inspections": await summarize_inspections(inspections)},
            await inspection_documents(inspections),
        ),
    }
    document: dict[str, Any] = {"_id": usdot, "dotNumber": usdot}
    values: dict[str, Any] = {}
    outcomes = {}
    for name, (fields, documents) in reports.items():
        plan = await plan_rows({}, documents, usdot, usdot, at)
        changed = plan.size > 0 or has_changes(document, fields)
        values |= fields
        document = with_values(document, fields)
        outcomes[name] = SourceOutcome(source=name, outcome=Outcome.CHANGED, changed=changed, rows=len(documents))
    settable({"_id": usdot}, {**values, **status_update(outcomes.values(), [], at, usdot)})
    CompanySyncResult(company_id=usdot, usdot=usdot, success=True, outcomes=outcomes)


async def _rows(session: aiohttp.ClientSession, url: str, dataset: str, usdots: list[int]) -> list[dict[str, Any]]:
    numbers = ",".join(f"'{usdot}'" for usdot in usdots)
    params = {"$where": f"dot_number in ({numbers})", "$order": ":id", "$limit": "50000"}
    async with session.get(f"{url}/resource/{dataset}.json", params=params) as response:
        rows: list[dict[str, Any]] = await response.json()
        return rows
