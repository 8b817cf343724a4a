"""The corrections of the embedded server, over the wire: each is what MongoDB does, and each is still needed.

With FMCSA_TEST_MONGODB_URI set, a real server is asked the same.
"""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import OperationFailure, WriteError

from fmcsa_orchestrator import SettingsError
from fmcsa_orchestrator.storage.mongodb.driver import aggregated
from fmcsa_orchestrator.testing import EmbeddedStore, embedded_server
from tests.support.backends import WIRES, open_backend

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(milliseconds=250)
# What may lie where a date belongs. SQLite reads the numbers, and all text but the last, as dates.
NO_DATES = [None, 5, 2_460_500.5, True, False, {}, "2099-01-01T00:00:00+00:00", "1999-12-31", "now", "a word"]


async def ids(collection, condition):
    """Those that are found, which are as many as are counted."""
    found = {document["_id"] async for document in collection.find(condition)}
    assert await collection.count_documents(condition) == len(found)
    return found


async def set_keeps_the_types_of_dates_and_booleans(collection):
    await collection.insert_one({"_id": 1, "at": {"old": LATER}, "flag": True})
    values = {"at.new": NOON, "at.old": LATER + timedelta(days=1), "flag": False, "at.flag": True, "at.bytes": b"\x00\xff"}
    await collection.update_one({"_id": 1}, {"$set": values})
    stored = await collection.find_one({"_id": 1})
    assert stored["at"] == {"new": NOON, "old": LATER + timedelta(days=1), "flag": True, "bytes": b"\x00\xff"}
    assert (stored["flag"], stored["at"]["flag"]) == (False, True)
    assert {type(stored["flag"]), type(stored["at"]["flag"])} == {bool}


async def set_below_a_null_is_refused(collection):
    await collection.insert_one({"_id": 1, "folder": None})
    with pytest.raises(WriteError):
        await collection.update_one({"_id": 1}, {"$set": {"folder.at": 1}})


async def groups_tell_booleans_from_numbers(collection):
    await collection.insert_many([{"flag": value} for value in (True, False, 1, 0, True)])
    rows = await aggregated(collection, [{"$group": {"_id": "$flag", "number": {"$sum": 1}}}])
    assert {(type(row["_id"]), row["_id"]): row["number"] for row in rows} == {
        (bool, True): 2, (bool, False): 1, (int, 1): 1, (int, 0): 1,
    }  # fmt: skip


async def groups_have_objects_for_keys(collection):
    await collection.insert_many([{"a": {"b": 1}, "c": NOON}, {"a": {"b": 1}, "c": "text"}, {"a": {"b": "x"}}, {"a": 5}])
    is_time = {"$and": [{"$gte": ["$c", NOON]}, {"$lt": ["$c", LATER]}]}
    key = {"b": "$a.b", "at": is_time}
    rows = await aggregated(collection, [{"$group": {"_id": key, "number": {"$sum": 1}}}])
    assert sorted((str(row["_id"].get("b")), row["_id"]["at"], row["number"]) for row in rows) == [
        ("1", False, 1), ("1", True, 1), ("None", False, 1), ("x", False, 1),
    ]  # fmt: skip


async def expressions_compare_values_of_all_types(collection):
    await collection.insert_many([{"_id": number, "at": value} for number, value in enumerate([*NO_DATES, NOON, LATER])])
    for operator, expected in (("$gte", 2), ("$gt", 1)):
        at = {
            "$sum": {"$cond": [{"$and": [{operator: ["$at", NOON]}, {"$lt": ["$at", datetime.max.replace(tzinfo=UTC)]}]}, 1, 0]}
        }
        assert (await aggregated(collection, [{"$group": {"_id": None, "number": at}}]))[0]["number"] == expected


async def the_first_and_the_last_of_dates_are_dates(collection):
    await collection.insert_many([{"at": LATER}, {"at": NOON}, {}])
    group = {"$group": {"_id": None, "first": {"$min": "$at"}, "last": {"$max": "$at"}}}
    rows = await aggregated(collection, [{"$match": {"at": {"$exists": True}}}, group])
    assert rows == [{"_id": None, "first": NOON, "last": LATER}]


async def dates_are_compared_by_the_millisecond(collection):
    await collection.insert_many([{"_id": "noon", "at": NOON}, {"_id": "later", "at": LATER}])
    assert await ids(collection, {"at": {"$gt": NOON}}) == await ids(collection, {"at": {"$gte": LATER}}) == {"later"}
    assert await ids(collection, {"at": {"$lt": LATER}}) == await ids(collection, {"at": NOON}) == {"noon"}
    result = await collection.update_many({"at": {"$lt": LATER}}, {"$set": {"found": True}})
    assert result.matched_count == 1


async def dates_are_compared_with_dates_only(collection):
    await collection.insert_many([{"_id": "date", "at": NOON}, *({"at": value} for value in NO_DATES)])
    for condition in ({"$gte": NOON}, {"$lte": NOON}, {"$gt": NOON - timedelta(days=9_000)}, {"$lt": LATER}, {"$eq": NOON}):
        assert await ids(collection, {"at": condition}) == {"date"}


async def text_that_reads_like_a_date_is_text(collection):
    await collection.insert_many([{"_id": "text", "at": "2024-05-01 12:00:00"}, {"at": "2024-05-01T12:00:00Z"}, {"at": NOON}])
    assert await ids(collection, {"at": "2024-05-01 12:00:00"}) == {"text"}


async def not_finds_what_its_condition_does_not(collection):
    await collection.insert_many([{"_id": "noon", "at": NOON}, {"_id": "later", "at": LATER}, {"_id": "none"}])
    await collection.insert_many([{"_id": number, "at": value} for number, value in enumerate(NO_DATES)])
    others = {"none", *range(len(NO_DATES))}
    assert await ids(collection, {"at": {"$not": {"$gte": LATER}}}) == {"noon", *others}
    either = [{"at": {"$not": {"$gte": NOON}}}, {"at": {"$gt": NOON}}]
    assert await ids(collection, {"$or": either}) == {"later", *others}
    result = await collection.update_many({"at": {"$not": {"$gte": LATER}}}, {"$set": {"found": True}})
    assert result.matched_count == 1 + len(others)


async def a_projected_path_lies_in_its_place(collection):
    await collection.insert_one({"_id": 1, "name": "a", "folder": {"inner": {"at": NOON, "other": 1}}, "more": 2})
    expected = {"_id": 1, "name": "a", "folder": {"inner": {"at": NOON}}}
    assert await collection.find_one({"_id": 1}, {"name": 1, "folder.inner.at": 1}) == expected


async def dates_are_sorted_by_time(collection):
    times = [NOON + timedelta(seconds=seconds) for seconds in (0, 0.25, 1, 1.5, 2)]
    await collection.insert_many([{"at": time} for time in reversed(times)])
    assert [document["at"] async for document in collection.find().sort("at", 1)] == times
    assert [document["at"] async for document in collection.find().sort("at", -1).limit(2)] == times[:-3:-1]


CHECKS = [
    set_keeps_the_types_of_dates_and_booleans,
    set_below_a_null_is_refused,
    groups_tell_booleans_from_numbers,
    groups_have_objects_for_keys,
    expressions_compare_values_of_all_types,
    the_first_and_the_last_of_dates_are_dates,
    dates_are_compared_by_the_millisecond,
    dates_are_compared_with_dates_only,
    text_that_reads_like_a_date_is_text,
    not_finds_what_its_condition_does_not,
    a_projected_path_lies_in_its_place,
    dates_are_sorted_by_time,
]


def name_of(check):
    return getattr(check, "__name__", None)


@pytest.fixture(scope="module")
def uncorrected_uri():
    with asyncio.Runner() as runner:
        server = EmbeddedStore(corrected=False)
        runner.run(server.__aenter__())
        yield server.uri
        runner.run(server.__aexit__(None, None, None))


@pytest.mark.parametrize("kind", WIRES)
@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_the_server_is_mongodb(kind, check, wire_uri):
    async with open_backend(kind, wire_uri) as backend:
        await check(backend.database["things"])


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_the_correction_is_still_needed(check, uncorrected_uri):
    """When this fails, nx-27017 has caught up: take the correction out of embedded_server.py."""
    if check is dates_are_sorted_by_time and sqlite3.sqlite_version_info < (3, 45):
        pytest.skip("only later versions of SQLite sort them wrongly")
    async with open_backend("wire-pymongo", uncorrected_uri) as backend:
        with pytest.raises((AssertionError, OperationFailure, pytest.fail.Exception)):
            await check(backend.database["things"])


WITHOUT_NX = "import sys; sys.modules['nx_27017.nx_27017'] = None"
OTHER_INSIDES = (
    "import neosqlite.collection.query_helper.update_operations as theirs; del theirs.UpdateOperationsMixin._internal_update"
)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (WITHOUT_NX, "needs the demo extra: pip install"),
        (OTHER_INSIDES, "needs the versions that the demo extra names"),
        ("1 / 0", "ended at once"),
    ],
)
async def test_a_server_that_is_missing_or_not_as_expected_is_refused(spoilt, words, tmp_path, monkeypatch):
    program = tmp_path / "program.py"
    program.write_text(f"{spoilt}\nimport runpy\nrunpy.run_path({embedded_server.__file__!r}, run_name='__main__')")
    monkeypatch.setattr("fmcsa_orchestrator.testing.embedded_store.PROGRAM", program)
    with pytest.raises(SettingsError, match=words):
        async with EmbeddedStore():
            pass
