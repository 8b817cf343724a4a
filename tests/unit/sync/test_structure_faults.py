"""Faults that lay in the structure: what a repository says passes the isolation, an event does not change, one setting for stale."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from aiolimiter import AsyncLimiter
from pydantic import ValidationError

from fmcsa_orchestrator import (
    BaseSource,
    CompanyNotFoundError,
    LeaseHeldError,
    LeaseLostError,
    Orchestrator,
    RunStarted,
    Settings,
    SourceReport,
)
from fmcsa_orchestrator.cli.app import status
from fmcsa_orchestrator.model.status import STALE_AFTER_H
from fmcsa_orchestrator.testing import FakeSource, InMemoryRepository

SECRET = "s3cr3t-of-the-host"


class Refusing(InMemoryRepository):
    """A repository that finds a company in other hands, or gone, and says so at length, with a secret in it."""

    error = LeaseHeldError

    async def save(self, updates):
        return {index: self.error(f"held by {SECRET} " + "x" * 1_000) for index in range(len(updates))}


def orchestrator(repository, **options):
    source = FakeSource("mine", lambda _: SourceReport(fields={"mine": 1}, documents=()))
    return Orchestrator(sources=[source], repository=repository, limiter=AsyncLimiter(1_000, 1), secrets=(SECRET,), **options)


@pytest.mark.parametrize("error", [LeaseHeldError, LeaseLostError, CompanyNotFoundError])
async def test_what_a_repository_says_of_one_company_passes_the_isolation(error, caplog):
    repository = Refusing({"_id": n, "dotNumber": n} for n in (1, 2))
    repository.error = error
    summary = await orchestrator(repository).sync_all_companies()
    assert (summary.stopped, summary.total, summary.skipped) == (None, 2, 2)
    texts = [failure.error for entry in summary.errors for failure in entry["errors"]]
    assert len(texts) == 2
    assert all(SECRET not in text and len(text) <= 500 for text in texts)
    lines = [record for record in caplog.records if getattr(record, "event", None) == "sync_failed"]
    assert [(line.levelno, line.fields["kind"]) for line in lines] == [(logging.WARNING, error.kind)] * 2
    assert SECRET not in caplog.text


async def test_an_event_that_was_told_does_not_change():
    seen = []
    await orchestrator(InMemoryRepository([{"_id": 1, "dotNumber": 1}])).sync_all_companies(on_event=seen.append)
    (started,) = [event for event in seen if isinstance(event, RunStarted)]
    assert type(started.requests) is dict
    assert started.requests == {}


async def test_stale_is_one_setting_for_health_and_status():
    assert Settings().stale_after_h == STALE_AFTER_H
    assert Orchestrator.__init__.__kwdefaults__["stale_after_h"] == STALE_AFTER_H
    assert status.__kwdefaults__["stale_after"] is None  # the setting
    repository = InMemoryRepository([{"_id": 1, "dotNumber": 1}])
    now = datetime.now(UTC)
    await repository.record_run({"finishedAt": now - timedelta(hours=30), "succeeded": 1, "failed": 0, "stopped": None})
    assert (await orchestrator(repository).health()).healthy
    assert not (await orchestrator(repository, stale_after_h=24).health()).healthy
    assert not (await orchestrator(repository).health(stale_after_s=3_600)).healthy
    with pytest.raises(ValidationError):
        Settings(stale_after_h=0)


async def test_a_time_limit_that_is_none_is_told_and_never_raised():
    repository = InMemoryRepository([{"_id": 1, "dotNumber": 1}])
    result = await orchestrator(repository).sync_company(1, timeout_s="soon")
    assert (result.success, [error.kind for error in result.errors]) == (False, ["unexpected"])
    summary = await orchestrator(repository).sync_all_companies(deadline_s="soon")
    assert (summary.stopped, summary.total) == ("could_not_run", 0)


class Completing(BaseSource):
    """A batch source as hosts write them: with something left to ask, or not, as its constructor says."""

    name = "mine"
    batch_size = 10

    def __init__(self, completes=None):
        self.completed = 0
        if completes is not None:
            self.completes = completes

    async def fetch(self, company):
        return (await self.fetch_many([company]))[company.usdot]

    async def fetch_many(self, companies):
        return {company.usdot: SourceReport(fields={"mine": 1}) for company in companies}

    async def version(self):
        return "v1"


class WithComplete(Completing):
    async def complete(self, company, report):
        self.completed += 1
        return report


@pytest.mark.parametrize(
    ("source", "completed"),
    [(Completing(), 0), (WithComplete(), 1), (WithComplete(completes=False), 0), (WithComplete(completes=True), 1)],
    ids=["inherited", "its own", "its own, switched off", "its own, switched on"],
)
async def test_a_source_is_asked_to_complete_where_it_has_something_left(source, completed):
    repository = InMemoryRepository([{"_id": 1, "dotNumber": 1}])
    sync = Orchestrator(sources=[source], repository=repository, limiter=AsyncLimiter(1_000, 1))
    assert (await sync.sync_all_companies()).success
    assert source.completed == completed
    assert [finding.text for finding in await sync.check() if finding.what == "mine"] == ["has no check of its own"]
