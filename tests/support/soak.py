"""A soak: rounds of random faults, publications, stops, deadlines and handlers; then one clean run, and all must be equal.

`python -m tests.support.soak --companies 3000 --rounds 6 --seed 7`; a small one is part of the tests.
"""

import argparse
import asyncio
import resource
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

from pydantic import SecretStr

from fmcsa_orchestrator.clients.http import Upstream
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.fmcsa import PROOF
from fmcsa_orchestrator.sources.catalogue import BUILT_IN
from fmcsa_orchestrator.testing import DATASETS, Fault, Fleet
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore
from fmcsa_orchestrator.testing.fakes import InMemoryRepository
from fmcsa_orchestrator.testing.fmcsa.catalogue import TABLES
from fmcsa_orchestrator.testing.fmcsa.tables.table import PerInspection
from fmcsa_orchestrator.wiring import open_orchestrator
from tests.support.equality import differences, row_differences, unlike, without_proof
from tests.support.world import COLLECTIONS, UNHURRIED, open_world, run_out, status_of

EMPTIED = (*COLLECTIONS, *TABLES)  # of an empty passenger file at the first sync nobody can tell whom it ought to have
OF_INSPECTIONS = tuple(table.id for table in TABLES.values() if isinstance(table.make, PerInspection))  # of one day, always
DAILY = (OF_INSPECTIONS, *((table.id,) for table in TABLES.values() if not table.monthly and table.id not in OF_INSPECTIONS))

LONGEST_ROUND_S = 45
COLUMNS = (
    *"dot_number insp_date unique_id viol_code insp_total usdot_number docket_number report_number report_date".split(),
    *"status op_auth_status policy_no inspection_id".split(),
)
SPEED = {"soda_requests_per_second": 5_000, "qcmobile_requests_per_second": 5_000, "source_calls_per_second": 50_000}


@dataclass
class Report:
    """What the soak did, and what was not as it should be."""

    faults: Counter = field(default_factory=Counter)
    rounds: list = field(default_factory=list)
    handlers: Counter = field(default_factory=Counter)
    outcomes: Counter = field(default_factory=Counter)
    proofs: Counter = field(default_factory=Counter)  # those that are other than a fresh reading has them, by their reason
    requests: int = 0
    rows: dict = field(default_factory=dict)
    lies: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    seconds: float = 0.0
    peak_mb: int = 0


class Clients:
    """Our HTTP clients, as long as `made` lasts: their retries and brakes go by a time that only sleeping moves, and `go_on`."""

    def __init__(self):
        self._upstreams = []
        self._passed_s = 0.0

    @contextmanager
    def made(self):
        original = Upstream.__init__

        def init(upstream, *args, **options):
            original(upstream, *args, **{"sleep": self._sleep, "clock": lambda: self._passed_s, **options})
            self._upstreams.append(upstream)

        with patch.object(Upstream, "__init__", init):
            yield self

    async def _sleep(self, seconds):
        self.go_on(seconds)
        await asyncio.sleep(0)

    def go_on(self, seconds):
        """So many seconds later."""
        self._passed_s += seconds

    def become_patient(self):
        """From here on a request may take its time, however busy the machine is."""
        for upstream in self._upstreams:
            upstream.timeout_s = UNHURRIED["request_timeout_s"]


def any_fault(rng):
    """One of everything that can go wrong."""
    column = rng.choice(COLUMNS)
    value = rng.choice([{"a": 1}, ["x"]])  # another plausible value is one that nobody could tell from a true one
    return rng.choice(
        [
            lambda: Fault.status(rng.choice([202, 301, 400, 401, 403, 404, 408, 429, 500, 502, 503])),
            lambda: Fault.status(rng.choice([429, 503]), retry_after=rng.choice([1, 120, "Wed, 21 Oct 2015 07:28:00 GMT"])),
            Fault.html,
            Fault.html_as_json,
            Fault.empty_body,
            Fault.truncated,
            Fault.reset,
            lambda: Fault.drip(3, 0.01),
            lambda: Fault.hang(0.6),
            Fault.publish_now,
            lambda: Fault.throttle(3, 0.2),
            Fault.not_an_array,
            lambda: Fault.missing_column(column),
            lambda: Fault.new_column("novelty"),
            lambda: Fault.retyped_column(column, "checkbox"),
            lambda: Fault.bad_value(column, value),
            Fault.stale,
            Fault.older,
            Fault.blocked,
            Fault.used_up,
            Fault.closed,
            Fault.moved,
            Fault.garbled,
            Fault.silent,
            lambda: Fault.status(429, retry_after=1, silent=True),
            lambda: Fault.ahead(800),
            lambda: Fault.capped(rng.choice([50, 100, 1_000])),
            Fault.one_page,
            lambda: Fault.one_line(blanks=rng.choice([0, 10_000])),
            lambda: Fault.bad_value(column, value, one_row=True),
        ]
    )()


class Soak:
    """One world under fire."""

    def __init__(self, world, rng, clients):
        self._clients = clients
        self.report = Report()
        self._world = world
        self._rng = rng
        self._injections = []

    def inject(self):
        rng = self._rng
        if rng.random() < 0.05:  # as long as the round: that a whole file is empty for one request only, nobody can tell
            self._world.upstream.inject(Fault.empty_dataset(), dataset=rng.choice(EMPTIED))
            self.report.faults["empty dataset"] += 1
            return
        usdot = rng.choice(self._world.fleet.usdots) if rng.random() < 0.2 else None
        dataset = rng.choice([None, *DATASETS])
        kind = rng.choice([None, None, "resource", "metadata", "qcmobile"]) if dataset is None else None
        times = rng.randint(1, 6)
        where = {"dataset": dataset, "kind": kind, "usdot": usdot, "times": times, "after": rng.randint(0, 12)}
        self._injections.append((self._world.upstream.inject(any_fault(rng), **where), times))

    def publish(self):
        if self._rng.random() < 0.5:
            for datasets in self._rng.sample(DAILY, self._rng.randint(1, 3)):
                self._world.fleet.publish_daily(*datasets, changed=self._rng.choice([0.0, 0.05, 0.3]))
        if self._rng.random() < 0.3:
            self._world.upstream.publish(dataset=self._rng.choice(list(DATASETS)))
        else:
            self._world.upstream.publish(changed=self._rng.choice([0.0, 0.05, 0.3]))

    async def round(self):
        rng, sync = self._rng, self._world.orchestrator
        if rng.random() < 0.7:
            self.publish()
        for _ in range(rng.randint(3, 10)):
            self.inject()
        deadline_s = rng.uniform(0.1, 5) if rng.random() < 0.3 else LONGEST_ROUND_S
        meddling = asyncio.create_task(self._meddle())
        summary = await sync.sync_all_companies(force=rng.random() < 0.2, deadline_s=deadline_s)
        meddling.cancel()
        await asyncio.gather(meddling, return_exceptions=True)
        self.report.rounds.append((summary.stopped, summary.total, summary.failed, summary.rows_written))
        for injection, times in self._injections:
            self.report.faults[injection.fault.name] += times - (injection.times or 0)
        self._injections.clear()
        self._world.upstream.clear_faults()
        await self._world.upstream.stop()  # what is still under way there might publish behind our back
        await self._world.upstream.start()
        self._clients.go_on(3_600)  # a pause that upstream has asked for is over
        self.report.lies += await self._lies()

    async def _meddle(self):
        rng, sync = self._rng, self._world.orchestrator
        while True:
            await asyncio.sleep(rng.uniform(0, 0.3))
            what = rng.random()
            if what < 0.3:
                self.inject()
            elif what < 0.35:
                self.publish()
            elif what < 0.355:
                self.report.handlers["stop()"] += 1
                sync.stop()
            else:
                ids = rng.choices(self._world.fleet.usdots, k=rng.randint(1, 4))
                calls = (sync.sync_company(key, force=rng.random() < 0.7, timeout_s=rng.choice([0.01, 0.3, 20])) for key in ids)
                for result in await asyncio.gather(*calls):
                    self.report.handlers["good" if result.success else result.errors[0].kind] += 1

    async def _lies(self):
        """Of a sample of companies: what says that it is what upstream has now, and is not."""
        versions = await self._world.orchestrator.components.versions.current(afresh=True)
        companies = self._rng.sample(await self._world.companies(), min(100, len(self._world.fleet)))
        honest = []
        for company in companies:
            sources = status_of(company).get("sources", {}) if "fmcsaData" in company else {}
            if all(versions[name] and sources.get(name, {}).get("version") == versions[name] for name in versions):
                honest.append(company)
        self.report.outcomes["checked in between"] += len(honest)
        return (await row_differences(self._world, honest))[:20]

    async def finish(self):
        """One clean run; whatever differs then is wrong."""
        if self._world.database is not None:
            await run_out(self._world.database)  # what a handler was too late to give back
        self._clients.become_patient()
        summary = await self._world.orchestrator.sync_all_companies()
        if not summary.success:
            self.report.wrong.append(f"the clean run: {summary.stopped} {summary.errors[:3]}")
        self.report.rounds.append((summary.stopped, summary.total, summary.failed, summary.rows_written))
        reference = await _reference(self._world)
        csa_fields = {key: _csa(company) for key, company in reference.companies.items()}
        self.report.wrong += await differences(self._world, csa_fields=csa_fields)
        self.report.wrong += await unlike(self._world, reference)
        for company in await self._world.companies():  # that they say "cannot tell" longer than they had to is no lie
            if dig(company, PROOF) != dig(reference.companies[company["_id"]], PROOF):
                self.report.proofs[str(dig(company, f"{PROOF}.reason"))] += 1
        self.report.requests = self._world.upstream.count()
        kept = [slot.collection for slot in self._world.orchestrator.components.slots if slot.keeps_rows]
        self.report.rows = {name: len(await self._world.rows(name)) for name in kept}


async def _reference(world):
    """All companies and rows, as a fresh orchestrator reads them into memory from an upstream without faults."""
    memory = InMemoryRepository({"_id": key, "name": f"{key}", "dotNumber": key} for key in world.fleet.usdots)
    async with open_orchestrator(world.settings.model_copy(update=UNHURRIED), repository=memory) as orchestrator:
        assert (await orchestrator.sync_all_companies()).success
    return memory


def _csa(company):
    found = company["fmcsaData"]["csa"].items()
    csa = {f"fmcsaData.csa.{name}": without_proof(value) for name, value in found if name not in {"dataAsOf", "recomputed"}}
    return csa | {f"smsBasics.{name}": value for name, value in company["smsBasics"].items() if name != "lastUpdated"}


async def soak(companies, rounds, seed, store, uri, *, sources=tuple(BUILT_IN)):
    """The whole of it, with all sources or these, on a store that is there: the report."""
    started = time.monotonic()
    options = {
        **SPEED,
        "qcmobile_web_key": SecretStr("demo-web-key"),
        "request_timeout_s": 0.4,
        "company_timeout_s": 120,
        "sources": sources,
    }
    fleet = Fleet.sample(companies, seed=seed)
    with Clients().made() as clients:
        async with open_world(store, uri, fleet=fleet, **{**options, "batch_size": max(10, min(200, companies // 5))}) as world:
            one = Soak(world, Random(seed), clients)
            for _ in range(rounds):
                await one.round()
            await one.finish()
    one.report.seconds = round(time.monotonic() - started, 1)
    one.report.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return one.report


async def _main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("companies", 300), ("rounds", 6), ("seed", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--store", choices=["motor", "pymongo", "memory"], default="motor")
    given = parser.parse_args()
    async with EmbeddedStore() as server:
        report = await soak(given.companies, given.rounds, given.seed, given.store, server.uri)
    for name, value in vars(report).items():
        print(f"{name}: {dict(value) if isinstance(value, Counter) else value}")  # noqa: T201  # a program's answer
    return bool(report.wrong or report.lies)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_main()))
