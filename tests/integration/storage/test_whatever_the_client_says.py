"""The host's client decides how it reads its own documents; ours are read in one way, whatever it says."""

from zoneinfo import ZoneInfo

import pytest
from bson import SON
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from fmcsa_orchestrator import LeaseHeldError, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.backends import WIRES, open_backend
from tests.support.leases import TTL_S, orchestrator
from tests.support.real_store import KINDS

YEAR_10000 = DatetimeMS(253_402_300_800_000)
CLIENTS = {
    "times as numbers": {"datetime_conversion": "DATETIME_MS"},
    "naive times": {"tz_aware": False},
    "times of New York": {"tzinfo": ZoneInfo("America/New_York")},
    "ordered documents": {"document_class": SON},
    "raw documents": {"document_class": RawBSONDocument},
}


@pytest.mark.parametrize("kind", WIRES)
@pytest.mark.parametrize("options", CLIENTS.values(), ids=CLIENTS.keys())
async def test_a_lease_is_held_and_a_run_goes_well(kind, options, wire_uri):
    async with open_backend(kind, wire_uri, **options) as backend:
        await backend.add({"_id": 1, "dotNumber": 101}, {"_id": 2, "dotNumber": 102})
        leases, find = backend.repository.company_leases, backend.repository.find_company
        (lease,) = await leases.take([await find(1)], "first", TTL_S)
        (refusal,) = await leases.take([await find(1)], "second", TTL_S)
        assert isinstance(refusal, LeaseHeldError)
        await leases.release([lease])
        sync = orchestrator(backend, FakeSource("s", lambda _: SourceReport(fields={"a.b": 1})))
        summary = await sync.sync_all_companies()
        assert (summary.stopped, summary.succeeded) == (None, 2)
        assert (await find(2))["a"] == {"b": 1}


# The embedded server cannot hold such a date.
@pytest.mark.skipif(not KINDS, reason="set FMCSA_TEST_FERRETDB=build, or FMCSA_TEST_MONGODB_URI")
@pytest.mark.parametrize("kind", KINDS or ["none"])
@pytest.mark.parametrize("field", ["hired", "fmcsaData.syncStatus.lastRun", "fmcsaData.syncStatus.lease.expiresAt"])
async def test_a_date_that_python_does_not_have_costs_nobody_anything(kind, field, wire_uri):
    async with open_backend(kind, wire_uri) as backend:
        await backend.add({"_id": 1, "dotNumber": 101}, {"_id": 2, "dotNumber": 102})
        await backend.database["companies"].update_one({"_id": 1}, {"$set": {field: YEAR_10000}})
        sync = orchestrator(backend, FakeSource("s", lambda _: SourceReport(fields={"a": 1})))
        summary = await sync.sync_all_companies()
        assert (summary.stopped, summary.succeeded, summary.failed) == (None, 2, 0)
        assert (await sync.sync_company(1)).success
