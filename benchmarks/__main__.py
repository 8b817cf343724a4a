"""`python -m benchmarks [requests|wire|cpu|rows|memory|reach ...]`: prints the tables, all of them by default."""

import asyncio
import sys

from rich.console import Console

from benchmarks import cpu, memory, reach, requests, rows, wire

TABLES = {
    "requests": lambda: [asyncio.run(requests.measure())],
    "wire": lambda: [asyncio.run(wire.measure())],
    "cpu": lambda: [asyncio.run(cpu.measure())],
    "rows": lambda: [asyncio.run(rows.measure())],
    "memory": lambda: [memory.measure()],
    "reach": lambda: asyncio.run(reach.measure()),
}


def main() -> None:
    """Measure what is asked for."""
    console = Console()
    for name in sys.argv[1:] or TABLES:
        console.print(*TABLES[name]())


if __name__ == "__main__":
    main()
