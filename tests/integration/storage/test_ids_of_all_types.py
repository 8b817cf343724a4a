"""A company may have an `_id` of any type that MongoDB lets a host choose: it is found, synced, and keeps its own rows."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from bson import Binary, Decimal128, Int64
from bson.binary import UuidRepresentation

from fmcsa_orchestrator import CompanyNotFoundError, Document, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support import wire_proxy as wire
from tests.support.backends import open_backend
from tests.support.bad_day import open_bad_day
from tests.support.leases import orchestrator
from tests.support.real_store import KINDS

UUIDS = [UUID(int=0x00112233445566778899AABBCCDDEEFF), UUID(int=1)]
IDS = [1.5, b"some bytes", Binary(b"0123456789abcdef", 3), Binary(b"0123456789abcdef", 4), datetime(2026, 1, 1, tzinfo=UTC)]
IDS.append(Int64(2**40))


@pytest.mark.parametrize("company_id", IDS, ids=repr)
async def test_it_is_found_and_synced(backend, company_id, request):
    if isinstance(company_id, bytes) and "wire" in request.node.name:
        pytest.skip("the embedded server finds no document by binary")
    await backend.add({"_id": company_id, "dotNumber": 7}, {"_id": 1, "dotNumber": 8})
    assert (await backend.repository.find_company(company_id))["dotNumber"] == 7
    source = FakeSource("s", lambda _: SourceReport(fields={"a": 1}, documents=[Document("r", {"n": 1})]))
    assert (await orchestrator(backend, source).sync_company(company_id)).success
    summary = await orchestrator(backend, source).sync_all_companies(force=True)
    assert (summary.succeeded, summary.failed) == (2, 0)
    assert len(await backend.rows("fmcsaS")) == 2


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_one_that_nothing_can_be_kept_by_is_told_as_such(driver, wire_uri):
    """No store here can hold such an id."""

    async def fault(command, ask):
        if wire.name_of(command) != "find" or command["find"] != "companies":
            return await ask()
        found = [{"_id": Decimal128("1.5"), "dotNumber": 7}]
        return {"ok": 1.0, "cursor": {"id": Int64(0), "ns": "any.companies", "firstBatch": found}}

    async with open_bad_day(driver, wire_uri) as day:
        day.proxy.fault = fault
        result = await day.sync.sync_company(Decimal128("1.5"))
        assert [(error.kind, error.error) for error in result.errors] == [
            ("database", "an _id of type Decimal128 cannot be synced; give it a plain one")
        ]
        assert result.as_dict()["company_id"] == "1.5"
        summary = await day.sync.sync_all_companies()
        assert (summary.total, summary.failed, "Decimal128" in str(summary.errors)) == (1, 1, True)


@pytest.mark.skipif(not KINDS, reason="for want of binary: set FMCSA_TEST_FERRETDB=build, or FMCSA_TEST_MONGODB_URI")
@pytest.mark.parametrize("kind", KINDS or ["none"])
@pytest.mark.parametrize("client", ["unspecified", "standard", "pythonLegacy", "javaLegacy", "csharpLegacy"])
async def test_a_uuid_is_found_as_the_client_writes_it(kind, client, wire_uri):
    """A client that is told nothing writes no UUID itself: it is looked for in the standard way, and in that of old drivers."""
    representation = {
        "unspecified": UuidRepresentation.STANDARD,
        "standard": UuidRepresentation.STANDARD,
        "pythonLegacy": UuidRepresentation.PYTHON_LEGACY,
        "javaLegacy": UuidRepresentation.JAVA_LEGACY,
        "csharpLegacy": UuidRepresentation.CSHARP_LEGACY,
    }[client]
    async with open_backend(kind, wire_uri, uuidRepresentation=client) as backend:
        await backend.add({"_id": Binary.from_uuid(UUIDS[0], representation), "dotNumber": 7})
        assert (await backend.repository.find_company(UUIDS[0]))["dotNumber"] == 7
        with pytest.raises(CompanyNotFoundError, match=str(UUIDS[1])):
            await backend.repository.find_company(UUIDS[1])
        if client == "unspecified":
            await backend.add({"_id": Binary.from_uuid(UUIDS[1], UuidRepresentation.PYTHON_LEGACY), "dotNumber": 8})
            assert (await backend.repository.find_company(UUIDS[1]))["dotNumber"] == 8
