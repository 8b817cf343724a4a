"""Limiters that are lent: every request passes the one of its upstream, and one that fails lets nothing out."""

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import SettingsError, open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import InMemoryRepository

COMPANIES = 3


class Counting:
    def __init__(self, error=None):
        self.acquired = 0
        self.error = error

    async def acquire(self):
        self.acquired += 1
        if self.error:
            raise self.error


@pytest.fixture
async def upstream():
    async with LocalFmcsa(Fleet.uniform(COMPANIES)) as server:
        yield server


@pytest.fixture
def repository():
    documents = Fleet.uniform(COMPANIES).company_documents()
    return InMemoryRepository({**document, "_id": n} for n, document in enumerate(documents))


async def test_every_request_passes_the_lent_limiter_of_its_upstream(upstream, repository):
    soda, qcmobile, sources = Counting(), Counting(), Counting()
    limiters = {"soda": soda, "qcmobile": qcmobile, "sources": sources}
    async with open_orchestrator(demo_settings(upstream), repository=repository, limiters=limiters) as orchestrator:
        summary = await orchestrator.sync_all_companies()
    assert summary.success
    assert qcmobile.acquired == upstream.count("qcmobile") > 0
    assert soda.acquired == upstream.count() - upstream.count("qcmobile")
    assert sources.acquired == 3 + COMPANIES  # each source's batch, and the completion of the one that asks QCMobile


async def test_those_not_lent_are_the_process_own(upstream, repository):
    limiters = {"soda": AsyncLimiter(1_000, 1)}
    async with open_orchestrator(demo_settings(upstream), repository=repository, limiters=limiters) as orchestrator:
        assert (await orchestrator.sync_all_companies()).success


async def test_a_limiter_that_fails_lets_nothing_out_and_is_told(upstream, repository):
    limiters = {"soda": Counting(ConnectionError("no Redis"))}
    async with open_orchestrator(demo_settings(upstream), repository=repository, limiters=limiters) as orchestrator:
        result = await orchestrator.sync_company(0)
    assert upstream.count("resource") == upstream.count("metadata") == 0
    assert {(error.source, "no Redis" in error.error) for error in result.errors} == {
        ("csa_scores", True),
        ("violations", True),
        ("inspections", True),
    }


async def test_a_name_that_no_upstream_has_is_refused(upstream, repository):
    with pytest.raises(SettingsError, match="sodas.*soda, qcmobile, sources"):
        async with open_orchestrator(demo_settings(upstream), repository=repository, limiters={"sodas": Counting()}):
            pass
