"""Estimates: the result files of as many carriers as there are, read whole; the fit, and the document that is kept of it."""

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import aiohttp
import bson
from aiohttp import web
from rich.table import Table

from benchmarks.memory import peak_mib
from benchmarks.world import longest_wait
from fmcsa_orchestrator import CsaSource
from fmcsa_orchestrator.clients.http import Upstream
from fmcsa_orchestrator.clients.pacing import strict_limiter
from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.testing import Ranking
from fmcsa_orchestrator.testing.fmcsa.datasets import SMS_COLUMNS
from fmcsa_orchestrator.testing.fmcsa.ranking import RankedFleet
from fmcsa_orchestrator.testing.fmcsa.result_rows import spell_measure

SIZES = (60_000, 600_000)
_PASSENGERS = 68  # one carrier in so many: some 8,800 of 600,000
_OF_CLASS_C = 9
_REPLACED = "Thu, 12 Nov 2026 07:05:00 GMT"
_PREFIXES = ("unsafe_driv", "hos_driv", "driv_fit", "contr_subst", "veh_maint")
_FILES = {"4y6x-dmck": ("AB", False), "h9zy-gjn8": ("C", False), "m3ry-qcip": ("AB", True), "h3zn-uid9": ("C", True)}


def measure() -> list[Table]:
    """Each size in a process of its own; the files are served by another."""
    table = Table(title="Estimates: the four result files read whole")
    for column in ("carriers", "requests", "seconds", "own CPU", "peak memory", "loop held up", "document", "median, p95 error"):
        table.add_column(column, justify="right")
    for size in SIZES:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.estimates", "read", str(size)], capture_output=True, text=True, check=True
        )
        table.add_row(f"{size:,}", *json.loads(done.stdout))
    return [table]


async def _read(size: int) -> list[str]:
    with _served(size) as url:
        async with aiohttp.ClientSession() as session:
            upstream = Upstream(session, url, name="soda", limiter=strict_limiter(1e6), timeout_s=300)
            source = CsaSource(SodaClient(upstream), estimates="fmcsaEstimates")
            await source.version()
            if source.survey is None:
                raise RuntimeError("it was asked for")
            ticker = asyncio.create_task(longest_wait())
            started, cpu = time.perf_counter(), time.process_time()
            document = await source.survey.read()
            seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
            ticker.cancel()
            held_up = await ticker
            async with session.get(f"{url}/requests") as response:
                requests = await response.text()
    errors = sorted({(value["error"]["median"], value["error"]["p95"]) for value in document["basics"].values()})
    return [
        requests, f"{seconds:.1f}", f"{cpu:.1f} s", f"{peak_mib():.0f} MiB", f"{held_up * 1e3:.0f} ms",
        f"{len(bson.encode(document)) / 2**20:.2f} MiB", f"{errors[-1][0]}, {errors[-1][1]}",
    ]  # fmt: skip


@contextmanager
def _served(size: int) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.estimates", "serve", str(size)], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            if server.stdout is None:
                raise RuntimeError("its output is a pipe")
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def _rows(size: int) -> Iterator[tuple[str, bool, dict[str, str]]]:
    """Carriers with inspections: class, whether it carries passengers, its row; many small ones, and measures as ties are."""
    random = Random(7)
    for number in range(size):
        total = min(4_000, int(random.paretovariate(0.8)))
        driver, vehicle = max(1, round(total * random.uniform(0.7, 1))), round(total * random.uniform(0.4, 1))
        row = {"dot_number": str(10_000 + number), "driver_insp_total": str(driver), "vehicle_insp_total": str(vehicle)}
        for prefix in _PREFIXES:
            with_violations = min(total, int(random.expovariate(1 / (0.3 * total))))
            measure = min(90.0, random.expovariate(0.3)) if with_violations else 0.0
            row |= {
                f"{prefix}_insp_w_viol": str(with_violations),
                f"{prefix}_measure": spell_measure(measure),
                f"{prefix}_ac": "N",
            }
        yield "C" if number % _OF_CLASS_C == 0 else "AB", number % _PASSENGERS == 0, row


def _serve(size: int) -> None:
    """The four files on a port of this machine, which is printed; ranked by a rule for the read to find."""
    ranked = RankedFleet(
        Ranking(lambda below, _, n: int(100 * below / max(n - 1, 1))), ((name, row) for name, _, row in _rows(size))
    )
    bodies: dict[str, list[str]] = {dataset: [] for dataset in _FILES}
    for carrier_class, is_passenger, row in _rows(size):
        for dataset, (name, has_percentiles) in _FILES.items():
            if name == carrier_class and (is_passenger or not has_percentiles):
                bodies[dataset].append(json.dumps(ranked.ranked(name, row) if has_percentiles else row))
    requests = 0

    async def resource(request: web.Request) -> web.Response:
        nonlocal requests
        requests += 1
        rows, query = bodies[request.match_info["dataset"]], request.query
        start = int(query.get("$offset", 0))
        found = rows[start : start + int(query["$limit"])] if "$limit" in query else [json.dumps({"count": str(len(rows))})]
        headers = {"X-SODA2-Truth-Last-Modified": _REPLACED}
        return web.Response(text="[" + "\n,".join(found) + "]\n", content_type="application/json", headers=headers)

    async def metadata(request: web.Request) -> web.Response:
        columns = [{"fieldName": name, "dataTypeName": "text"} for name in SMS_COLUMNS[request.match_info["dataset"]]]
        return web.json_response({"rowsUpdatedAt": 1_794_467_100, "columns": columns})

    async def counted(_: web.Request) -> web.Response:
        return web.Response(text=str(requests))

    async def main() -> None:
        app = web.Application()
        app.add_routes([web.get("/resource/{dataset}.json", resource), web.get("/api/views/{dataset}.json", metadata)])
        app.add_routes([web.get("/requests", counted)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


if __name__ == "__main__":
    gc.freeze()  # as the command line does
    if sys.argv[1] == "serve":
        _serve(int(sys.argv[2]))
    else:
        print(json.dumps(asyncio.run(_read(int(sys.argv[2])))))
