"""The health summary as it is read from every store."""

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Health, Orchestrator, SourceReport, SourceUnavailableError
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.backends import BACKENDS, open_backend


@pytest.mark.parametrize("kind", BACKENDS)
async def test_it_is_read_from_the_store(kind, wire_uri):
    def fetch(company):
        if company.id == 1:
            raise SourceUnavailableError("down")
        return SourceReport()

    async with open_backend(kind, wire_uri) as backend:
        await backend.add({"_id": 1, "dotNumber": 7}, {"_id": 2, "dotNumber": 8})
        sync = Orchestrator(sources=[FakeSource("s", fetch)], repository=backend.repository, limiter=AsyncLimiter(1_000, 1))
        before = await sync.health()
        assert (before.healthy, before.oldest_attempt) == (False, None)
        await sync.sync_all_companies()
        after = await sync.health()
        assert (after.healthy, after.failing_sources) == (True, {"s": 1})
        assert after.last_run["total"] == 2
        assert after.oldest_attempt is not None
        assert Health.model_validate(after.as_dict()).healthy
