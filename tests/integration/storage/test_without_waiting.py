"""`sync_company(..., wait=False)`: what is stored at once, the sync behind it, and its end."""

import asyncio

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Orchestrator, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.leases import Versioned
from tests.support.passing_time import until


@pytest.fixture
async def backend(backend):
    await backend.add({"_id": 1, "name": "One", "dotNumber": 101}, {"_id": 2, "name": "Two", "dotNumber": "none"})
    return backend


def orchestrator(backend, *sources, **options):
    return Orchestrator(sources=sources, repository=backend.repository, limiter=AsyncLimiter(10_000, 1), **options)


class Gate:
    """Lets a source answer when it is opened."""

    def __init__(self):
        self.open = asyncio.Event()
        self.began = asyncio.Event()

    async def fetch(self, company):
        self.began.set()
        await self.open.wait()
        return SourceReport(fields={"n": int(company.usdot)}, version="v1")


async def test_what_is_stored_comes_at_once_and_the_sync_goes_on_behind(backend):
    gate = Gate()
    sync = orchestrator(backend, Versioned("s", gate.fetch))
    events = []
    first = await sync.sync_company(1, wait=False, on_event=events.append)
    assert (first.success, first.usdot, first.name, first.outcomes, first.pending) == (False, 101, "One", {}, ("s",))
    assert (first.errors, events) == ((), [])
    await gate.began.wait()
    gate.open.set()
    await until(lambda: any(type(event).__name__ == "CompanySynced" for event in events))
    second = await sync.sync_company(1, wait=False)
    assert (second.success, second.pending, second.outcomes["s"].outcome, second.outcomes["s"].version) == (
        True, (), "changed", "v1",
    )  # fmt: skip
    assert (await sync.sync_company(1, wait=False, force=True)).pending == ("s",)
    await sync.close()


async def test_closing_ends_what_goes_on_and_gives_the_company_back(backend):
    before = asyncio.all_tasks()
    gate = Gate()
    sync = orchestrator(backend, FakeSource("s", gate.fetch))
    await sync.sync_company(1, wait=False)
    await gate.began.wait()
    await sync.close()
    assert asyncio.all_tasks() == before
    assert (await backend.company(1))["fmcsaData"]["syncStatus"]["lease"]["owner"] is None
    gate.open.set()
    assert (await sync.sync_company(1)).success


async def test_one_who_waits_shares_the_sync_that_goes_on(backend):
    gate = Gate()
    source = FakeSource("s", gate.fetch)
    sync = orchestrator(backend, source)
    for _ in range(3):
        assert (await sync.sync_company(1, wait=False)).pending == ("s",)
    waiting = asyncio.create_task(sync.sync_company(1))
    await gate.began.wait()
    gate.open.set()
    assert (await waiting).success
    assert len(source.asked) == 1
    await sync.close()


@pytest.mark.parametrize(("company_id", "kind"), [(9, "company_not_found"), (2, "invalid_usdot"), ({}, "company_not_found")])
async def test_one_that_cannot_be_synced_is_told_and_nothing_goes_on(backend, company_id, kind):
    before = asyncio.all_tasks()
    result = await orchestrator(backend, FakeSource("s", lambda _: SourceReport())).sync_company(company_id, wait=False)
    assert (result.success, [error.kind for error in result.errors], result.pending) == (False, [kind], ())
    assert asyncio.all_tasks() == before


async def test_a_source_that_took_too_long_is_still_to_come(backend, jump):
    async def hang(_):
        jump(50)
        await asyncio.Event().wait()

    quick = FakeSource("quick", lambda _: SourceReport(fields={"q": 1}), owns=["q"])
    sync = orchestrator(backend, FakeSource("slow", hang, owns=["n"]), quick, lease_ttl_s=1_000)
    result = await sync.sync_company(1, timeout_s=100)
    assert (result.success, result.pending, result.outcomes["quick"].outcome) == (False, ("slow",), "changed")
