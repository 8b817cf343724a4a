"""What a slow store, and a slow upstream at the polite rate, cost a run."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rich.table import Table

from benchmarks.proxy import delayed
from benchmarks.wire import connected, put_companies, synced
from benchmarks.world import Addresses, double, longest_wait
from fmcsa_orchestrator import Orchestrator, RequestSent, Settings, open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.model.events import Event
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

DELAYS_MS = (0, 1, 5, 20)
FEW, MANY = 200, 1_000
UPSTREAM_S, RATE, STORE_S = 0.3, 1.0, 0.02


async def measure() -> list[Table]:
    """A first sync behind stores of several delays; then the whole picture, against what the limiter alone needs."""
    table = Table(title=f"A store that answers late: first sync of {FEW} companies, an upstream without a limit")
    for column in ("delay", "ms per company", "more than without", "loop held up", "target"):
        table.add_column(column, justify="right")
    costs = []
    for delay_ms in DELAYS_MS:
        seconds, _, longest = await _first_sync(FEW, store_s=delay_ms / 1e3, upstream_s=0.0, rate=1e6)
        costs.append(seconds / FEW * 1e3)
        cells = f"{costs[-1]:.2f}", f"{costs[-1] - costs[0]:.2f}", f"{longest * 1e3:.0f} ms"
        table.add_row(f"{delay_ms} ms", *cells, "50 ms")
    seconds, requests, longest = await _first_sync(MANY, store_s=STORE_S, upstream_s=UPSTREAM_S, rate=RATE)
    least = (requests - 1) / RATE + UPSTREAM_S
    upstream, store = f"upstream {UPSTREAM_S * 1e3:.0f} ms, {RATE:g}/s", f"store {STORE_S * 1e3:.0f} ms"
    whole = Table(title=f"First sync of {MANY:,} companies: {upstream}, {store}")
    for column in ("requests", "seconds", "the limiter alone", "ratio", "loop held up", "target"):
        whole.add_column(column, justify="right")
    whole.add_row(
        str(requests), f"{seconds:.1f}", f"{least:.1f}", f"{seconds / least:.2f}", f"{longest * 1e3:.0f} ms", "1.15, 50 ms"
    )
    return [table, whole]


async def _first_sync(companies: int, *, store_s: float, upstream_s: float, rate: float) -> tuple[float, int, float]:
    """Seconds, requests, and the longest time that the event loop was held up, in seconds."""
    async with opened_behind(companies, store_s=store_s, upstream_s=upstream_s, rate=rate) as (orchestrator, sent):
        ticker = asyncio.create_task(longest_wait())
        started = time.perf_counter()
        await synced(orchestrator)
        seconds = time.perf_counter() - started
        ticker.cancel()
        return seconds, len(sent), await ticker


@asynccontextmanager
async def opened_behind(
    companies: int, *, store_s: float, upstream_s: float, rate: float
) -> AsyncIterator[tuple[Orchestrator, list[object]]]:
    """An orchestrator on a store and an upstream that answer so late, and what it sends, one entry for each request."""
    sent: list[object] = []

    def note(event: Event) -> None:
        if isinstance(event, RequestSent):
            sent.append(event)

    with double(companies) as upstream:
        async with EmbeddedStore() as store:
            with delayed(store.port, store_s) as store_port, delayed(upstream.port, upstream_s) as upstream_port:
                async with connected("motor", f"mongodb://127.0.0.1:{store_port}") as (database, _):
                    await put_companies(database, companies)
                    settings = _settings(Addresses(upstream_port, upstream.usdots), rate)
                    async with open_orchestrator(settings, database=database, on_event=note) as orchestrator:
                        yield orchestrator, sent


def _settings(addresses: Any, rate: float) -> Settings:
    update: dict[str, Any] = {"qcmobile_web_key": None, "soda_requests_per_second": rate}
    return demo_settings(addresses).model_copy(update=update)
