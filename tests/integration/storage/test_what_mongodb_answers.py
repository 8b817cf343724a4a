"""Answers of MongoDB that no embedded store gives: whose fault they are, and that what is unsure is read again."""

import pytest
from bson.datetime_ms import DatetimeMS

from tests.support import wire_proxy as wire
from tests.support.bad_day import ROWS, kinds, open_bad_day, saves

OF_THE_DATA = [2, 9, 14, 15, 28, 40, 52, 57, 121, 10334, 11000, 17419, 17420, 7655103]
OF_THE_STORE = [14031, 16500, 10107, 189, 91, 13, 50, 8000, 1]


pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture(params=["motor", "pymongo"])
async def day(request, wire_uri):
    async with open_bad_day(request.param, wire_uri) as day:
        yield day


@pytest.mark.parametrize("what", ["rows", "statuses", "leases"])
async def test_what_is_not_written_to_a_majority_is_not_called_written(day, what):
    assert (await day.sync.sync_all_companies()).success
    day.number = 2
    when = {"rows": wire.writes(ROWS), "statuses": saves, "leases": wire.writes("companies")}[what]
    day.proxy.fault = wire.not_safe(64, when=when)
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, kinds(summary), summary.succeeded) == ("database", {"database"}, 0)
    day.source.asked.clear()
    assert (await day.heal()).success
    assert await day.is_whole()


@pytest.mark.parametrize("what", ["rows", "statuses"])
async def test_one_company_of_which_the_writes_are_not_safe(day, what):
    day.proxy.fault = wire.not_safe(64, when=wire.writes(ROWS) if what == "rows" else saves)
    result = await day.sync.sync_company(0)
    assert ([error.kind for error in result.errors], result.success) == (["database"], False)
    assert (await day.heal()).success
    assert await day.is_whole()


async def test_rows_that_a_new_primary_has_lost_are_written_by_the_next_sync(day):
    assert (await day.sync.sync_all_companies()).success
    before = await day.rows()
    day.number = 2
    day.proxy.fault = wire.not_safe(64, when=wire.writes(ROWS))
    assert (await day.sync.sync_all_companies()).stopped == "database"
    await day.database[ROWS].delete_many({})
    await day.database[ROWS].insert_many(before)
    assert (await day.heal()).success
    assert await day.is_whole()


async def test_a_refused_row_among_rows_that_are_not_safe(day):
    """The refusal is one company's; that the others are not safe is the store's, and outweighs it."""
    refused = wire.each_refused(121, when=wire.writes(ROWS))

    async def fault(command, ask):
        reply = await refused(command, ask)
        if "writeErrors" in reply:
            reply["writeErrors"] = reply["writeErrors"][:1]
            reply["writeConcernError"] = {"code": 64, "errmsg": "waiting for replication timed out"}
        return reply

    day.proxy.fault = fault
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, kinds(summary)) == ("database", {"database"})


@pytest.mark.parametrize("code", OF_THE_DATA)
@pytest.mark.parametrize("what", ["rows", "statuses"])
async def test_an_error_of_the_data_is_the_companys_and_the_run_goes_on(day, code, what):
    day.proxy.fault = wire.each_refused(code, when=wire.writes(ROWS) if what == "rows" else saves)
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, summary.failed, kinds(summary)) == (None, 6, {"database"})
    assert (await day.heal()).success
    assert await day.is_whole()


@pytest.mark.parametrize("code", OF_THE_STORE)
@pytest.mark.parametrize("what", ["rows", "statuses"])
async def test_any_other_error_is_the_stores_and_ends_the_run(day, code, what):
    """A full disk is not tried a hundred thousand times."""
    day.proxy.fault = wire.each_refused(code, "made up", when=wire.writes(ROWS) if what == "rows" else saves)
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, kinds(summary), summary.succeeded) == ("database", {"database"}, 0)
    assert summary.failed <= 1
    assert (await day.heal()).success
    assert await day.is_whole()


@pytest.mark.parametrize("code", [14031, 16500, 13])
async def test_a_command_refused_as_a_whole_ends_the_run(day, code):
    day.proxy.fault = wire.refused(code, when=wire.writes(ROWS))
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, kinds(summary)) == ("database", {"database"})
    assert day.proxy.commands.count("update") < 10


@pytest.mark.parametrize("code", [14031, 16500])
async def test_where_one_document_is_written_a_full_disk_is_the_stores_too(day, code):
    """The lease of a run: a single insert, not a bulk."""
    day.proxy.fault = wire.each_refused(code, when=wire.writes("fmcsaLeases"))
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, kinds(summary)) == ("could_not_run", {"database"})


@pytest.mark.parametrize("when", ["always", "from the first status on"])
async def test_companies_that_are_a_view_are_told_in_the_servers_words(day, when):
    """No company can be written then: it is the store's, and not tried for each."""
    words = "Namespace app.companies is a view, not a collection"
    day.proxy.fault = wire.refused(166, words, when=wire.writes("companies") if when == "always" else saves)
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, kinds(summary), summary.succeeded) == ("database", {"database"}, 0)
    assert words in summary.errors[-1]["errors"][0].error
    result = await day.sync.sync_company(0)
    assert ([error.kind for error in result.errors], words in result.errors[0].error) == (["database"], True)


@pytest.mark.parametrize("path", ["hired", "fmcsaData.syncStatus.lastRun", "fmcsaData.syncStatus.lease.expiresAt"])
async def test_a_date_that_python_does_not_have_costs_nobody_anything(day, path):
    """As the year 10000: whole documents are read, and the host may keep in them what it likes."""
    *way, last = path.split(".")

    async def fault(command, ask):
        reply = await ask()
        if wire.name_of(command) == "find" and command["find"] == "companies":
            for document in reply["cursor"]["firstBatch"]:
                folder = document
                for name in way:
                    folder = folder.setdefault(name, {})
                folder[last] = DatetimeMS(253_402_300_800_000)
        return reply

    day.proxy.fault = fault
    assert (await day.sync.sync_company(0)).success or path.startswith("fmcsaData")
    summary = await day.sync.sync_all_companies()
    assert (summary.stopped, summary.failed) == (None, 0)
    assert (await day.heal()).success
    assert await day.is_whole()
