"""MongoDB that takes what it is given and does not answer: whoever waits for it gets a result in time, and none too good."""

import asyncio

import pytest

from fmcsa_orchestrator.storage.held_leases import RELEASE_S
from fmcsa_orchestrator.storage.mongodb.driver import OPERATION_S
from fmcsa_orchestrator.sync.orchestrator import HEALTH_S
from tests.support import wire_proxy as wire
from tests.support.bad_day import ROWS, kinds, open_bad_day, renews, seconds_of

LEASE_S = 30
LATE_S = 2  # what a deadline may be overrun by
SLACK_S = 0.5  # of the clock here: it goes by small jumps


@pytest.fixture(params=["motor", "pymongo"])
async def day(request, wire_uri):
    """All has been synced, the indexes are there, and upstream has something newer."""
    async with open_bad_day(request.param, wire_uri) as day:
        assert (await day.sync.sync_all_companies()).success
        day.number = 2
        yield day


async def is_healed(day):
    assert (await day.heal()).success
    return await day.is_whole()


WHEN = {"statuses": wire.writes("companies"), "rows": wire.writes(ROWS), "all": wire.writes()}


@pytest.mark.parametrize("what", WHEN)
async def test_a_run_without_a_deadline_ends_when_no_majority_can_be_reached(day, jump, what):
    day.proxy.fault = wire.stalled(when=WHEN[what])
    summary, seconds = await seconds_of(day, day.sync.sync_all_companies(), jump, 1)
    assert (summary.stopped in {"database", "could_not_run"}, kinds(summary)) == (True, {"database"})
    assert seconds < OPERATION_S + LEASE_S
    assert await is_healed(day)


@pytest.mark.parametrize("what", [wire.reads(ROWS), wire.reads("companies")], ids=["rows", "companies"])
async def test_a_run_without_a_deadline_ends_when_a_query_is_not_answered(day, jump, what):
    day.proxy.fault = wire.stalled(when=what)
    summary, seconds = await seconds_of(day, day.sync.sync_all_companies(), jump, 1)
    assert (summary.stopped in {"database", "could_not_run"}, kinds(summary)) == (True, {"database"})
    assert seconds < OPERATION_S + LEASE_S
    assert await is_healed(day)


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_a_client_of_more_patience_lengthens_no_operation(driver, wire_uri, jump):
    """Its limits, of the URI or not, can only make ours shorter."""
    async with open_bad_day(driver, wire_uri, client_options={"socketTimeoutMS": 1000 * 5 * round(OPERATION_S)}) as day:
        day.proxy.fault = wire.stalled(when=wire.reads("companies"))
        summary, seconds = await seconds_of(day, day.sync.sync_all_companies(), jump, 1)
        assert (summary.stopped in {"database", "could_not_run"}, kinds(summary)) == (True, {"database"})
        assert seconds < OPERATION_S + LEASE_S


@pytest.mark.parametrize("what", WHEN)
async def test_a_handler_is_answered_in_its_time(day, jump, what):
    day.proxy.fault = wire.stalled(when=WHEN[what])
    result, seconds = await seconds_of(day, day.sync.sync_company(0, timeout_s=10, force=True), jump)
    assert (result.success, seconds < 10 + LATE_S + SLACK_S) == (False, True), seconds
    assert {error.kind for error in result.errors} <= {"timeout", "database"}
    assert await is_healed(day)


@pytest.mark.parametrize("what", WHEN)
async def test_a_runs_deadline_is_kept(day, jump, what):
    day.proxy.fault = wire.stalled(when=WHEN[what])
    summary, seconds = await seconds_of(day, day.sync.sync_all_companies(deadline_s=10), jump)
    assert (summary.stopped, seconds < 10 + LATE_S + SLACK_S) == ("deadline", True), seconds
    assert await is_healed(day)


async def test_a_deadline_that_comes_when_all_has_been_done(day, jump):
    """Then only what is kept for `health` is left to write."""

    def is_record(command):
        return wire.writes("fmcsaLeases")(command) and "lastRun" in str(command)

    day.proxy.fault = wire.stalled(when=is_record)
    summary, seconds = await seconds_of(day, day.sync.sync_all_companies(deadline_s=1), jump)
    assert (summary.success, seconds < 1 + LATE_S + SLACK_S) == (True, True), seconds


async def test_the_lease_has_a_timer_of_its_own(day, jump):
    """While a source is at work, only the renewals are sent: that they are not answered ends the run long before a query would."""

    async def hang(_):
        day.proxy.commands.append("a source at work")
        jump(LEASE_S / 2)
        await asyncio.sleep(10 * OPERATION_S)

    day.source.fetch_many = hang
    day.source.fetch = hang
    day.proxy.fault = wire.stalled(when=renews)
    result, seconds = await seconds_of(day, day.sync.sync_company(0, timeout_s=10 * OPERATION_S, force=True), jump, 1)
    assert [error.kind for error in result.errors] == ["database"]
    assert seconds < LEASE_S + RELEASE_S + 1, seconds


async def test_health_is_told_in_its_time(day, jump):
    day.proxy.fault = wire.stalled(when=wire.reads())
    health, seconds = await seconds_of(day, day.sync.health(), jump)
    assert (health.healthy, seconds < HEALTH_S + LATE_S + SLACK_S) == (False, True)


async def test_with_five_seconds_for_each_operation_all_is_done(day, jump):
    day.proxy.fault = wire.slow(5)
    result, _ = await seconds_of(day, day.sync.sync_company(0), jump, 1)
    assert result.success
    summary, _ = await seconds_of(day, day.sync.sync_all_companies(), jump, 1)
    assert summary.success
    assert await day.is_whole()
