"""One contract for every repository and driver."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from aiolimiter import AsyncLimiter
from bson import ObjectId
from bson.codec_options import DatetimeConversion
from mongomock_motor import AsyncMongoMockDatabase
from pymongo.errors import OperationFailure

from fmcsa_orchestrator import (
    Company,
    CompanyNotFoundError,
    CompanyUpdate,
    CompanyWriteError,
    Document,
    ImplausibleEmptyError,
    MongoCompanyRepository,
    Orchestrator,
    RepositoryError,
    SettingsError,
    SourceReport,
    UsdotNumber,
)
from fmcsa_orchestrator.model.status import STATUS
from fmcsa_orchestrator.storage.mongodb.driver import connect, database_of, translated
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.rows import store_rows

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


def company(company_id, last_run=None, **fields):
    document = {"_id": company_id, "dotNumber": 7, **fields}
    return document | ({"fmcsaData": {"syncStatus": {"lastRun": last_run}}} if last_run else {})


async def due(backend, *, since=NOW, now=NOW, limit=50, without=()):
    found = await backend.repository.take_due(since, now, limit, without)
    if not without and limit > len(found):
        assert await backend.repository.count_due(since, now) == len(found)
    return [document["_id"] for document in found]


async def test_companies_are_due_oldest_first_and_those_never_tried_before_all(backend):
    hour = timedelta(hours=1)
    await backend.add(
        company("a", NOW - hour), company("b"), company("c", NOW - 2 * hour), company("d", NOW), company("e", NOW + hour / 60)
    )
    assert await due(backend) == ["b", "c", "a"]
    assert await due(backend, limit=2) == ["b", "c"]
    assert await due(backend, without=["b", "c"]) == ["a"]


@pytest.mark.parametrize("thing", [{"gt": ""}, {"$gt": ""}], ids=["object", "operator"])
async def test_whoever_has_something_for_a_dot_number_is_due(backend, thing):
    numbers = {"text": "12", "int": 12, "wrong": "abc", "list": [], "object": thing, "none": None, "empty": ""}
    await backend.add(*({"_id": name, "dotNumber": number} for name, number in numbers.items()), {"_id": "missing"})
    assert set(await due(backend)) == {"text", "int", "wrong", "list", "object"}


@pytest.mark.parametrize(
    "broken",
    [None, [], [1], "text", 5, {}, {"syncStatus": None}, {"syncStatus": []}, {"syncStatus": "x"}, {"syncStatus": {"lastRun": 5}}],
)
async def test_a_broken_status_is_due(backend, broken):
    if broken == [1] and isinstance(backend.database, AsyncMongoMockDatabase):
        pytest.skip("mongomock raises AttributeError where a projection leads into a list of numbers")
    await backend.add({"_id": 1, "dotNumber": 7, "fmcsaData": broken})
    assert await due(backend) == [1]


@pytest.mark.parametrize(
    "last_run", ["2099-01-01T00:00:00+00:00", "2099-01-01", "now", "a word", "", 5, 2_460_500.5, True, False, None, {}, []]
)
async def test_whatever_is_no_time_is_no_attempt(backend, last_run):
    await backend.add({"_id": 1, "dotNumber": 7, "fmcsaData": {"syncStatus": {"lastRun": last_run}}}, company("done", NOW))
    assert await due(backend) == [1]


async def test_an_attempt_that_a_wrong_clock_put_into_the_future_is_due(backend):
    await backend.add(company("future", NOW + timedelta(days=30)))
    assert await due(backend) == ["future"]


async def test_who_has_lost_its_number_counts_no_more_among_those_that_hold_a_version(backend):
    """`plan` takes them off those that are due, among which it is not."""
    held = {"fmcsaData": {"syncStatus": {"sources": {"s": {"version": "v1"}, "t": {"version": "v2"}}}}}
    for key, number in enumerate((7, None, "")):
        await backend.add({"_id": key, "dotNumber": number, **held})
    await backend.add({"_id": "missing", **held}, {"_id": "other", "dotNumber": 9})
    assert [await backend.repository.count_current(*which) for which in (("s", "v1"), ("t", "v2"), ("s", "v2"))] == [1, 1, 0]


async def test_of_those_that_are_due_only_what_is_needed_is_read(backend):
    """Most are current, and the rest of their documents, which may be large or odd, is not looked at."""
    if backend.database is None:
        pytest.skip("memory gives them as they are")
    await backend.add(company(1, NOW - timedelta(hours=1), name="One", contract="x" * 1_000))
    await backend.database["companies"].update_one({"_id": 1}, {"$set": {"fmcsaData.csa": {"a": 1}}})
    (found,) = await backend.repository.take_due(NOW, NOW, 5, ())
    assert (set(found), set(found["fmcsaData"])) == ({"_id", "dotNumber", "name", "fmcsaData"}, {"syncStatus"})


async def test_times_come_back_aware(backend):
    await backend.add(company(1, NOW))
    assert (await backend.repository.find_company(1))["fmcsaData"]["syncStatus"]["lastRun"] == NOW


async def test_ids_are_found_as_they_are(backend):
    oid = ObjectId()
    await backend.add(company(oid), company("text"), company(5))
    for company_id in (oid, "text", 5):
        assert (await backend.repository.find_company(company_id))["_id"] == company_id
    if backend.database is not None:
        assert (await backend.repository.find_company(str(oid)))["_id"] == oid


async def test_a_text_id_that_looks_like_an_object_id_is_found(backend):
    await backend.add(company("0123456789abcdef01234567"))
    assert (await backend.repository.find_company("0123456789abcdef01234567"))["_id"] == "0123456789abcdef01234567"


@pytest.mark.parametrize(
    "company_id", ["x", 6, ObjectId(), "", "zz\0", {"$gt": ""}, [], None, 1.5, 10**30, True, b"x", {"_id": 5}]
)
async def test_any_other_id_is_not_found(backend, company_id):
    await backend.add(company(5))
    with pytest.raises(CompanyNotFoundError, match="no company has the _id"):
        await backend.repository.find_company(company_id)


def subject(company_id="c1", usdot=7):
    return Company(company_id, UsdotNumber(usdot))


def documents(*numbers, text="x"):
    return [Document(str(n), {"n": n, "text": text, "flag": True, "on": NOW, "inner": {"list": [1, None]}}) for n in numbers]


async def test_rows_are_written_by_difference(backend):
    store = partial(store_rows, backend.repository)
    await backend.repository.prepare(["rows"])
    assert await store(subject(), "rows", documents(1, 2, 3), NOW) == 3
    assert await store(subject(), "rows", documents(3, 2, 1), NOW) == 0
    later = NOW + timedelta(days=1)
    assert await store(subject(), "rows", [*documents(1), *documents(2, text="y"), *documents(4)], later) == 3
    found = {
        row["_id"]: (row["current"], row["firstSeen"], row["lastChanged"], row["text"]) for row in await backend.rows("rows")
    }
    assert found == {
        "c1:1": (True, NOW, NOW, "x"),
        "c1:2": (True, NOW, later, "y"),
        "c1:3": (False, NOW, NOW, "x"),
        "c1:4": (True, later, later, "x"),
    }
    (ended,) = [row for row in await backend.rows("rows") if row["_id"] == "c1:3"]
    assert (ended["current"] is False, ended["endedAt"]) == (True, later)
    (row,) = [row for row in await backend.rows("rows") if row["_id"] == "c1:1"]
    assert (row["companyId"], row["usdot"], row["inner"], row["on"], row["flag"]) == ("c1", 7, {"list": [1, None]}, NOW, True)


async def test_two_companies_with_one_number_keep_their_own_rows(backend):
    for company_id in ("a", "b", ObjectId()):
        assert await store_rows(backend.repository, subject(company_id), "rows", documents(1, 2), NOW) == 2
    assert await store_rows(backend.repository, subject("a"), "rows", documents(1), NOW) == 1
    assert sum(row["current"] for row in await backend.rows("rows")) == 5


async def test_an_implausible_answer_writes_nothing(backend):
    await store_rows(backend.repository, subject(), "rows", documents(*range(20)), NOW)
    with pytest.raises(ImplausibleEmptyError):
        await store_rows(backend.repository, subject(), "rows", [], NOW)
    assert all(row["current"] for row in await backend.rows("rows"))


@pytest.mark.parametrize("count", [50, 2_500])
async def test_many_rows_and_awkward_values(backend, count):
    awkward = 'O\'Neill "é" $set a.b \0 日本'
    rows = [Document(f"{n}'\"$.\0é", {"text": awkward, "n": n}) for n in range(count)]
    assert await store_rows(backend.repository, subject(), "rows", rows, NOW) == count
    assert await store_rows(backend.repository, subject(), "rows", rows, NOW) == 0
    found = await backend.rows("rows")
    assert len(found) == count
    assert {row["text"] for row in found} == {awkward}


async def test_updates_are_saved_alone_and_together(backend):
    await backend.add(*(company(n, own="kept") for n in range(5)))
    assert (
        await backend.repository.save(
            [CompanyUpdate(0, {f"{STATUS}.lastRun": NOW, f"{STATUS}.success": True, "fmcsaData.csa": {"a": True}})]
        )
        == {}
    )
    updates = [CompanyUpdate(n, {f"{STATUS}.lastRun": NOW, f"{STATUS}.errors": [{"kind": "x"}]}) for n in range(1, 5)]
    assert await backend.repository.save(updates) == {}
    assert await due(backend) == []
    first, second = [await backend.repository.find_company(n) for n in (0, 1)]
    for document in (first, second):
        assert document["fmcsaData"]["syncStatus"]["lastRun"] == NOW
    assert first["fmcsaData"]["syncStatus"]["success"] is True
    minute = timedelta(minutes=1)
    assert sorted(await due(backend, since=NOW + minute, now=NOW + minute)) == [0, 1, 2, 3, 4]
    assert (first["own"], first["fmcsaData"]["csa"], second["fmcsaData"]["syncStatus"]["errors"]) == (
        "kept",
        {"a": True},
        [{"kind": "x"}],
    )


@pytest.mark.parametrize("together", [1, 3])
async def test_a_company_deleted_meanwhile_is_told(backend, together):
    await backend.add(*(company(n) for n in range(1, together)))
    refused = await backend.repository.save([CompanyUpdate(n, {f"{STATUS}.lastRun": NOW}) for n in range(together)])
    assert {index: type(error) for index, error in refused.items()} == {0: CompanyNotFoundError}
    assert await backend.repository.count_due(NOW, NOW) == 0


async def test_a_value_that_mongodb_cannot_hold_is_refused_for_this_company(backend):
    if backend.database is None:
        pytest.skip("memory holds anything")
    await backend.add(company(1), company(2))
    refused = await backend.repository.save([CompanyUpdate(1, {"fmcsaData.x": 2**70})])
    assert type(refused[0]) is CompanyWriteError
    with pytest.raises(CompanyWriteError):
        await store_rows(backend.repository, subject(), "rows", [Document("1", {"x": 2**70})], NOW)


async def test_a_server_that_is_down_is_a_repository_error_without_the_password():
    client = connect("mongodb://someone:s3cret@127.0.0.1:9/x", selection_s=0.1)
    repository = MongoCompanyRepository(database_of(client, None))
    for call in (repository.find_company(1), repository.count_due(NOW, NOW), repository.take_due(NOW, NOW, 1, ()), repository.prepare([]),
                 store_rows(repository, subject(), "rows", documents(1), NOW), repository.save([CompanyUpdate(1, {"a": 1})])):  # fmt: skip
        with pytest.raises(RepositoryError, match="FMCSA_MONGODB_URI") as raised:
            await call
        assert type(raised.value) is RepositoryError
        assert "s3cret" not in str(raised.value)
    client.close()


@pytest.mark.parametrize(
    "uri", ["", "http://x", "mongodb://", "mongodb://u:s3c@ret@h/x", "mongodb://u:s3cret@h:port/", "mongodb://u:s3/cret@h/x"]
)
def test_a_uri_that_cannot_be_read_names_the_variable_and_hides_the_password(uri):
    with pytest.raises(SettingsError, match="FMCSA_MONGODB_URI") as raised:
        connect(uri)
    assert "s3" not in str(raised.value)


async def test_the_database_is_the_named_one_or_the_uris_or_fmcsa():
    client = connect("mongodb://127.0.0.1:9/fromuri")
    assert (database_of(client, "given").name, database_of(client, None).name) == ("given", "fromuri")
    with pytest.raises(SettingsError, match="FMCSA_MONGODB_DATABASE"):
        database_of(client, "a b/c")
    client.close()
    bare = connect("mongodb://127.0.0.1:9")
    assert database_of(bare, None).name == "fmcsa"
    bare.close()


def test_a_refused_login_names_the_variable():
    failure = OperationFailure("Authentication failed for mongodb://u:s3cret@h", 18)
    with (
        pytest.raises(RepositoryError, match=r"check the user, password and rights in FMCSA_MONGODB_URI") as raised,
        translated("cannot read"),
    ):
        raise failure
    assert "s3cret" not in str(raised.value)


class Remembering:
    """A database that remembers the collections that it was asked for."""

    def __init__(self, database):
        self.database = database
        self.opened = []

    def __getattr__(self, name):
        return getattr(self.database, name)

    def get_collection(self, name, **options):
        self.opened.append(self.database.get_collection(name, **options))
        return self.opened[-1]


@pytest.mark.parametrize("options", ["w=0", "readPreference=secondaryPreferred", "w=1&readPreference=nearest"])
async def test_a_connection_made_for_speed_is_still_read_and_written_safely(wire_uri, options):
    client = connect(f"{wire_uri}/?{options}")
    database = Remembering(client["careless"])
    MongoCompanyRepository(database)
    assert [collection.name for collection in database.opened] == ["companies", "fmcsaLeases"]
    for collection in database.opened:
        assert collection.write_concern.document == {"w": "majority"}
        assert collection.read_preference.name == "Primary"
        assert collection.codec_options.datetime_conversion is DatetimeConversion.DATETIME_AUTO
    client.close()


@pytest.mark.parametrize("value", [date(2027, 1, 1), 2**70, {1, 2}, object(), {"deep": [date(2027, 1, 1)]}, "\ud800"])
async def test_a_field_that_mongodb_cannot_hold_costs_its_source_only(backend, value):
    if backend.database is None:
        pytest.skip("memory holds anything")
    await backend.add(company(1), company(2))
    bad = FakeSource("bad", lambda found: SourceReport(fields={"insurance.expires": value} if found.id == 1 else {}))
    good = FakeSource("good", lambda _: SourceReport(fields={"good": 1}))
    sync = Orchestrator(sources=[bad, good], repository=backend.repository, limiter=AsyncLimiter(1_000, 1))
    summary = await sync.sync_all_companies()
    assert (summary.failed, summary.succeeded) == (1, 1)
    stored = await backend.company(1)
    (error,) = stored["fmcsaData"]["syncStatus"]["errors"]
    assert (stored["good"], error["source"], error["kind"]) == (1, "bad", "malformed")
    assert "insurance.expires" in error["error"]


async def test_of_a_company_whose_update_was_refused_nothing_is_called_changed(backend):
    await backend.add(company(1))
    source = FakeSource("s", lambda _: SourceReport(fields={"a": 1}))
    sync = Orchestrator(sources=[source], repository=backend.repository, limiter=AsyncLimiter(1_000, 1))

    async def refuse(updates):
        return dict.fromkeys(range(len(updates)), CompanyWriteError("cannot write the company"))

    backend.repository.save = refuse
    summary = await sync.sync_all_companies()
    assert (summary.failed, summary.outcomes) == (1, {})


async def test_a_server_that_is_down_is_told_in_a_sentence():
    client = connect("mongodb://127.0.0.1:9/x", selection_s=0.1)
    with pytest.raises(RepositoryError) as raised:
        await MongoCompanyRepository(database_of(client, None)).count_due(NOW, NOW)
    assert "Topology" not in str(raised.value)
    assert "127.0.0.1:9" in str(raised.value)
    client.close()


async def test_the_survey_that_was_read_last_is_kept_apart_from_those_before(backend):
    repository = backend.repository
    assert await repository.last_survey("fmcsaEstimates") is None
    first = {"_id": "2026-11", "version": "a", "readAt": NOW, "groups": [{"measures": [1, 2], "counts": [3, 4]}]}
    older_files = {"_id": "2026-10", "version": "b", "readAt": NOW + timedelta(days=1)}  # upstream went back, say
    for document in (first, older_files):
        await repository.keep_survey("fmcsaEstimates", document)
        assert await repository.last_survey("fmcsaEstimates") == document
    again = {**first, "version": "c", "readAt": NOW + timedelta(days=2), "groups": []}
    await repository.keep_survey("fmcsaEstimates", again)
    assert await repository.last_survey("fmcsaEstimates") == again
    assert await repository.last_survey("elsewhere") is None
