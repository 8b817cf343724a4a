"""What is too large for a document costs its own source, and nobody else."""

import pytest
from pymongo.errors import DocumentTooLarge

from fmcsa_orchestrator import Document, MongoCompanyRepository, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.faults.refusals import RefusingDatabase
from tests.support.backends import WIRES, open_backend
from tests.support.leases import orchestrator

MB = 2**20


@pytest.fixture(params=WIRES)
async def backend(request, wire_uri):
    """The embedded server takes documents of any size; that a driver sends none of over 16 MB is added here."""

    def refuse(_, method, arguments):
        if method == "bulk_write" and any(len(repr(operation)) > 16 * MB for operation in arguments[0]):
            raise DocumentTooLarge("the document is too large")

    async with open_backend(request.param, wire_uri) as backend:
        backend.repository = MongoCompanyRepository(RefusingDatabase(backend.database, refuse))
        yield backend


def sources(report):
    return [
        FakeSource("before", lambda _: SourceReport(fields={"before": 1}, documents=[Document("b", {"n": 1})])),
        FakeSource("large", lambda company: report if company.id == 1 else SourceReport(fields={"large": "small"})),
        FakeSource("after", lambda _: SourceReport(fields={"after": 1}, documents=[Document("a", {"n": 1})])),
    ]


TOO_LARGE = {
    "a field of 17 MB": SourceReport(fields={"large": "x" * (17 * MB)}),
    "fields of 17 MB together": SourceReport(fields={f"large.{n}": "x" * MB for n in range(17)}),
    "9 MB where the host has 8": SourceReport(fields={"large": "x" * (9 * MB)}),
    "a row of 17 MB": SourceReport(documents=[Document("1", {"n": 1}), Document("2", {"text": "x" * (17 * MB)})]),
}


@pytest.mark.parametrize("report", TOO_LARGE.values(), ids=TOO_LARGE.keys())
@pytest.mark.parametrize("way", ["run", "company"])
async def test_what_is_too_large_costs_its_own_source(backend, report, way):
    await backend.add({"_id": 1, "dotNumber": 101, "own": "h" * (8 * MB)}, {"_id": 2, "dotNumber": 102})
    sync = orchestrator(backend, *sources(report))
    if way == "run":
        summary = await sync.sync_all_companies()
        assert (summary.stopped, summary.succeeded, summary.failed) == (None, 1, 1)
        errors = summary.errors[0]["errors"]
        assert (await backend.company(2))["large"] == "small"
    else:
        errors = (await sync.sync_company(1)).errors
    kind = "database" if report.documents else "malformed"
    assert [(error.source, error.kind) for error in errors] == [("large", kind)]
    company = await backend.company(1)
    assert (company["before"], company["after"], company.get("large")) == (1, 1, None)
    assert company["fmcsaData"]["syncStatus"]["sources"]["large"]["outcome"] == "failed"
    assert [len(await backend.rows(f"fmcsa{name}")) for name in ("Before", "After")] == [2 if way == "run" else 1] * 2


async def test_a_large_field_may_take_the_place_of_a_large_field(backend):
    await backend.add({"_id": 1, "dotNumber": 101, "large": "h" * (9 * MB)})
    sync = orchestrator(backend, *sources(SourceReport(fields={"large": "x" * (9 * MB)})))
    assert (await sync.sync_company(1)).success
    assert (await backend.company(1))["large"][0] == "x"
