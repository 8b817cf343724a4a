"""Rows of a collection that is sharded by company: before MongoDB 7.0 an upsert has to name the shard key in its filter."""

from datetime import UTC, datetime

import pytest
from pymongo.monitoring import CommandListener

from fmcsa_orchestrator import Company, CompanyWriteError, Document, UsdotNumber
from tests.support.backends import WIRES, open_backend
from tests.support.rows import store_rows

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
COMPANY = Company("c1", UsdotNumber(7))
DOCUMENTS = [Document(str(number), {"n": number}) for number in range(3)]


class Upserts(CommandListener):
    """The filters of all that is put in where it is not found."""

    def __init__(self):
        self.filters = []

    def started(self, event):
        if event.command_name == "update":
            self.filters += [dict(update["q"]) for update in event.command["updates"] if update.get("upsert")]

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


@pytest.mark.parametrize("kind", WIRES)
async def test_an_upsert_of_a_row_names_its_company(kind, wire_uri):
    upserts = Upserts()
    async with open_backend(kind, wire_uri, event_listeners=[upserts]) as backend:
        assert await store_rows(backend.repository, COMPANY, "rows", DOCUMENTS, NOW) == 3
        assert upserts.filters == [{"_id": f"c1:{number}", "companyId": "c1"} for number in range(3)]


async def test_a_row_that_has_lost_its_company_is_given_it_again(backend):
    """As after a restore from JSON: it is not found by its company, but is there by its id."""
    if backend.database is None:
        pytest.skip("memory keeps rows by company")
    await store_rows(backend.repository, COMPANY, "rows", DOCUMENTS, NOW)
    await backend.database["rows"].update_many({"_id": {"$in": ["c1:0", "c1:2"]}}, {"$set": {"companyId": "other"}})
    assert await store_rows(backend.repository, COMPANY, "rows", DOCUMENTS, NOW) == 2
    assert [(row["_id"], row["companyId"], row["n"]) for row in await backend.rows("rows")] == [
        ("c1:0", "c1", 0), ("c1:1", "c1", 1), ("c1:2", "c1", 2),
    ]  # fmt: skip


async def test_what_breaks_an_index_of_the_hosts_own_is_refused(backend):
    if backend.database is None:
        pytest.skip("memory has no indexes")
    await backend.database["rows"].create_index("n", unique=True)
    await backend.database["rows"].insert_one({"_id": "theirs", "n": 1})
    with pytest.raises(CompanyWriteError, match="cannot write rows"):
        await store_rows(backend.repository, COMPANY, "rows", DOCUMENTS, NOW)
    assert {row["_id"] for row in await backend.rows("rows")} == {"theirs", "c1:0", "c1:2"}
