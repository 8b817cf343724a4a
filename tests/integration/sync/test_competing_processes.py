"""Processes that compete for the same companies, over the wire, on both drivers: one at a time, and no more requests than one."""

import asyncio
import signal
from collections import defaultdict
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from fmcsa_orchestrator.testing import Fleet
from tests.support.equality import differences
from tests.support.passing_time import PATIENCE_S, until
from tests.support.processes import open_crew
from tests.support.world import open_world, run_out, status_of

DRIVERS = ["motor", "pymongo", "motor", "pymongo"]
TTL_S = 300  # of a lease, where its holder is to be ended or stopped; no busy machine is so late with a heartbeat
FILES = 6
KILLS, STOPS = 5, 2  # per driver


@pytest.fixture
async def world(wire_uri):
    async with open_world("motor", wire_uri, fleet=Fleet.uniform(12)) as world:
        yield world


@pytest.fixture
async def crew(world, wire_uri, tmp_path):
    async with open_crew(tmp_path, world, wire_uri) as crew:
        yield crew


@pytest.fixture
async def hasty(wire_uri, tmp_path):
    fleet = Fleet.uniform(8, violations=110, inspections=60)
    async with (
        open_world("motor", wire_uri, fleet=fleet) as world,
        open_crew(tmp_path, world, wire_uri, lease_ttl_s=TTL_S) as crew,
    ):
        yield crew


async def whole_run(worker, world):
    """Ask for a run until one goes over all companies; None when the worker has ended.

    Whoever may still hold them has ended or stands still: their time is over, for MongoDB too.
    """
    async with asyncio.timeout(PATIENCE_S):
        while summary := await worker.ask("sync_all_companies"):
            if summary["stopped"] is None and not summary["skipped"]:
                return summary
            await run_out(world.database)
    return None


def overlaps(log):
    """Companies in which two were at one time."""
    inside = {}
    for pid, what, company, _ in log:
        if what == "leave":
            assert inside.pop(company) == pid
        elif inside.setdefault(company, pid) != pid:
            yield company


async def test_of_several_processes_that_start_a_run_one_runs(world, crew):
    workers = await crew.hire(*DRIVERS)
    crew.hold()
    for worker in workers:
        worker.tell("sync_all_companies")
    await until(lambda: sum(worker.has_answered() for worker in workers) == len(workers) - 1)
    (runner,) = (worker for worker in workers if not worker.has_answered())
    lease = await world.database["fmcsaLeases"].find_one({"_id": "run:companies"})
    assert lease["owner"].split(":")[1] == str(runner.pid)
    assert lease["expiresAt"] - lease["heartbeatAt"] == timedelta(seconds=30)
    for worker in workers:
        if worker is not runner:
            refused = await worker.answer()
            assert (refused["stopped"], refused["total"], refused["requests"]) == ("lease_held", 0, 0)
            assert lease["owner"] in refused["errors"][0]["errors"][0]["error"]
    crew.let_go()
    summary = await runner.answer()
    assert (summary["success"], summary["total"]) == (True, 12)
    assert world.upstream.count() == summary["requests"]
    assert await differences(world) == []
    world.upstream.publish()
    alone = await workers[0].ask("sync_all_companies")
    assert (alone["success"], alone["requests"]) == (True, summary["requests"])


async def test_handlers_and_a_run_are_never_in_one_company_together(world, crew):
    workers = await crew.hire(*DRIVERS)
    runner, *handlers = workers
    rng = Random(5)
    crew.hold()
    runner.tell("sync_all_companies")
    log = await until(crew.log)
    for handler in handlers:
        handler.tell("sync_company", company_id=log[0][2])  # the one that the run is in
    await until(lambda: world.upstream.count(kind="metadata") == FILES * len(workers))  # each has asked, and looks at it next
    await asyncio.sleep(0.3)  # whoever would come in has come in
    assert crew.log() == log
    crew.let_go()
    assert [(await handler.answer())["success"] for handler in handlers] == [True] * 3

    async def handle(handler, company_ids):
        return [(await handler.ask("sync_company", company_id=company_id, force=True))["success"] for company_id in company_ids]

    same = [rng.choice(world.fleet.usdots) for _ in range(4)]
    ids = [[other for both in zip(same, rng.sample(world.fleet.usdots, 4), strict=True) for other in both] for _ in handlers]
    assert await asyncio.gather(*map(handle, handlers, ids)) == [[True] * 8] * 3
    assert (await runner.answer())["stopped"] is None
    assert len(crew.log()) >= 2 * (3 + 24)
    assert list(overlaps(crew.log())) == []
    assert await differences(world) == []


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_holders_killed_at_any_moment_are_taken_over(hasty, driver):
    world = hasty.world
    rng, killed = Random(f"kill {driver}"), 0
    while killed < KILLS:
        world.upstream.publish(changed=0.5)
        seen = len(hasty.log())
        (worker,) = await hasty.hire(driver)
        running = asyncio.create_task(whole_run(worker, world))
        await until(lambda seen=seen: len(hasty.log()) > seen + 2)
        await asyncio.sleep(rng.uniform(0, 0.4))
        worker.signal(signal.SIGKILL)
        killed += await running is None
    (last,) = await hasty.hire(driver)
    assert (await whole_run(last, world))["success"]
    assert await differences(world) == []
    tokens = defaultdict(list)
    for _, what, company, token in hasty.log():
        if what == "leave":
            tokens[company].append(token)
    assert len(tokens) == len(world.fleet)
    assert all(one < other for held in tokens.values() for one, other in pairwise(held))


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_a_holder_that_stood_still_and_was_overtaken_changes_nothing_that_stands(hasty, driver):
    world = hasty.world
    rng, overtaken = Random(f"stop {driver}"), 0
    slow, quick = await hasty.hire(driver, "motor")
    while overtaken < STOPS:
        world.upstream.publish(changed=1.0)
        seen = len(hasty.log())
        slow.tell("sync_all_companies")
        await until(lambda seen=seen: len(hasty.log()) > seen + 2)
        await asyncio.sleep(rng.uniform(0, 0.4))
        slow.signal(signal.SIGSTOP)
        hasty.let_time_pass(TTL_S)
        await run_out(world.database)
        assert (await whole_run(quick, world))["success"]
        before = {company["_id"]: company for company in await world.companies()}
        slow.signal(signal.SIGCONT)
        answer = await slow.answer()
        overtaken += answer["stopped"] == "lease_lost"
        assert answer["stopped"] in {"lease_lost", "database", None}, answer  # database: it stood longer than an answer may take
        for company in await world.companies():
            stands = before[company["_id"]]
            assert company["witness"] == stands["witness"] == quick.pid
            assert status_of(company)["lastRun"] == status_of(stands)["lastRun"]
        assert (await whole_run(quick, world))["success"]
        assert await differences(world) == []
