"""The drift alarm: a column that we need is gone or retyped, or a new one has come."""

import pytest

from fmcsa_orchestrator import Outcome
from fmcsa_orchestrator.clients.soda_schema import tell_of_new
from fmcsa_orchestrator.testing import Fault
from tests.support.world import INSPECTIONS, VIOLATIONS, open_world, status_of

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
async def world(wire_uri):
    tell_of_new.cache_clear()
    async with open_world("memory", wire_uri) as world:
        yield world


DRIFTS = {
    "gone": (Fault.missing_column("viol_code"), VIOLATIONS, "violations", "viol_code"),
    "retyped": (Fault.retyped_column("insp_date", "calendar_date"), INSPECTIONS, "inspections", "insp_date"),
    "the key retyped": (Fault.retyped_column("dot_number", "number"), "4y6x-dmck", "csa_scores", "dot_number"),
}


@pytest.mark.parametrize("where", ["rows", "metadata"])
@pytest.mark.parametrize("drift", DRIFTS)
async def test_drift_stops_the_source_for_the_run_before_any_row_is_written(world, drift, where):
    await world.orchestrator.sync_all_companies()
    before = [await world.rows(dataset) for dataset in (VIOLATIONS, INSPECTIONS)]
    fault, dataset, source, column = DRIFTS[drift]
    world.upstream.inject(fault, dataset=dataset, kind="resource" if where == "rows" else "metadata")
    world.upstream.reset_requests()
    summary = await world.orchestrator.sync_all_companies(force=True)
    assert (summary.failed, set(summary.outcomes[source])) == (40, {"failed", "unavailable"})
    assert [await world.rows(dataset) for dataset in (VIOLATIONS, INSPECTIONS)] == before
    told = [entry for entry in summary.errors if entry["companyId"] is None]
    (failure,) = [failure for entry in told for failure in entry["errors"]]
    assert (failure.source, failure.kind, column in failure.error) == (source, "malformed", True)
    assert len(summary.errors) == 1 + summary.outcomes[source]["failed"]  # not one message per company
    assert world.upstream.count(kind="resource", dataset=dataset) == (1 if where == "rows" else 0)
    others = {"csa_scores", "violations", "inspections"} - {source}
    assert all({"failed", "unavailable"}.isdisjoint(summary.outcomes[other]) for other in others)
    for company in await world.companies():
        (error,) = status_of(company)["errors"]
        assert (error["source"], error["kind"], column in error["error"]) == (source, "malformed", True)
    world.upstream.clear_faults()
    assert (await world.orchestrator.sync_all_companies(force=True)).success


async def test_a_handler_meets_the_same_refusal(world):
    usdot = world.fleet.usdots[3]
    world.upstream.inject(Fault.missing_column("viol_code"), dataset=VIOLATIONS)
    result = await world.orchestrator.sync_company(usdot)
    assert [(error.source, error.kind) for error in result.errors] == [("violations", "malformed")]
    assert result.outcomes["inspections"].outcome in {Outcome.CHANGED, Outcome.UNCHANGED}
    assert not await world.rows(VIOLATIONS)


@pytest.mark.parametrize("columns", [[], None])
async def test_metadata_that_names_no_columns_is_no_drift(world, columns):
    told = {"rowsUpdatedAt": 1_700_000_000} | ({} if columns is None else {"columns": columns})
    world.upstream.inject(Fault.json(told), kind="metadata")
    assert (await world.orchestrator.sync_all_companies()).success


async def test_a_new_column_is_one_notice(world, caplog):
    world.upstream.inject(Fault.new_column("compliance_category"), dataset=VIOLATIONS)
    for _ in range(2):
        assert (await world.orchestrator.sync_all_companies(force=True)).success
    notices = [record.getMessage() for record in caplog.records if "new_column" in record.getMessage()]
    assert notices == ["new_column dataset=8mt8-2mdr column=compliance_category"]


async def test_a_count_declared_as_a_number_is_read_all_the_same(world):
    world.upstream.inject(Fault.retyped_column("driver_oos_total", "number"), dataset=INSPECTIONS)
    assert (await world.orchestrator.sync_all_companies()).success
