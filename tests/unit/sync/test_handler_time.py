"""A handler's time: what has been used before the sources begin is not theirs any more."""

import asyncio

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Orchestrator, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository


class SlowToTellItsVersion(FakeSource):
    """It takes nearly all the time that there is; only the clock moves."""

    batch_size = 10

    async def fetch_many(self, companies):
        return {company.usdot: await self.fetch(company) for company in companies}

    async def version(self):
        loop = asyncio.get_running_loop()
        original = loop.time
        loop.time = lambda: original() + 89.9
        return "v1"


async def test_what_was_read_is_stored_although_a_version_took_long_and_a_source_hangs():
    async def hang(_):
        await asyncio.Event().wait()

    sources = [
        SlowToTellItsVersion("slow", lambda _: SourceReport(fields={"read": True}), owns=["read"]),
        FakeSource("hanging", hang),
    ]
    repository = InMemoryRepository([{"_id": 1, "dotNumber": 101}])
    orchestrator = Orchestrator(sources=sources, repository=repository, limiter=AsyncLimiter(10_000, 1))
    try:
        result = await orchestrator.sync_company(1, timeout_s=100)
    finally:
        del asyncio.get_running_loop().time
    assert [(error.source, error.kind) for error in result.errors] == [("hanging", "timeout")]
    assert repository.companies[1]["read"] is True
