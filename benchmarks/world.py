"""What the benchmarks share: the double in a process of its own, a fleet as a store would hand it out, a way to open it all."""

import asyncio
import multiprocessing
import time
from array import array
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from fmcsa_orchestrator import CompanyUpdate, Orchestrator, RepositoryError, open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.storage.event_log import EventLog
from fmcsa_orchestrator.storage.leases import Lease
from fmcsa_orchestrator.storage.repository import RowWrite
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import InMemoryRepository

OF_SMS = ("csa_scores", "violations", "inspections")  # what the plain scripts read as well


class Addresses:
    """Where a double in another process listens; as much of an `LocalFmcsa` as settings need."""

    web_key = "unused"

    def __init__(self, port: int, usdots: Sequence[int], connection: Connection | None = None) -> None:
        self.usdots = usdots
        self.port = port
        self.soda_url = f"http://127.0.0.1:{port}"
        self.qcmobile_url = f"http://127.0.0.1:{port}/qc/services"
        self._connection = connection

    def publish(self, changed: float) -> None:
        """A new monthly file, in which so many of the carriers have other rows."""
        if self._connection is not None:
            self._connection.send(changed)
            self._connection.recv()


@contextmanager
def double(companies: int, **rows: int) -> Iterator[Any]:
    """The `Addresses` of a double over a uniform fleet, in a process of its own, so that its CPU time is not ours.

    Without rows for it, over a fleet of all kinds, the last of which is a giant.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, companies, rows), daemon=True)
    process.start()
    try:
        port, usdots = ours.recv()
        yield Addresses(port, usdots, ours)
    finally:
        ours.send(None)
        process.join(10)
        if process.is_alive():
            process.kill()


def _serve(connection: Connection, companies: int, rows: dict[str, int]) -> None:
    async def serve() -> None:
        fleet = Fleet.uniform(companies, **rows) if rows else Fleet.sample(companies, giant=True)
        async with LocalFmcsa(fleet) as upstream:
            connection.send((int(upstream.soda_url.rsplit(":", 1)[1]), array("L", fleet.usdots)))
            while (changed := await asyncio.to_thread(connection.recv)) is not None:
                upstream.publish(changed=changed)
                connection.send(None)

    asyncio.run(serve())


class PassingLeases:
    """Leases of companies, given to whoever asks and kept nowhere."""

    async def acquire(self, name: str, owner: str, ttl_s: float) -> Lease:
        """Given."""
        return Lease(name, owner, 1)

    async def take(self, documents: Sequence[Mapping[str, Any]], owner: str, ttl_s: float) -> list[Lease | RepositoryError]:
        """Given."""
        return [Lease(document["_id"], owner, 1) for document in documents]

    async def renew(self, leases: Sequence[Lease], ttl_s: float) -> list[Any]:
        """Held."""
        return [lease.key for lease in leases]

    async def release(self, leases: Sequence[Lease], finished: Sequence[Lease] = ()) -> None:
        """Nothing was kept."""


class PassingRepository(InMemoryRepository):
    """A repository that hands out companies and lets what is written pass: its own memory does not grow with the fleet.

    With `status`, each company comes as one that was synced at that version.
    """

    def __init__(self, usdots: Sequence[int], status: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.company_leases = PassingLeases()
        self.written = 0
        self._usdots = usdots
        self._status = status
        self._next = 0

    async def count_due(self, since: datetime, now: datetime) -> int:
        """All of them."""
        return len(self._usdots)

    async def take_due(
        self, since: datetime, now: datetime, limit: int, without: Sequence[Any], *, after: datetime | None = None
    ) -> list[Mapping[str, Any]]:
        """The next window."""
        part = self._usdots[self._next : self._next + limit]
        self._next += len(part)
        return [self._company(usdot) for usdot in part]

    async def find_company(self, company_id: Any) -> Mapping[str, Any]:
        """By USDOT number."""
        return self._company(company_id)

    async def find_companies(self, company_ids: Sequence[Any]) -> list[Mapping[str, Any]]:
        """By USDOT number."""
        return [self._company(company_id) for company_id in company_ids]

    async def write_rows(self, collection: str, rows: Sequence[RowWrite], at: datetime) -> Mapping[int, RepositoryError]:
        """Counted, and not kept."""
        self.written += len(rows)
        return {}

    async def save(self, updates: Sequence[CompanyUpdate]) -> Mapping[int, RepositoryError]:
        """Nothing is refused."""
        return {}

    def _company(self, usdot: int) -> dict[str, Any]:
        company: dict[str, Any] = {"_id": usdot, "name": "A Carrier", "dotNumber": usdot}
        if self._status is not None:
            sources = {name: {**source, "usdot": usdot} for name, source in self._status.items()}
            company["fmcsaData"] = {"syncStatus": {"sources": sources}}
        return company


@asynccontextmanager
async def opened(
    addresses: Any, repository: Any, event_log: EventLog | None = None, sources: tuple[str, ...] | None = None
) -> AsyncIterator[Orchestrator]:
    """An orchestrator on a double, with the default sources or these, at rates that do not matter, without QCMobile."""
    update = {"qcmobile_web_key": None, "soda_requests_per_second": 1e6, "source_calls_per_second": 1e6, "sources": sources}
    settings = demo_settings(addresses).model_copy(update=update)
    async with open_orchestrator(settings, repository=repository, event_log=event_log) as orchestrator:
        yield orchestrator


async def versions(addresses: Any) -> dict[str, Any]:
    """The sources' statuses of a company that is up to date."""
    async with opened(addresses, PassingRepository([])) as orchestrator:
        found = await orchestrator.components.versions.current()  # there is no other way to forge a synced fleet
    return {name: {"version": version, "outcome": "changed"} for name, version in found.items()}


async def longest_wait() -> float:
    """Until it is cancelled: the longest time that another task of this loop had to wait for its turn."""
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest
