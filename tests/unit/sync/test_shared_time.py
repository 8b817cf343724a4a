"""Handlers of one company that share its sync, and have unlike time: each has its own, and a short one's limit is nobody else's."""

import asyncio

import pytest

from fmcsa_orchestrator import SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.passing_time import turns
from tests.support.steps import Batched
from tests.support.syncs import companies, orchestrator, status, value


class Gate:
    """A source that answers when it is let; each call by itself."""

    def __init__(self):
        self.began, self.open, self.calls = asyncio.Event(), asyncio.Event(), 0

    async def fetch(self, company):
        self.calls += 1
        self.began.set()
        await self.open.wait()
        return SourceReport(fields={"slow": 1})


KINDS = {"single": lambda gate: FakeSource("slow", gate.fetch), "batch": lambda gate: Batched("slow", gate.fetch, lambda: 1)}


def told(result):
    return [error.kind for error in result.errors]


@pytest.fixture(autouse=True)
def no_waiting_for_others(monkeypatch):
    monkeypatch.setattr("fmcsa_orchestrator.sync.shared_reads.MOMENT_S", 0)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("limits", [(10, 1_000), (1_000, 10)], ids=["the short one first", "the long one first"])
async def test_the_longer_time_counts_whoever_came_first(kind, limits, jump):
    gate, repository = Gate(), InMemoryRepository(companies(1))
    sync = orchestrator(repository, kind(gate), FakeSource("other", value("other")), lease_ttl_s=10_000)
    first = asyncio.create_task(sync.sync_company(0, timeout_s=limits[0]))
    await gate.began.wait()
    second = asyncio.create_task(sync.sync_company(0, timeout_s=limits[1]))
    await turns()
    jump(60)
    await turns()
    short, long = (first, second) if limits[0] < limits[1] else (second, first)
    assert (short.done(), long.done()) == (True, False)
    assert told(short.result()) == ["timeout"]
    assert "success" not in status(repository)
    gate.open.set()
    assert (await long).success
    assert (gate.calls, status(repository)["errors"], repository.companies[0]["slow"]) == (1, [], 1)


async def test_who_has_more_time_than_a_sync_that_was_cut_short_has_one_of_its_own(jump):
    gate, last, repository = Gate(), Gate(), InMemoryRepository(companies(1))
    sync = orchestrator(repository, FakeSource("slow", gate.fetch), FakeSource("last", last.fetch), lease_ttl_s=10_000)
    short = asyncio.create_task(sync.sync_company(0, timeout_s=10))
    await gate.began.wait()
    jump(5)  # half of nine tenths
    await last.began.wait()
    long = asyncio.create_task(sync.sync_company(0, timeout_s=1_000))
    await turns()
    gate.open.set()
    last.open.set()
    jump(0.3)
    assert [(error.source, error.kind) for error in (await short).errors] == [("slow", "timeout")]
    while not long.done():
        jump(0.3)
        await turns()
    assert (await long).success
    assert (gate.calls, status(repository)["success"]) == (2, True)


async def test_who_comes_later_with_as_much_time_has_all_of_it(jump):
    gate, repository = Gate(), InMemoryRepository(companies(1))
    sync = orchestrator(repository, FakeSource("slow", gate.fetch), lease_ttl_s=10_000)
    first = asyncio.create_task(sync.sync_company(0, timeout_s=100))
    await gate.began.wait()
    jump(50)
    second = asyncio.create_task(sync.sync_company(0, timeout_s=100))
    await turns()
    jump(60)
    await turns()
    assert told(await first) == ["timeout"]
    jump(60)
    await turns()
    assert told(await second) == ["timeout"]
    assert gate.calls == 1
