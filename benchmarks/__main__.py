"""`python -m benchmarks [requests|wire|latency|handlers|cpu|events|rows|memory|…]`: these tables, or all."""

import asyncio
import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks import cpu, estimates, events, handlers, latency, memory, reach, requests, rows, status, wire

TABLES: dict[str, Callable[[], list[Table]]] = {
    "requests": lambda: [asyncio.run(requests.measure())],
    "wire": lambda: asyncio.run(wire.measure()),
    "latency": lambda: asyncio.run(latency.measure()),
    "handlers": lambda: [asyncio.run(handlers.measure())],
    "cpu": lambda: [asyncio.run(cpu.measure())],
    "events": lambda: [asyncio.run(events.measure())],
    "rows": lambda: [asyncio.run(rows.measure())],
    "memory": memory.measure,
    "status": lambda: [asyncio.run(status.measure())],
    "reach": lambda: asyncio.run(reach.measure()),
    "estimates": estimates.measure,
}


def main() -> None:
    """Measure what is asked for."""
    console = Console()
    for name in sys.argv[1:] or TABLES:
        console.print(*TABLES[name]())


if __name__ == "__main__":
    main()
