"""APScheduler inside a host app: `async with scheduled(): ...` in its lifespan. Alone: `python examples/apscheduler_app.py`."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from fmcsa_orchestrator import open_orchestrator

log = logging.getLogger(__name__)

DAILY = CronTrigger(hour=6, minute=15, jitter=600, timezone=UTC)
DEADLINE_S = 3_000


@asynccontextmanager
async def scheduled(trigger: BaseTrigger = DAILY) -> AsyncIterator[AsyncIOScheduler]:
    """A scheduler that syncs all companies, in the running event loop; leaving ends a run that is under way, orderly."""
    async with open_orchestrator() as orchestrator:
        running = asyncio.Lock()

        async def sync() -> None:
            async with running:
                summary = await orchestrator.sync_all_companies(deadline_s=DEADLINE_S)
            log.info("total=%d failed=%d stopped=%s", summary.total, summary.failed, summary.stopped)

        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            sync,
            trigger,
            id="fmcsa_sync",
            max_instances=1,  # a run that is late skips the next one
            coalesce=True,  # several missed runs are made up for by one
            misfire_grace_time=3_600,  # a run that could not start in time starts up to an hour later
        )
        scheduler.start()
        try:
            yield scheduler
        finally:
            scheduler.pause()
            orchestrator.stop()
            async with running:  # its lease is given back before the client closes
                scheduler.shutdown(wait=False)


async def main() -> None:
    """Until SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.INFO)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with scheduled():
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
