"""The benchmarks' own parts: they run on the library as it is, and what they compute is what the double counts."""

import pytest

from benchmarks.reach import BATCH, FILES, Reach, rows
from benchmarks.world import PassingRepository, opened, versions
from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import InMemoryRepository
from tests.support.paths import DOCS

COMPANIES = BATCH + 1


@pytest.fixture
async def upstream(monkeypatch):
    monkeypatch.delenv("FMCSA_SOURCES")  # the default ones
    async with LocalFmcsa(Fleet.uniform(COMPANIES, violations=3, inspections=3)) as server:
        yield server


def reads(upstream):
    """Its requests, but for those that make sure that a file has rows at all."""
    return sum(record.query.get("$select") != "count(*)" for record in upstream.requests)


async def test_reach_counts_batches_as_the_double_does(upstream):
    usdots = Fleet.uniform(COMPANIES).usdots
    async with opened(upstream, PassingRepository(usdots)) as orchestrator:
        assert (await orchestrator.sync_all_companies()).outcomes["violations"] == {"changed": COMPANIES}
    assert reads(upstream) == Reach(COMPANIES).all_changed


async def test_reach_counts_nothing_changed_as_the_double_does(upstream):
    usdots, status = Fleet.uniform(COMPANIES).usdots, await versions(upstream)
    upstream.reset_requests()
    async with opened(upstream, PassingRepository(usdots, status)) as orchestrator:
        assert (await orchestrator.sync_all_companies()).outcomes["violations"] == {"unchanged": COMPANIES}
    assert upstream.count() == Reach(COMPANIES).unchanged == FILES


async def test_reach_counts_a_day_of_the_daily_files_as_the_double_does(upstream):
    fleet = Fleet.uniform(COMPANIES, violations=3, inspections=3)
    repository = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
    async with LocalFmcsa(fleet) as server, opened(server, repository) as orchestrator:
        assert (await orchestrator.sync_all_companies()).success
        fleet.publish_daily()
        server.reset_requests()
        assert (await orchestrator.sync_all_companies()).success
    assert reads(server) == Reach(COMPANIES).daily_changed


async def test_reach_counts_single_companies_as_the_double_does(upstream):
    documents = Fleet.uniform(COMPANIES).company_documents()[:3]
    repository = InMemoryRepository({**document, "_id": n} for n, document in enumerate(documents))
    async with opened(upstream, repository) as orchestrator:
        assert all([(await orchestrator.sync_company(n)).success for n in range(3)])
    assert reads(upstream) == Reach(3).one_by_one


def test_the_page_shows_what_reach_computes():
    lines = (DOCS / "howto" / "scale.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("| ") and line[2].isdigit()]
    assert table == [f"| {' | '.join(row)} |" for row in rows()]
