"""Rows that have ended, deleted after so many days where that is set: by MongoDB itself, through an index that `prepare` sees to."""

from datetime import datetime

import pytest
from mongomock_motor import AsyncMongoMockDatabase

from fmcsa_orchestrator import Document, MongoCompanyRepository, SettingsError, SourceReport
from fmcsa_orchestrator.storage.mongodb.companies import EXPIRY
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support import wire_proxy as wire
from tests.support.bad_day import ROWS, open_bad_day
from tests.support.syncs import companies, orchestrator

DAY_S = 86_400


@pytest.fixture
async def day(wire_uri):
    async with open_bad_day("pymongo", wire_uri) as day:
        yield day


def source(rows):
    """Of one company; it says the rows that are in the list at the time."""
    return FakeSource("s", lambda _: SourceReport(documents=[Document(row, {"n": 1}) for row in rows]), collection="fmcsaS")


def about_ended_rows(findings):
    return [(finding.is_good, finding.text) for finding in findings if finding.what == "ended rows"]


async def kept_s(backend, collection="fmcsaS"):
    """What MongoDB is told of a collection's ended rows: seconds, or nothing."""
    return (await backend.database[collection].index_information()).get(EXPIRY, {}).get("expireAfterSeconds")


def prepared(backend, days):
    return orchestrator(MongoCompanyRepository(backend.database, ended_rows_kept_days=days), source([])).prepare()


async def test_it_is_off_unless_it_is_set(backend):
    if backend.database is None:
        pytest.skip("memory deletes nothing")
    assert about_ended_rows(await prepared(backend, None)) == []
    assert await kept_s(backend) is None


TOLD = [f"ended rows of {name} are deleted after {{}} days" for name in ("fmcsaS", "fmcsaQuarantine")]


async def test_it_is_made_changed_and_switched_off_again(backend, request):
    if backend.database is None:
        pytest.skip("memory deletes nothing")
    if "wire" in request.node.name:
        pytest.skip("nx-27017 calls an index what it likes, and changes none by collMod")
    for days in (30, 30, 7, None, 1):
        if days == 7 and isinstance(backend.database, AsyncMongoMockDatabase):
            continue  # it has no collMod
        found = about_ended_rows(await prepared(backend, days))
        assert found == ([(True, text.format(days)) for text in TOLD] if days else [])
        assert await kept_s(backend) == await kept_s(backend, "fmcsaQuarantine") == (days and days * DAY_S)


def keeping(indexes):
    """A server that keeps one such index per collection, by collection, as MongoDB does. Asked as its manual says, else it fails."""

    async def fault(command, ask):
        what, collection = wire.name_of(command), command[wire.name_of(command)]
        reply = await (ask() if what != "collMod" else plain())
        if what == "createIndexes" and command["indexes"][0]["name"] == EXPIRY:
            (spec,) = command["indexes"]
            assert (spec["key"], collection in indexes) == ({"endedAt": 1}, False)
            indexes[collection] = spec
        elif what == "collMod":
            assert command["index"]["name"] == indexes[collection]["name"]
            indexes[collection] |= command["index"]
        elif what == "dropIndexes":
            assert command["index"] == indexes.pop(collection)["name"]
        elif what == "listIndexes":
            kept = [index for index in reply["cursor"]["firstBatch"] if "endedAt" not in index["key"]]
            kept += [{"v": 2, **indexes[collection]}] if collection in indexes else []
            reply["cursor"]["firstBatch"] = kept
        return reply

    async def plain():
        return {"ok": 1.0}

    return fault


async def test_each_change_is_one_command(day):
    indexes = {}
    await day.sync.prepare()
    day.proxy.fault = keeping(indexes)
    for days, sent in ((None, None), (30, "createIndexes"), (30, None), (7, "collMod"), (None, "dropIndexes"), (None, None)):
        day.proxy.commands.clear()
        assert all(finding.is_good for finding in await day.wired(ended_rows_kept_days=days).prepare())
        assert [name for name in day.proxy.commands if name != "listIndexes"] == [sent] * 2 * bool(sent)
        expected = {} if days is None else dict.fromkeys([ROWS, "fmcsaQuarantine"], days * DAY_S)
        assert {name: index["expireAfterSeconds"] for name, index in indexes.items()} == expected


async def test_only_rows_that_have_ended_have_the_time_by_which_they_are_deleted(backend):
    rows = ["1", "2"]
    await backend.add(*companies(1))
    sync = orchestrator(backend.repository, source(rows))
    assert (await sync.sync_company(0)).success
    rows.remove("2")
    assert (await sync.sync_company(0, force=True)).success
    stored = {row["_id"]: row.get("endedAt") for row in await backend.rows("fmcsaS")}
    assert (stored["0:1"], type(stored["0:2"])) == (None, datetime)
    rows.append("2")  # it comes back
    assert (await sync.sync_company(0, force=True)).success
    assert {row["_id"]: row.get("endedAt") for row in await backend.rows("fmcsaS")} == {"0:1": None, "0:2": None}


async def test_a_row_that_was_deleted_and_comes_back_is_a_new_one(backend):
    if backend.database is None:
        pytest.skip("memory deletes nothing")
    rows = ["1", "2"]
    await backend.add(*companies(1))
    sync = orchestrator(backend.repository, source(rows))
    assert (await sync.sync_company(0)).success
    rows.remove("2")
    assert (await sync.sync_company(0, force=True)).success
    await backend.database["fmcsaS"].delete_one({"_id": "0:2"})
    for _ in range(2):  # nor is it missed while it is gone
        result = await sync.sync_company(0, force=True)
        assert (result.success, result.outcomes["s"].outcome) == (True, "unchanged")
    rows.append("2")
    assert (await sync.sync_company(0, force=True)).outcomes["s"].outcome == "changed"
    one, two = await backend.rows("fmcsaS")
    assert (two["_id"], two["current"], two["firstSeen"] > one["firstSeen"], "endedAt" in two) == ("0:2", True, True, False)


@pytest.mark.parametrize("by", ["run", "prepare"])
async def test_a_server_without_such_indexes_is_told_of_and_all_works(day, caplog, by):
    async def fault(command, ask):
        if wire.name_of(command) == "createIndexes" and "expireAfterSeconds" in command["indexes"][0]:
            return wire.error(238, "NotImplemented")
        return await ask()

    day.proxy.fault = fault
    sync = day.wired(ended_rows_kept_days=30)
    if by == "prepare":
        found = about_ended_rows(await sync.prepare())
        assert [(is_good, "NotImplemented" in text) for is_good, text in found] == [(False, True)] * 2
    assert (await sync.sync_all_companies()).success
    assert (ROWS in caplog.text, "NotImplemented" in caplog.text) == (True, True)


@pytest.mark.parametrize("days", [0, -1])
def test_rows_are_never_deleted_at_once(days):
    with pytest.raises(SettingsError, match="at least 1"):
        MongoCompanyRepository(None, ended_rows_kept_days=days)


async def test_doctor_never_switches_it_on(backend):
    if backend.database is None:
        pytest.skip("memory deletes nothing")
    await MongoCompanyRepository(backend.database, ended_rows_kept_days=30).check(["fmcsaS"])
    assert await kept_s(backend) is None
