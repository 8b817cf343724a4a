"""MongoDB elects a new primary, or loses a connection or a cursor: a run survives it, and nothing is written twice or ended."""

import os
from itertools import product

import pytest

from fmcsa_orchestrator import RepositoryError
from fmcsa_orchestrator.storage.mongodb.driver import OPERATION_S
from tests.support import wire_proxy as wire
from tests.support.bad_day import ROWS, kinds, open_bad_day, renews, saves, seconds_of

ELECTION_S = 12  # MongoDB's manual: at most so long, as a rule
LEASE_S = 30


@pytest.fixture(params=["motor", "pymongo"])
async def driver(request):
    return request.param


@pytest.fixture
async def day(driver, wire_uri):
    """All has been synced, and upstream has something newer."""
    async with open_bad_day(driver, wire_uri) as day:
        assert (await day.sync.sync_all_companies()).success
        day.number = 2
        yield day


FAULTS = {
    "not primary": wire.no_primary(),
    "stepped down": wire.no_primary(189),
    "shut down after the write": wire.not_safe(91, "ShutdownInProgress"),
    "closed": wire.cut_before(),
    "cut after the write": wire.cut_after(),
    "reads too": wire.refused(13436, "not primary or secondary", when=wire.either(wire.writes(), wire.reads())),
}
WHEN = {
    "the leases": wire.writes("fmcsaLeases"),
    "the companies": wire.writes("companies"),
    "the rows": wire.writes(ROWS),
    "the statuses": saves,
    "a query": wire.reads(ROWS),
}


# Each fault at each moment with one of the drivers; FMCSA_TEST_EVERY_CELL tries all with both, which takes a minute more.
CELLS = [
    pytest.param(driver, fault, when, id=f"{fault}-{when}-{driver}")
    for number, (fault, when) in enumerate(product(FAULTS, WHEN))
    for place, driver in enumerate(("motor", "pymongo"))
    if number % 2 == place or "FMCSA_TEST_EVERY_CELL" in os.environ
]


@pytest.mark.parametrize(("driver", "fault", "when"), CELLS, indirect=["driver"])
async def test_a_run_survives_an_election(day, jump, fault, when):
    day.proxy.fault = wire.election(ELECTION_S, FAULTS[fault], begins=WHEN[when])
    summary, seconds = await seconds_of(day, day.sync.sync_all_companies(), jump, 0.2)
    assert (summary.stopped, summary.success, summary.succeeded) == (None, True, 6), summary.errors
    assert seconds > ELECTION_S or fault == "reads too" or when == "a query"
    assert await day.is_whole()
    assert all(lease.get("owner") is None for lease in await day.database["fmcsaLeases"].find({}).to_list())


@pytest.mark.parametrize("fault", ["not primary", "cut after the write"])
async def test_a_handler_survives_an_election(day, jump, fault):
    day.proxy.fault = wire.election(ELECTION_S, FAULTS[fault], begins=wire.writes(ROWS))
    result, _ = await seconds_of(day, day.sync.sync_company(0, force=True), jump, 0.2)
    assert (result.success, result.errors) == (True, ())


async def test_a_heartbeat_survives_an_election(day, jump):
    """The lease is renewed, or taken for lost, by its own time."""
    day.proxy.fault = wire.election(ELECTION_S, wire.no_primary(when=renews), begins=renews)
    fetch = day.source.fetch

    async def slowly(company):
        jump(2.6)  # of six companies: a little more than half of the lease
        return await fetch(company)

    day.source.fetch = slowly
    summary, _ = await seconds_of(day, day.sync.sync_all_companies(), jump, 0.05)
    assert (summary.stopped, summary.success) == (None, True), summary.errors
    assert await day.is_whole()


@pytest.mark.parametrize("code", [10107, 13435])
async def test_read_only_from_here_on_ends_a_run_in_time(day, jump, code):
    day.proxy.fault = wire.election(10**9, wire.refused(code, "not primary"), begins=wire.writes(ROWS))
    summary, seconds = await seconds_of(day, day.sync.sync_all_companies(), jump, 0.2)
    assert (summary.stopped, kinds(summary), summary.succeeded) == ("database", {"database"}, 0)
    assert seconds < OPERATION_S + LEASE_S
    assert (await day.heal()).success
    assert await day.is_whole()


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("times", [1, 3])
async def test_a_lost_cursor_costs_no_row(day, times):
    """What had been given before is not given again."""
    day.proxy.fault = wire.cursor_lost(ROWS, times=times)
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, summary.success) == (None, True)
    assert "getMore" in day.proxy.commands
    assert await day.is_whole()


@pytest.mark.usefixtures("no_pauses")
async def test_where_the_cursor_is_always_lost_nothing_is_ended(day):
    before = await day.rows()
    day.proxy.fault = wire.cursor_lost(ROWS)
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, kinds(summary)) == ("database", {"database"})
    assert await day.rows() == before
    assert (await day.heal()).success
    assert await day.is_whole()


@pytest.mark.usefixtures("no_pauses")
async def test_a_cursor_lost_between_two_parts(driver, wire_uri):
    """Five thousand rows are one answer; the rest of a large carrier's are asked for."""
    async with open_bad_day(driver, wire_uri, count=1, rows=7_000) as day:
        assert (await day.sync.sync_all_companies()).success
        lost = []

        async def fault(command, ask):
            if wire.name_of(command) == "getMore" and not lost:
                lost.append(command)
                return wire.error(43, "CursorNotFound")
            return await ask()

        day.proxy.fault = fault
        found = [row["_id"] async for part in day.repository.stored_rows(ROWS, companies=[0]) for row in part]
        assert (len(lost), len(found), len(set(found))) == (1, 7_000, 7_000)
        lost.clear()
        day.number = 2
        assert (await day.sync.sync_all_companies()).success
        assert (len(lost), await day.is_whole()) == (1, True)


@pytest.mark.usefixtures("no_pauses")
async def test_in_whatever_order_documents_come(day):
    day.proxy.fault = wire.reordered()
    assert (await day.sync.sync_all_companies()).success
    assert await day.is_whole()
    assert len(await day.rows(current=False)) == 6  # of each company the first row is gone


async def test_what_has_not_been_answered_is_not_sent_again(day, jump):
    """It may still be under way, and come when the lease is somebody else's."""
    day.proxy.fault = wire.stalled(when=wire.writes(ROWS))
    sent = len(day.proxy.commands)
    writing = seconds_of(day, day.repository.write_rows(ROWS, [{"_id": "x", "companyId": 1}], None), jump, 5)
    with pytest.raises(RepositoryError, match="no answer"):
        await writing
    assert len(day.proxy.commands) == sent + 1
