"""A status as a restore from JSON leaves it, or worse: whatever lies there, the company is due, and the next sync repairs it."""

import asyncio
from datetime import UTC, datetime

import pytest

from fmcsa_orchestrator import SourceReport
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.backends import open_backend
from tests.support.leases import Versioned, orchestrator
from tests.support.real_store import IS_FERRETDB, KINDS

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TEXT = "2020-01-01T00:00:00Z"
ODD = {
    "text": TEXT, "list": [LONG_AGO], "empty list": [], "number": 1577836800000, "float": 2.5,
    "bool": True, "false": False, "object": {"x": 1}, "empty object": {}, "null": None, "far future": datetime(9999, 1, 1, tzinfo=UTC),
    "negative": -1, "huge": 2**62, "empty text": "",
}  # fmt: skip
FIELDS = [
    "", "lastRun", "success", "errors", "sLastSync", "tLastSync", "sources", "sources.s", "sources.s.outcome", "sources.s.lastAttempt",
    "sources.s.lastSuccess", "sources.s.lastChanged", "sources.s.dataAsOf", "sources.s.version", "sources.s.rows", "sources.s.message",
    "sources.s.usdot", "lease", "lease.owner", "lease.since", "lease.token", "lease.finishedToken", "lease.heartbeatAt",
    "lease.expiresAt",
]  # fmt: skip


def good():
    source = {"outcome": "unchanged", "lastAttempt": LONG_AGO, "lastSuccess": LONG_AGO, "lastChanged": LONG_AGO, "dataAsOf": LONG_AGO,
              "version": "v1", "rows": 2, "message": None, "usdot": 101}  # fmt: skip
    lease = {"owner": None, "since": None, "heartbeatAt": None, "expiresAt": None, "token": 4, "finishedToken": 4}
    return {"lastRun": LONG_AGO, "success": True, "errors": [], "sLastSync": LONG_AGO, "tLastSync": LONG_AGO, "lease": lease,
            "sources": {"s": source, "t": dict(source)}}  # fmt: skip


def spoilt(number, field, value):
    document = {"_id": number, "name": f"C{number}", "dotNumber": 101, "fmcsaData": {"syncStatus": good()}}
    *folders, last = ["fmcsaData", "syncStatus", *filter(None, field.split("."))]
    node = document
    for folder in folders:
        node = node[folder]
    node[last] = value
    return document


def values_for(field, kind):
    """By number; the embedded server cannot find a document by what kind of value it has, nor by a list or an object."""
    is_blind = field == "lease.token" and kind.startswith("wire")
    return {n: value for n, value in enumerate(ODD.values()) if not (is_blind and isinstance(value, list | dict))}


def sources():
    def report(company):
        return SourceReport(fields={"s": 1}, documents=(), data_as_of=LONG_AGO, version="v1")

    return [Versioned("s", report), FakeSource("t", lambda _: SourceReport(fields={"t": 1}))]


def is_whole(status):
    times = [status[name] for name in ("lastRun", "sLastSync", "tLastSync")]
    times += [source[name] for source in map(status["sources"].get, "st") for name in ("lastAttempt", "lastSuccess")]
    return (
        all(isinstance(time, datetime) for time in times)
        and status["success"] is True
        and status["errors"] == []
        and status["lease"]["owner"] is None
        and isinstance(status["lease"]["token"], int)
        and status["lastRun"] > LONG_AGO
    )


@pytest.mark.parametrize("force", [False, True], ids=["", "forced"])
@pytest.mark.parametrize("kind", ["memory", "mongomock", "wire-motor", *([] if IS_FERRETDB else KINDS[:1])])
@pytest.mark.parametrize("field", FIELDS)
async def test_whatever_lies_in_the_status_the_company_is_synced_and_repaired(field, kind, force, wire_uri):
    async with open_backend(kind, wire_uri) as backend:
        cases = values_for(field, kind)
        await backend.add(*(spoilt(number, field, value) for number, value in cases.items()))
        sync = orchestrator(backend, *sources(), company_timeout_s=20)
        held = {n for n, value in cases.items() if field == "lease.expiresAt" and isinstance(value, datetime)}
        summary = await sync.sync_all_companies(force=force)
        assert (summary.stopped, summary.total) == (None, len(cases))
        for number in cases.keys() - held:
            status = (await backend.company(number))["fmcsaData"]["syncStatus"]
            assert is_whole(status), (cases[number], status)
        again = await sync.sync_all_companies()
        assert (again.stopped, again.succeeded) == (None, len(cases) - len(held))


@pytest.mark.parametrize("kind", ["memory", "wire-pymongo", *KINDS[1:]])
@pytest.mark.parametrize("field", FIELDS)
async def test_a_handler_syncs_and_repairs_it_as_well(field, kind, wire_uri):
    async with open_backend(kind, wire_uri) as backend:
        cases = values_for(field, kind)
        await backend.add(*(spoilt(number, field, value) for number, value in cases.items()))
        sync = orchestrator(backend, *sources(), company_timeout_s=20)
        held = {n for n, value in cases.items() if field == "lease.expiresAt" and isinstance(value, datetime)}
        numbers = [number for number in cases if number not in held]
        await asyncio.gather(*(sync.sync_company(number, wait=False) for number in numbers))
        results = await asyncio.gather(*(sync.sync_company(number, timeout_s=3) for number in numbers))
        await sync.close()
        for number, result in zip(numbers, results, strict=True):
            company = await backend.company(number)
            assert result.success, (cases[number], result.errors, company["fmcsaData"]["syncStatus"]["lease"])
            assert is_whole(dig(company, "fmcsaData.syncStatus")), (cases[number], company)


@pytest.mark.parametrize("kind", ["memory", "mongomock", "wire-motor"])
@pytest.mark.parametrize(("field", "value"), [("", TEXT), ("lease", []), ("lease.token", "4"), ("sources", 5), ("lastRun", TEXT)])
async def test_a_company_that_cannot_be_asked_for_is_told_so_in_its_status_all_the_same(field, value, kind, wire_uri):
    async with open_backend(kind, wire_uri) as backend:
        await backend.add({**spoilt(1, field, value), "dotNumber": "none"})
        sync = orchestrator(backend, *sources())
        assert (await sync.sync_all_companies()).failed == 1
        status = (await backend.company(1))["fmcsaData"]["syncStatus"]
        assert ([error["kind"] for error in status["errors"]], status["lastRun"] > LONG_AGO) == (["invalid_usdot"], True)
        assert [error.kind for error in (await sync.sync_company(1)).errors] == ["invalid_usdot"]
