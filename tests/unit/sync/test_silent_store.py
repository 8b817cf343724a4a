"""A store that stops answering, or fails, in the middle: that is told as what it is, and never as somebody else's sync."""

import asyncio
from inspect import isasyncgenfunction, iscoroutinefunction
from itertools import count

import pytest

from fmcsa_orchestrator import Document, RepositoryError, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.steps import Batched
from tests.support.syncs import companies, orchestrator

LONG = 700  # seconds: more than anybody waits for the store


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    """With what has been sent, and may yet be answered when all else is given up."""
    for name in ("RELEASE_S", "LAST_S"):
        monkeypatch.setattr(f"fmcsa_orchestrator.storage.held_leases.{name}", 0.01)


class Plan:
    """From call number `at` on, `act()` stands in for the store's answer; `calls` are all that came."""

    def __init__(self, at, act):
        self.at, self.act, self.calls, self.is_over = at, act, [], False

    async def before(self, name):
        self.calls.append(name)
        if not self.is_over and len(self.calls) > self.at:
            await self.act()


class Answering:
    """A repository, or its leases, of which each call goes by the plan first."""

    def __init__(self, inner, plan):
        self._inner, self._plan = inner, plan

    def __getattr__(self, name):
        attribute = getattr(self._inner, name)
        if name.endswith("_leases"):
            return Answering(attribute, self._plan)
        if isasyncgenfunction(attribute):

            async def parts(*args, **options):
                await self._plan.before(name)
                async for part in attribute(*args, **options):
                    yield part

            return parts
        if not iscoroutinefunction(attribute):
            return attribute

        async def call(*args, **options):
            await self._plan.before(name)
            return await attribute(*args, **options)

        return call


def sources():
    def report(_):
        return SourceReport(fields={"s": 1}, documents=[Document("1", {"n": 1})], version="v1")

    return Batched("s", report, lambda: 1), FakeSource("t", lambda _: SourceReport(fields={"t": 1}))


def failing(jump):
    async def act():
        jump(LONG)  # whoever is to be renewed is tried, and fails as well
        await asyncio.sleep(0)
        raise RepositoryError("no MongoDB answers")

    return act


def silent(jump):
    async def act():
        jump(LONG)
        await asyncio.Event().wait()

    return act


@pytest.mark.parametrize("how", [failing, silent])
@pytest.mark.parametrize("way", ["run", "company"])
async def test_from_whatever_call_on_it_is_told_as_the_database(how, way, jump):
    for at in count():
        store = InMemoryRepository(companies(3))
        plan = Plan(at, how(jump))
        sync = orchestrator(Answering(store, plan), *sources(), batch_size=2)
        if way == "run":
            result = await sync.sync_all_companies()
            if len(plan.calls) <= at:
                break
            is_over = plan.calls[at] in {"record_run", "release"} and result.succeeded == 3  # all had been stored by then
            assert is_over or result.stopped in {"database", "could_not_run"}, (at, plan.calls, result)
            kinds = {error.kind for entry in result.errors for error in entry["errors"]}
            assert kinds == (set() if is_over else {"database"}), (at, plan.calls, result)
        else:
            result = await sync.sync_company(0, timeout_s=LONG / 2)
            if len(plan.calls) <= at:
                break
            assert {error.kind for error in result.errors} <= {"database", "timeout"}, (at, plan.calls, result)
        plan.is_over = True
        jump(LONG)
        for lease in store.run_leases.documents.values():
            lease |= {"expiresAt": None}
        for key, company in list(store.companies.items()):
            status = dict(company.get("fmcsaData", {}).get("syncStatus", {}))
            status["lease"] = {**status.get("lease", {}), "expiresAt": None}
            store.companies[key] = {**company, "fmcsaData": {"syncStatus": status}}
        assert (await sync.sync_all_companies()).success, (at, plan.calls)
    assert at > 5


async def test_a_run_that_the_store_has_ended_is_recorded_once_it_answers_again(jump):
    store = InMemoryRepository(companies(3))
    plan = Plan(10**9, silent(jump))
    sync = orchestrator(Answering(store, plan), *sources())
    assert (await sync.sync_all_companies()).success
    assert (await sync.health()).healthy

    async def for_a_time():
        jump(LONG)
        if len(plan.calls) > plan.at + 3:
            plan.is_over = True
        raise RepositoryError("no MongoDB answers")

    plan.at, plan.act = len(plan.calls) + 6, for_a_time
    summary = await sync.sync_all_companies(force=True)
    assert summary.stopped == "database"
    plan.is_over = True
    health = await sync.health()
    assert (health.healthy, health.reasons) == (False, ["the last run was stopped: database"])


@pytest.mark.parametrize("way", ["run", "company"])
@pytest.mark.parametrize("which", [{0}, {0, 1, 2}], ids=["one", "all"])
async def test_a_company_deleted_while_it_is_in_hand_is_told_as_deleted(way, which, jump):
    store = InMemoryRepository(companies(3))

    def delete(company):
        if company.id == 0:
            for key in which:
                store.companies.pop(key, None)
            jump(16)  # the leases are renewed before the next write: then it is noticed
        return SourceReport(fields={"s": 1}, documents=[Document("1", {"n": 1})])

    sync = orchestrator(store, FakeSource("s", delete), FakeSource("t", lambda _: SourceReport(documents=[Document("1", {})])))
    if way == "run":
        summary = await sync.sync_all_companies()
        assert (summary.stopped, summary.succeeded, summary.skipped) == (None, 3 - len(which), len(which))
        errors = [error for entry in summary.errors for error in entry["errors"]]
    else:
        errors = (await sync.sync_company(0)).errors
    assert {error.kind for error in errors} == {"company_not_found"}
    assert all("deleted" in error.error for error in errors)
