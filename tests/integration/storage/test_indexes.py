"""Indexes: made by `prepare` and by runs, in bounded time; handlers only look. Rows that have ended, and how long they are kept."""

import asyncio
import logging
import re

import pytest

from fmcsa_orchestrator import MongoCompanyRepository
from fmcsa_orchestrator.storage.mongodb.driver import connect
from fmcsa_orchestrator.sync.indexes import LOOK_S, RUN_S
from tests.support import wire_proxy as wire
from tests.support.backends import closed
from tests.support.bad_day import ROWS, open_bad_day, seconds_of
from tests.support.syncs import orchestrator

ALL = {
    "companies.fmcsaData.syncStatus.lastRun + dotNumber",
    "companies.dotNumber",
    f"{ROWS}.companyId",
    "fmcsaQuarantine.companyId",
}
LATE_S = 2.5  # what a limit may be overrun by; the clock here goes by small jumps
NOT_ALLOWED = 13


@pytest.fixture(params=["motor", "pymongo"])
async def day(request, wire_uri):
    async with open_bad_day(request.param, wire_uri) as day:
        yield day


def makes_indexes(command):
    return wire.name_of(command) == "createIndexes"


def lists_indexes(command):
    return wire.name_of(command) == "listIndexes"


@pytest.fixture(autouse=True)
def all_of_the_log(caplog):
    caplog.set_level(logging.INFO, "fmcsa_orchestrator")


def told(caplog, event):
    return [record.fields for record in caplog.records if getattr(record, "event", None) == event]


def names(findings):
    return {re.split(" is | has ", finding.text)[0] for finding in findings}


def stalling(what, goes_on, starts):
    """As when a member of the replica set is down, which all indexes wait for. When the sync goes on is noted."""
    stalled = wire.stalled(when=what)

    async def fault(command, ask):
        if goes_on(command):
            starts.append(asyncio.get_running_loop().time())
        return await stalled(command, ask)

    return fault


async def stored_indexes(day, collection):
    return {tuple(name for name, _ in index["key"]) for index in (await day.database[collection].index_information()).values()}


async def test_prepare_makes_them_once(day):
    first = await day.sync.prepare()
    assert (names(first), {finding.is_good for finding in first}, {finding.remedy for finding in first}) == (ALL, {True}, {None})
    assert all("has been made" in finding.text for finding in first)
    assert {("fmcsaData.syncStatus.lastRun", "dotNumber"), ("dotNumber",)} <= await stored_indexes(day, "companies")
    assert ("companyId",) in await stored_indexes(day, ROWS)
    day.proxy.commands.clear()
    again = await day.sync.prepare()
    assert (names(again), all("is there" in finding.text for finding in again)) == (ALL, True)
    assert set(day.proxy.commands) == {"listIndexes"}


async def test_a_run_makes_what_is_missing_once_per_process(day):
    assert (await day.sync.sync_all_companies()).success
    assert day.proxy.commands.count("createIndexes") == len(ALL)
    day.proxy.commands.clear()
    assert (await day.sync.sync_all_companies(force=True)).success
    assert not {"createIndexes", "listIndexes"} & set(day.proxy.commands)


async def test_a_handler_makes_none_and_says_once_what_is_missing(day, caplog):
    day.proxy.fault = wire.stalled(when=makes_indexes)
    for _ in range(2):
        assert (await day.sync.sync_company(0, force=True)).success
    assert "createIndexes" not in day.proxy.commands
    (line,) = told(caplog, "index_missing")
    assert set(line["indexes"].split(", ")) == ALL


async def test_a_handler_says_nothing_where_all_are_there(day, caplog):
    await day.sync.prepare()
    assert (await day.sync.sync_company(0)).success
    assert told(caplog, "index_missing") == []


@pytest.mark.parametrize("wait", [True, False])
async def test_a_handler_does_not_wait_for_a_list_of_indexes(day, jump, wait, caplog):
    began, starts = asyncio.get_running_loop().time(), []
    day.proxy.fault = stalling(lists_indexes, wire.reads("companies"), starts)
    result, _ = await seconds_of(day, day.sync.sync_company(0, wait=wait), jump)
    assert (result.errors, starts[0] - began < LOOK_S + 1) == ((), True), starts[0] - began
    assert told(caplog, "sync_failed") == []
    await day.sync.close()


async def test_a_run_does_not_wait_for_indexes_for_ever(day, jump, caplog):
    began, starts = asyncio.get_running_loop().time(), []
    day.proxy.fault = stalling(makes_indexes, wire.writes("fmcsaLeases"), starts)
    summary, _ = await seconds_of(day, day.sync.sync_all_companies(), jump, 1)
    assert (summary.success, starts[0] - began < RUN_S + LATE_S) == (True, True), starts[0] - began
    assert [line["collection"] for line in told(caplog, "index_refused")] == ["companies"]
    assert await day.is_whole()
    day.proxy.fault = None
    day.proxy.commands.clear()
    assert (await day.sync.sync_all_companies(force=True)).success
    assert "listIndexes" in day.proxy.commands  # it is tried again


async def test_of_a_runs_deadline_most_is_left_for_the_run(day, jump):
    began, starts = asyncio.get_running_loop().time(), []
    day.proxy.fault = stalling(makes_indexes, wire.writes("fmcsaLeases"), starts)
    await seconds_of(day, day.sync.sync_all_companies(deadline_s=40), jump)
    assert starts[0] - began < 10 + LATE_S


@pytest.mark.parametrize("what", [makes_indexes, lists_indexes], ids=["made", "listed"])
async def test_prepare_is_over_in_its_time(day, jump, what):
    day.proxy.fault = wire.stalled(when=what)
    findings, seconds = await seconds_of(day, day.sync.prepare(timeout_s=10), jump)
    assert (any(finding.is_good for finding in findings), seconds < 10 + LATE_S) == (False, True), seconds
    assert all(finding.remedy for finding in findings)


async def test_who_may_not_create_indexes_is_told_and_all_works(day, caplog):
    day.proxy.fault = wire.refused(NOT_ALLOWED, "not authorized", when=makes_indexes)
    findings = await day.sync.prepare()
    assert (names(findings), {finding.is_good for finding in findings}) == (ALL, {False})
    assert "not authorized" in findings[0].text
    caplog.clear()
    for warnings in (len(ALL), 0):  # once per process
        assert (await day.sync.sync_all_companies(force=True)).success
        assert ["not authorized" in str(line["reason"]) for line in told(caplog, "index_refused")] == [True] * warnings
        caplog.clear()


async def test_who_may_not_read_which_there_are_makes_them_all_the_same(day, caplog):
    day.proxy.fault = wire.refused(NOT_ALLOWED, "not authorized", when=lists_indexes)
    assert all(finding.is_good for finding in await day.sync.prepare())
    assert ("companyId",) in await stored_indexes(day, ROWS)
    assert (await day.sync.sync_company(0)).success
    assert told(caplog, "index_missing") == []


@pytest.mark.parametrize(
    "options", [{"sparse": True}, {"partialFilterExpression": {"dotNumber": {"$gt": 5}}}], ids=["sparse", "partial"]
)
async def test_an_index_of_the_hosts_own_that_holds_only_some_does_not_count(day, options):
    async def fault(command, ask):
        reply = await ask()
        if lists_indexes(command) and command["listIndexes"] == "companies":
            reply["cursor"]["firstBatch"].append({"v": 2, "key": {"dotNumber": 1}, "name": "theirs", **options})
        return reply

    day.proxy.fault = fault
    await day.database["companies"].create_index("x")
    assert "companies.dotNumber" in await day.repository.missing_indexes([])


async def test_one_of_the_hosts_own_that_begins_with_the_same_fields_will_do(day):
    await day.database["companies"].create_index([("dotNumber", -1), ("name", 1)])
    assert "companies.dotNumber" not in await day.repository.missing_indexes([])


async def test_a_user_that_mongodb_does_not_know_is_told_of_once(day, caplog):
    day.proxy.fault = wire.refused(18, "Authentication failed", when=lists_indexes)
    (finding,) = await day.sync.prepare()
    assert (finding.what, finding.is_good, "Authentication failed" in finding.text) == ("MongoDB", False, True)
    assert (told(caplog, "index_refused"), day.proxy.commands) == ([], ["listIndexes"])


async def test_without_a_server_prepare_says_so():
    async with closed(connect("mongodb://127.0.0.1:9", "pymongo", selection_s=0.1)) as client:
        (finding,) = await orchestrator(MongoCompanyRepository(client["none"])).prepare()
    assert (finding.what, finding.is_good, "FMCSA_MONGODB_URI" in finding.remedy) == ("MongoDB", False, True)
