"""Companies in a real store behind the wire proxy, a driver of ours before it, and another way to look at what is there."""

import asyncio
import secrets
from contextlib import asynccontextmanager

from fmcsa_orchestrator import Document, MongoCompanyRepository, SourceReport
from tests.support.backends import closed
from tests.support.steps import Batched
from tests.support.syncs import companies, orchestrator
from tests.support.wire_proxy import WireProxy
from tests.support.world import connect, run_out, statuses

ROWS = "fmcsaS"


def kinds(summary):
    """The kinds of all errors of a run."""
    return {error.kind for entry in summary.errors for error in entry["errors"]}


def saves(command):
    """Whether a command stores the status of companies."""
    changes = [update["u"].get("$set", {}) for update in command.get("updates", ()) if isinstance(update["u"], dict)]
    return any("fmcsaData.syncStatus.lastRun" in change for change in changes)


def renews(command):
    """Whether a command is a heartbeat, and no lease is taken by it."""
    changes = str([update["u"] for update in command.get("updates", ())])
    return "heartbeatAt" in changes and "token" not in changes


class BadDay:
    """One source, read at version `number`: it says `n` in a field, and in so many rows, of which the first is gone next time.

    `proxy.fault` is what MongoDB does; `database` passes it by.
    """

    def __init__(self, proxy, lent, database, *, rows=3, **options):
        self.proxy, self.database, self.number, self.rows_each = proxy, database, 1, rows
        self.source = Batched("s", self._report, lambda: self.number, collection=ROWS)
        self._lent = lent
        self.repository = MongoCompanyRepository(lent)
        self.sync = orchestrator(self.repository, self.source, **options)

    def wired(self, **options):
        """Another orchestrator, whose repository has these options."""
        return orchestrator(MongoCompanyRepository(self._lent, **options), self.source)

    def _report(self, _):
        rows = range(self.number, self.number + self.rows_each)
        documents = [Document(f"{row}", {"n": self.number}) for row in rows]
        return SourceReport(fields={"n": self.number}, documents=documents, version=f"v{self.number}")

    async def rows(self, **condition):
        return await self.database[ROWS].find(condition).to_list(None)

    async def is_whole(self):
        """Whether all companies, and their rows, are as the source has them now, and say so."""
        found = await self.database["companies"].find({}).to_list(None)
        current = await self.rows(current=True)
        told = await statuses(self.database)
        return (
            all(company.get("n") == self.number and told[company["_id"]]["success"] for company in found)
            and len(current) == len(found) * self.rows_each
            and all(row["n"] == self.number for row in current)
        )

    async def heal(self):
        """The bad day is over, and the leases that it has left behind have run out; a run then sees to all."""
        self.proxy.fault = None
        await run_out(self.database)
        return await self.sync.sync_all_companies()


async def seconds_of(day, call, jump, step=0.1):
    """The call's result, and the seconds that it took; time passes quickly while the proxy has nothing new to do."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(call)
    began = loop.time()
    while not task.done():
        seen = len(day.proxy.commands)
        await asyncio.wait([task], timeout=0.02)
        if not task.done() and len(day.proxy.commands) == seen:
            jump(step)
    return task.result(), loop.time() - began


@asynccontextmanager
async def open_bad_day(driver, uri, *, count=6, rows=3, client_options=None, **options):
    """Some companies, none of them synced yet; MongoDB is well."""
    name = f"bad_day_{secrets.token_hex(4)}"
    async with WireProxy(uri) as proxy, closed(connect("pymongo", uri)) as beside:
        async with closed(connect(driver, proxy.uri, **(client_options or {}))) as client:
            await beside[name]["companies"].insert_many(companies(count))
            yield BadDay(proxy, client[name], beside[name], rows=rows, **options)
            proxy.fault = None
        await beside.drop_database(name)
