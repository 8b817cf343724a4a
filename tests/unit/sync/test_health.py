"""The health summary: what makes it unhealthy, and that it never raises."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Orchestrator, RepositoryError, close, health
from fmcsa_orchestrator.sync.diagnostics.health import judged

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY_S = 86_400.0


def facts(**changes):
    good = {
        "finishedAt": NOW - timedelta(hours=1),
        "stopped": None,
        "outcomes": {"a": {"changed": 3}, "b": {"failed": 1, "unchanged": 2}},
    }
    return good | changes


def test_a_recent_run_that_went_through_is_healthy_though_companies_failed():
    found = judged(facts(), {"_id": 7, "fmcsaData": {"syncStatus": {"lastRun": NOW}}}, NOW, DAY_S)
    assert (found.healthy, found.reasons, found.failing_sources) == (True, [], {"b": 1})
    assert (found.oldest_company, found.oldest_attempt, found.last_run["stopped"]) == (7, NOW, None)


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (None, "no run has ended yet"),
        ({}, "no run has ended yet"),
        (facts(finishedAt=NOW - timedelta(hours=30)), "ended 30 h ago"),
        (facts(stopped="database"), "stopped: database"),
        (facts(outcomes={"a": {"failed": 1, "unavailable": 8, "timed_out": 1}}), "a failed for all 10 companies"),
    ],
)
def test_what_makes_it_unhealthy(kept, reason):
    found = judged(kept, None, NOW, DAY_S)
    assert not found.healthy
    assert reason in " ".join(found.reasons)
    assert (found.oldest_company, found.oldest_attempt) == (None, None)


@pytest.mark.parametrize("stopped", ["deadline", "stopped"])
def test_a_run_that_was_only_cut_short_is_healthy(stopped):
    assert judged(facts(stopped=stopped), None, NOW, DAY_S).healthy


async def test_a_store_that_is_down_is_a_reason():
    class Down:
        async def last_run(self):
            raise RepositoryError("no MongoDB answers")

    found = await Orchestrator(sources=[], repository=Down(), limiter=AsyncLimiter(1, 1)).health()
    assert (found.healthy, found.reasons) == (False, ["no MongoDB answers"])


async def test_missing_settings_are_a_reason():
    found = await health()
    assert (found.healthy, "FMCSA_MONGODB_URI" in found.reasons[0]) == (False, True)
    await close()


def test_a_run_in_which_every_company_failed_is_not_healthy():
    found = judged(facts(failed=60, succeeded=0), None, NOW, DAY_S)
    assert (found.healthy, found.reasons) == (False, ["all 60 companies of the last run failed"])
    assert judged(facts(failed=59, succeeded=1), None, NOW, DAY_S).healthy


async def test_a_store_that_gives_no_answer_is_named(jump):
    class Silent:
        async def last_run(self):
            jump(5)
            await asyncio.Event().wait()

    found = await Orchestrator(sources=[], repository=Silent(), limiter=AsyncLimiter(1, 1)).health()
    assert (found.reasons, found.as_dict()["oldest_company"]) == (["MongoDB gave no answer within 5 s"], None)
