"""Companies and stores that are broken: each ends as a result, and costs no other company anything."""

import pytest

from fmcsa_orchestrator import Document, RepositoryError, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.syncs import companies, orchestrator, status, value


@pytest.mark.parametrize("number", ["abc", "123456789", -5, 1.5, [], {"$gt": ""}])
async def test_a_bad_number_is_that_companys_error_and_no_request(number):
    source = FakeSource("s", value("a"))
    repository = InMemoryRepository([*companies(1), {"_id": 9, "dotNumber": number}])
    summary = await orchestrator(repository, source).sync_all_companies()
    assert [company.id for company in source.asked] == [0]
    assert (summary.succeeded, summary.failed, summary.errors[0]["errors"][0].kind) == (1, 1, "invalid_usdot")
    assert status(repository, 9)["errors"][0]["kind"] == "invalid_usdot"
    single = await orchestrator(repository, source).sync_company(9)
    assert (single.success, single.errors[0].kind, len(source.asked)) == (False, "invalid_usdot", 1)


@pytest.mark.parametrize("company_id", ["nope", {"$gt": ""}, [], None, 1.5, object()])
async def test_an_unknown_company_is_a_result(company_id):
    repository = InMemoryRepository(companies(1))
    result = await orchestrator(repository, FakeSource("s", value("a"))).sync_company(company_id)
    assert (result.success, [error.kind for error in result.errors]) == (False, ["company_not_found"])
    assert repository.saves == 0
    assert result.as_dict()["success"] is False


@pytest.mark.parametrize(("broken", "repaired"), [(None, True), ([], False), ("text", False), ([1, 2], False)])
async def test_a_broken_company_document_never_stops_the_run(broken, repaired):
    repository = InMemoryRepository([{"_id": 9, "dotNumber": 9, "fmcsaData": broken}, *companies(2)])
    summary = await orchestrator(repository, FakeSource("s", value("fmcsaData.s")), batch_size=1).sync_all_companies()
    assert (summary.total, summary.failed) == (3, 0 if repaired else 1)
    if repaired:
        assert repository.companies[9]["fmcsaData"]["s"] == 1
    else:
        assert repository.companies[9]["fmcsaData"] == broken
        assert "fmcsaData is of type" in summary.errors[0]["errors"][0].error


@pytest.mark.parametrize(
    ("method", "stopped"),
    [
        ("prepare", "could_not_run"),
        ("count_due", "could_not_run"),
        ("take_due", "database"),
        ("write_rows", "database"),
        ("save", "database"),
    ],
)
@pytest.mark.parametrize(("error", "kind"), [(RepositoryError("down"), "database"), (RuntimeError("driver bug"), "unexpected")])
async def test_a_store_that_breaks_stops_the_run_with_a_result(method, stopped, error, kind):
    async def broken(*_, **__):
        raise error

    repository = InMemoryRepository(companies(3))
    setattr(repository, method, broken)
    source = FakeSource("s", lambda _: SourceReport(documents=[Document("1", {})]))
    short = {"lease_ttl_s": 0.2}  # what a write that failed may yet do is waited out
    summary = await orchestrator(repository, source, **short).sync_all_companies()
    if method == "write_rows" and kind == "unexpected":
        assert (summary.failed, summary.stopped) == (3, None)  # a source's rows may be at fault: isolated like the source
        return
    assert summary.stopped == (stopped if kind == "database" or stopped == "could_not_run" else "error")
    assert summary.errors[-1]["companyId"] is None
    assert summary.errors[-1]["errors"][0].kind == kind
    if method not in {"prepare", "take_due", "count_due"}:
        result = await orchestrator(repository, source, **short).sync_company(0)
        assert (result.success, result.errors[0].kind) == (False, kind)


async def test_a_store_that_saves_nothing_does_not_loop_for_ever():
    async def forget(updates):
        return {}

    repository = InMemoryRepository(companies(3))
    repository.save = forget
    source = FakeSource("s", lambda _: SourceReport())
    await orchestrator(repository, source, batch_size=2).sync_all_companies()
    assert len(source.asked) <= 4


async def test_a_company_deleted_during_its_sync_is_skipped():
    repository = InMemoryRepository(companies(2))

    def delete(company):
        repository.companies.pop(0, None)
        return SourceReport()

    summary = await orchestrator(repository, FakeSource("s", delete)).sync_all_companies()
    assert (summary.total, summary.succeeded, summary.skipped, summary.success) == (2, 1, 1, True)
