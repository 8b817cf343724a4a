"""Peak memory and time at 1,000 and at 100,000 companies of one row per file, nothing kept by the repository."""

import asyncio
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from rich.table import Table

from benchmarks.world import PassingRepository, double, opened

SIZES = (1_000, 100_000)


def measure() -> Table:
    """Each size in a process of its own."""
    found = [_in_a_process(size) for size in SIZES]
    table = Table(title="A fleet of tiny carriers (1 violation, 1 inspection each)")
    for column in ("companies", "peak memory", "ratio", "seconds", "ms per company", "target"):
        table.add_column(column, justify="right")
    for size, (peak, seconds) in zip(SIZES, found, strict=True):
        table.add_row(
            f"{size:,}",
            f"{peak / 1024:.0f} MiB",
            f"{peak / found[0][0]:.2f}",
            f"{seconds:.1f}",
            f"{seconds / size * 1e3:.2f}",
            "1.3 x",
        )
    return table


def _in_a_process(size: int) -> tuple[int, float]:
    done = subprocess.run([sys.executable, "-m", "benchmarks.memory", str(size)], capture_output=True, text=True, check=True)
    peak, seconds = json.loads(done.stdout)
    return peak, seconds


def _peak_kib() -> int:
    """The peak of this very process; the figure of getrusage begins with what its parent had."""
    match = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    if match is None:
        raise RuntimeError("this benchmark reads /proc, which Linux has")
    return int(match[1])


async def _sync(size: int) -> float:
    with double(size, violations=1, inspections=1) as addresses:
        async with opened(addresses, PassingRepository(addresses.usdots)) as orchestrator:
            started = time.perf_counter()
            summary = await orchestrator.sync_all_companies()
            if not summary.success or summary.total != size:
                raise RuntimeError(f"the run failed: {summary.errors[:1]}")
            return time.perf_counter() - started


if __name__ == "__main__":
    seconds = asyncio.run(_sync(int(sys.argv[1])))
    print(json.dumps([_peak_kib(), seconds]))
