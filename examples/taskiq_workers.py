"""Workers of taskiq over Redis, on one or many hosts. They share the companies by leases, and one rate by `redis_limiter`.

In `examples`, run `taskiq worker --workers 2 --max-async-tasks 1 taskiq_workers:broker` on each host, and on one of them
`taskiq scheduler taskiq_workers:scheduler`.
"""

import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import AsyncMongoClient
from redis.asyncio import Redis
from redis_limiter import RedisLimiter
from taskiq import Context, TaskiqDepends, TaskiqEvents, TaskiqScheduler, TaskiqState
from taskiq.schedule_sources import LabelScheduleSource
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from fmcsa_orchestrator import Settings, open_orchestrator

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
LAST_RUN = "fmcsaData.syncStatus.lastRun"

broker = RedisStreamBroker(
    REDIS_URL,
    queue_name="fmcsa",
    consumer_id="0",  # also what was enqueued before the first worker came
    xread_count=1,  # one at a time: else a worker takes a hundred companies, and the others stand idle
    idle_timeout=3_600_000,  # ms; a task that was lost with its worker is taken up after an hour, longer than any run
    unacknowledged_lock_timeout=60,
    maxlen=100_000,  # what is done stays in the stream up to here
).with_result_backend(RedisAsyncResultBackend(REDIS_URL, result_ex_time=3_600))
scheduler = TaskiqScheduler(broker, [LabelScheduleSource(broker)])
WORKER: Any = TaskiqDepends()  # the worker that runs the task: filled in by taskiq


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def startup(state: TaskiqState) -> None:
    """One orchestrator per worker process; the upstreams' rates are those of all workers together."""
    settings = Settings.load()
    state.stack = AsyncExitStack()
    redis = await state.stack.enter_async_context(Redis.from_url(REDIS_URL))
    client = AsyncMongoClient[dict[str, Any]](settings.require_mongodb_uri(), tz_aware=True)
    await state.stack.enter_async_context(client)
    name = settings.mongodb_database
    database = client[name] if name else client.get_default_database("fmcsa")
    state.companies = database[settings.companies_collection]
    limiters = {
        "soda": RedisLimiter(redis, "soda", settings.soda_requests_per_second),
        "qcmobile": RedisLimiter(redis, "qcmobile", settings.qcmobile_requests_per_second),
    }
    opened = open_orchestrator(settings, database=database, limiters=limiters)
    state.orchestrator = await state.stack.enter_async_context(opened)


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def shutdown(state: TaskiqState) -> None:
    """Close what startup opened."""
    await state.stack.aclose()


@broker.task(schedule=[{"cron": "15 6 * * *"}])
async def sync_all(deadline_s: float = 3_000, worker: Context = WORKER) -> dict[str, Any]:
    """All companies, in batches. Where another worker is at it, this ends at once with `stopped` = "lease_held"."""
    summary = await worker.state.orchestrator.sync_all_companies(deadline_s=deadline_s)
    return dict(summary.as_dict())


@broker.task
async def sync_one(company_id: str | int, worker: Context = WORKER) -> dict[str, Any]:
    """One company, now: a new customer, a corrected number. One that another worker has in hand is waited for."""
    result = await worker.state.orchestrator.sync_company(company_id)
    return dict(result.as_dict())


@broker.task
async def sync_due(hours: float = 24, worker: Context = WORKER) -> int:
    """Put every company in the queue that was not attempted for so long; how many. Costs more requests than `sync_all`."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    due = {"dotNumber": {"$exists": True, "$nin": [None, ""]}, "$or": [{LAST_RUN: None}, {LAST_RUN: {"$lt": since}}]}
    count = 0
    async for company in worker.state.companies.find(due, {"_id": 1}):
        key = company["_id"]
        await sync_one.kiq(key if isinstance(key, int) else str(key))
        count += 1
    return count
