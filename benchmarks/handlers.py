"""What a request handler waits for: new companies, one and twenty at once, the same beside a run, and one that is current."""

import asyncio
import time
from collections.abc import Sequence

from rich.table import Table

from benchmarks.latency import opened_behind
from fmcsa_orchestrator import Orchestrator, Settings

COMPANIES = 800  # of the run; it goes on for longer than the handlers need
AT_ONCE = 20
TIMEOUT_S = 40
UPSTREAM_S, RATE = 0.3, 1.0
IDLE_S = Settings.model_fields["soda_burst"].default / RATE + 1  # until all is saved that can be
RUNNING_S = 15.0


async def measure() -> Table:
    """At the default settings, before an upstream that takes 300 ms; eight sources over fifteen files."""
    table = Table(title=f"sync_company(timeout_s={TIMEOUT_S}) at {RATE:g} request a second, upstream {UPSTREAM_S * 1e3:.0f} ms")
    for column in ("", "succeeded", "seconds", "requests", "target"):
        table.add_column(column, justify="right")
    async with opened_behind(COMPANIES, store_s=0.0, upstream_s=UPSTREAM_S, rate=RATE) as (orchestrator, sent):
        await orchestrator.check()
        await asyncio.sleep(IDLE_S)
        table.add_row("one new company, idle", *await _calls(orchestrator, sent, [0]), "5 s, 40 requests")
        table.add_row("the same, now current", *await _calls(orchestrator, sent, [0]), "0.05 s, none")
        table.add_row("the next new one, right after", *await _calls(orchestrator, sent, [1]), "one, no versions")
        table.add_row(
            f"{AT_ONCE} new at once, right after", *await _calls(orchestrator, sent, range(2, AT_ONCE + 2)), "all, 24 requests"
        )
        run = asyncio.create_task(orchestrator.sync_all_companies())
        await asyncio.sleep(RUNNING_S)
        late = range(COMPANIES - AT_ONCE, COMPANIES)
        table.add_row("the same beside a run*", *await _calls(orchestrator, sent, late), f"all, {TIMEOUT_S} s")
        orchestrator.stop()
        await run
    table.caption = f"* over {COMPANIES:,} companies; its requests of that time are counted with them"
    return table


async def _calls(orchestrator: Orchestrator, sent: list[object], ids: Sequence[int]) -> tuple[str, str, str]:
    before, started = len(sent), time.perf_counter()
    results = await asyncio.gather(*(orchestrator.sync_company(number, timeout_s=TIMEOUT_S) for number in ids))
    seconds = time.perf_counter() - started
    return f"{sum(result.success for result in results)} of {len(ids)}", f"{seconds:.2f}", str(len(sent) - before)
