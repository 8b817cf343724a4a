"""taskiq workers over a real Redis: two processes share the companies and one rate."""

import asyncio
import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from tests.support.passing_time import PATIENCE_S
from tests.support.paths import EXAMPLES, ROOT

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed (Debian: redis-server)")

RATE = 50
COMPANIES = 16
FILES = 6


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def program(*command, **variables):
    """A program that is ended, if it has not ended by itself, when the block does."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), env=os.environ | variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            _, err = await process.communicate()
        assert b"Traceback" not in err, err.decode()


@pytest.fixture
async def redis():
    """A Redis of the test's own, which keeps nothing on disk."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"]

    async def answers():
        try:
            return await client.ping()
        except RedisConnectionError:
            return False

    async with program("redis-server", *options), Redis(port=port) as client:
        await until(answers)
        yield client


@pytest.fixture
async def upstream():
    async with LocalFmcsa(Fleet.uniform(COMPANIES, violations=3, inspections=2)) as server:
        yield server


@pytest.fixture
async def database(wire_uri):
    name = f"workers_{uuid4().hex[:8]}"
    async with AsyncMongoClient(wire_uri, tz_aware=True) as client:
        fleet = Fleet.uniform(COMPANIES).company_documents()
        await client[name]["companies"].insert_many([{"_id": f"company-{n}", **company} for n, company in enumerate(fleet)])
        yield client[name]
        await client.drop_database(name)


@pytest.fixture
async def tasks(redis, upstream, database, wire_uri, monkeypatch):
    """The example's module, in touch with two workers, each a process of its own."""
    port = redis.connection_pool.connection_kwargs["port"]
    variables = {
        "REDIS_URL": f"redis://127.0.0.1:{port}",
        "FMCSA_MONGODB_URI": f"{wire_uri}/{database.name}",
        "FMCSA_SODA_BASE_URL": upstream.soda_url,
        "FMCSA_SODA_REQUESTS_PER_SECOND": str(RATE),
        "FMCSA_SOURCE_CALLS_PER_SECOND": "500",
        "FMCSA_BATCH_SIZE": "1",
        "PYTHONPATH": f"{ROOT}:{EXAMPLES}",
    }
    monkeypatch.setenv("REDIS_URL", variables["REDIS_URL"])
    monkeypatch.syspath_prepend(str(EXAMPLES))
    sys.modules.pop("taskiq_workers", None)  # it takes its address when it is imported
    module = importlib.import_module("taskiq_workers")
    worker = [sys.executable, "-m", "taskiq", "worker", "--workers", "1", "--max-async-tasks", "1", "taskiq_workers:broker"]

    async def both_wait_for_tasks():
        return sum(client["cmd"] == "xreadgroup" for client in await redis.client_list()) == 2

    await module.broker.startup()
    async with program(*worker, **variables), program(*worker, **variables):
        await until(both_wait_for_tasks)
        yield module
    await module.broker.shutdown()


async def results(sent):
    """What the tasks return; a task that raises raises here."""
    found = await asyncio.gather(*(task.wait_result(check_interval=0.05, timeout=PATIENCE_S) for task in sent))
    assert [result.error for result in found] == [None] * len(found)
    return [result.return_value for result in found]


def reads(upstream):
    """How often each carrier was asked for, over all files."""
    queries = [record.query["$where"] for record in upstream.requests if record.kind == "resource"]
    return Counter(int(number) for query in queries for number in re.findall(r"'(\d+)'", query))


def requests_per_second(upstream, started):
    """Since before the first one was sent: on a busy machine some may arrive together, but none before its turn."""
    return (len(upstream.requests) - 1) / (upstream.requests[-1].at - started)


async def test_two_workers_share_a_round_and_keep_one_rate_together(tasks, upstream, database):
    started = asyncio.get_running_loop().time()
    [count] = await results([await tasks.sync_due.kiq()])
    assert count == COMPANIES

    async def all_synced():
        return await database["companies"].count_documents({"fmcsaData.syncStatus.success": True}) == COMPANIES

    await until(all_synced)
    assert upstream.count("metadata") == 2 * FILES  # both had a share: each asks for the versions once
    assert reads(upstream) == dict.fromkeys(Fleet.uniform(COMPANIES).usdots, FILES)
    tokens = [company["fmcsaData"]["syncStatus"]["lease"]["token"] async for company in database["companies"].find({})]
    assert tokens == [1] * COMPANIES
    assert len(upstream.requests) > 2 * RATE
    assert requests_per_second(upstream, started) <= 1.05 * RATE  # Redis counts milliseconds
    assert await results([await tasks.sync_due.kiq()]) == [0]


async def test_two_workers_with_one_company_sync_it_one_after_the_other(tasks, upstream):
    sent = [await tasks.sync_one.kiq(f"company-{n}") for n in range(3) for _ in range(2)]
    found = await results(sent)
    outcomes = Counter((result["company_id"], result["outcomes"]["violations"]["outcome"]) for result in found)
    assert outcomes == {(f"company-{n}", outcome): 1 for n in range(3) for outcome in ("changed", "unchanged")}
    assert set(reads(upstream).values()) == {FILES}


async def test_the_schedule_is_one_run_a_day(tasks):
    [source] = tasks.scheduler.sources
    await source.startup()
    assert [(schedule.task_name, schedule.cron) for schedule in await source.get_schedules()] == [
        (tasks.sync_all.task_name, "15 6 * * *")
    ]


async def test_a_run_is_one_workers_and_the_other_says_so(tasks, upstream):
    started = asyncio.get_running_loop().time()
    found = await results([await tasks.sync_all.kiq() for _ in range(2)])
    assert sorted(str(summary["stopped"]) for summary in found) == ["None", "lease_held"]
    assert sorted(summary["total"] for summary in found) == [0, COMPANIES]
    assert set(reads(upstream).values()) == {FILES}
    assert requests_per_second(upstream, started) <= 1.05 * RATE  # Redis counts milliseconds
