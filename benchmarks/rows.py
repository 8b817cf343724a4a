"""Rows per second from a page's bytes to documents with their hash, beside dlt's way; and the event loop meanwhile."""

import asyncio
import gc
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import islice
from statistics import median

import aiohttp
from bson import encode
from rich.table import Table

from benchmarks.world import double, opened
from fmcsa_orchestrator import Company, UsdotNumber
from fmcsa_orchestrator.clients.json_rows import RowSlicer
from fmcsa_orchestrator.model.errors import MalformedPayloadError
from fmcsa_orchestrator.sources.soda.kept_rows import RowKeeper
from fmcsa_orchestrator.sources.violations import parse_violation, summarize_violations, violation_documents
from fmcsa_orchestrator.storage.row_diff import SLICE, SeenIds, compared
from fmcsa_orchestrator.storage.row_writer import BULK
from fmcsa_orchestrator.testing import Fleet

ROWS = 50_000
CHUNK = 65_536


async def measure() -> Table:
    """One page of violations."""
    (usdot,) = Fleet.uniform(1).usdots
    with double(1, violations=ROWS, inspections=ROWS // 2) as addresses:
        body = await _page(addresses.soda_url, usdot)
        plain_ms = await _longest_stretch(addresses, usdot)
        gc.collect()
        gc.freeze()
        frozen_ms = await _longest_stretch(addresses, usdot)
        gc.unfreeze()
    rounds = [(await _rate(body, usdot), _dlt(body)) for _ in range(3)]
    ours, theirs = median(own for own, _ in rounds), median([other or 0.0 for _, other in rounds])
    table = Table(title=f"One page of {ROWS:,} violations ({len(body) / 1e6:.0f} MB), by CPU time, in turn")
    for column in ("", "measured", "ratio", "target"):
        table.add_column(column, justify="right")
    table.add_row(
        "bytes to row documents, encoded", f"{ours:,.0f} rows/s", f"{ours / theirs:.1f}" if theirs else "1.00", "50,000; 2 x dlt"
    )
    table.add_row("dlt: rows to normalized", f"{theirs:,.0f} rows/s" if theirs else "not installed", "1.0", "")
    table.add_row("event loop held up, at most, as the command line runs", f"{frozen_ms:.0f} ms", "", "50 ms")
    table.add_row("the same where the host has not called gc.freeze()", f"{plain_ms:.0f} ms", "", "")
    return table


async def _page(url: str, usdot: int) -> bytes:
    params = {"$where": f"dot_number='{usdot}'", "$order": ":id", "$limit": str(ROWS)}
    async with aiohttp.ClientSession() as session, session.get(f"{url}/resource/8mt8-2mdr.json", params=params) as response:
        return await response.read()


async def _rate(body: bytes, usdot: int) -> float:
    started = time.process_time()
    count = 0
    async for encoded in _encoded(body, usdot):
        count += len(encoded)
    if count != ROWS:
        raise RuntimeError(f"{count} rows of {ROWS}")
    return count / (time.process_time() - started)


async def _encoded(body: bytes, usdot: int) -> AsyncIterator[list[bytes]]:
    """As source, repository and driver do it: slices, rows, totals, documents with ids and hashes, whole documents as BSON."""
    keeper = RowKeeper([usdot], parse_violation)
    slicer = RowSlicer(keeper.decode)
    for start in range(0, len(body), CHUNK):
        keeper.add(slicer.feed(body[start : start + CHUNK]))
    keeper.add(slicer.finish())
    rows = keeper.by_key[usdot]
    if isinstance(rows, MalformedPayloadError):
        raise rows
    await summarize_violations(rows)
    documents, seen, at = iter(await violation_documents(rows)), SeenIds(), datetime.now(UTC)
    while part := list(islice(documents, BULK)):
        yield [encode(row) for row in compared({}, part, 1, usdot, at, seen)]


def _dlt(body: bytes) -> float | None:
    """Time dlt's own path from the same rows to files ready to load; None where dlt is not installed."""
    try:
        import dlt  # noqa: PLC0415  # an extra of the benchmarks only
    except ImportError:
        return None
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench", pipelines_dir=folder, destination=dlt.destinations.filesystem(f"{folder}/out"), dataset_name="x"
        )
        started = time.process_time()

        def rows() -> Iterator[list[dict[str, str]]]:
            yield json.loads(body)

        pipeline.extract(dlt.resource(rows, name="violations"))
        pipeline.normalize()
        return ROWS / (time.process_time() - started)


async def _longest_stretch(addresses: object, usdot: int) -> float:
    """The longest time that another task had to wait while this carrier was fetched and compared, in ms."""
    longest = 0.0
    done = asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not done.is_set():
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    class Nowhere:
        """No company: the source is used by itself."""

    async with opened(addresses, Nowhere()) as orchestrator:
        source = next(slot.source for slot in orchestrator.components.slots if slot.name == "violations")  # by itself
        ticker = asyncio.create_task(tick())
        company = Company(1, UsdotNumber(usdot))
        report = await source.fetch(company)
        documents, seen, at = iter(report.documents or ()), SeenIds(), datetime.now(UTC)
        while part := list(islice(documents, SLICE)):
            compared({}, part, 1, usdot, at, seen)
            await asyncio.sleep(0)
        done.set()
        await ticker
    return longest * 1e3
