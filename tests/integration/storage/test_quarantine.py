"""One odd row costs one row: it is kept aside, the others are stored, and nothing that it may stand for is ended."""

import pytest

from fmcsa_orchestrator import open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.testing import Fault, Fleet, LocalFmcsa
from tests.support.world import INSPECTIONS, VIOLATIONS

pytestmark = pytest.mark.usefixtures("no_pauses")

ROWS = 12
COLLECTIONS = {VIOLATIONS: "fmcsaViolations", INSPECTIONS: "fmcsaInspections"}


class Scene:
    def __init__(self, backend, fleet, upstream):
        self.backend = backend
        self.upstream = upstream
        self.usdot = fleet.usdots[0]

    async def sync(self, *, one=False, **settings):
        wanted = demo_settings(self.upstream).model_copy(update={"qcmobile_web_key": None, **settings})
        async with open_orchestrator(wanted, repository=self.backend.repository) as orchestrator:
            return await (orchestrator.sync_company(self.usdot) if one else orchestrator.sync_all_companies())

    async def rows(self, collection):
        return [row for row in await self.backend.rows(collection) if row["companyId"] == self.usdot]

    async def current(self, collection):
        return [row for row in await self.rows(collection) if row["current"]]

    async def source(self, name):
        return (await self.backend.company(self.usdot))["fmcsaData"]["syncStatus"]["sources"][name]


@pytest.fixture
async def scene(backend):
    fleet = Fleet.uniform(3, violations=ROWS, inspections=ROWS)
    await backend.add(*({**document, "_id": document["dotNumber"]} for document in fleet.company_documents()))
    async with LocalFmcsa(fleet) as upstream:
        yield Scene(backend, fleet, upstream)


FAULTS = [
    (VIOLATIONS, "violations", Fault.bad_value("viol_code", ["x"], one_row=True), "viol_code"),
    (VIOLATIONS, "violations", Fault.bad_value("insp_date", "99-XXX-99", one_row=True), "insp_date"),
    (INSPECTIONS, "inspections", Fault.bad_value("insp_level_id", "many", one_row=True), "insp_level_id"),
]


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize(("dataset", "source", "fault", "column"), FAULTS)
async def test_the_good_rows_are_stored_and_the_odd_one_is_kept_aside(scene, dataset, source, fault, column, one):
    injection = scene.upstream.inject(fault, dataset=dataset, usdot=scene.usdot)
    result = await scene.sync(one=one)
    assert len(await scene.current(COLLECTIONS[dataset])) == ROWS - 1
    (odd,) = await scene.current("fmcsaQuarantine")
    assert (odd["source"], odd["field"], odd["companyId"], odd["usdot"]) == (source, column, scene.usdot, scene.usdot)
    assert f'"{column}"' in odd["raw"]
    status = await scene.source(source)
    assert (status["outcome"], status["quarantined"], "lastSuccess" in status) == ("failed", 1, False)
    assert f"1 of {ROWS} rows cannot be understood, the first for its column {column}" in status["message"]
    assert not result.success

    injection.remove()
    assert (await scene.sync()).success
    assert len(await scene.current(COLLECTIONS[dataset])) == ROWS
    assert await scene.current("fmcsaQuarantine") == []
    assert (await scene.source(source))["quarantined"] == 0


@pytest.mark.parametrize(("dataset", "source", "fault", "column"), FAULTS)
async def test_what_an_odd_row_may_stand_for_is_not_ended_and_what_is_gone_is(scene, dataset, source, fault, column):
    assert (await scene.sync()).success
    before = {row["_id"] for row in await scene.current(COLLECTIONS[dataset])}
    scene.upstream.publish(changed=1.0)
    scene.upstream.inject(fault, dataset=dataset, usdot=scene.usdot)
    await scene.sync()
    assert len(await scene.current("fmcsaQuarantine")) == 1
    after = {row["_id"] for row in await scene.current(COLLECTIONS[dataset])}
    ended = before - after
    scene.upstream.clear_faults()
    assert (await scene.sync()).success
    truth = {row["_id"] for row in await scene.current(COLLECTIONS[dataset])}
    assert ended.isdisjoint(truth)  # nothing was ended that upstream has


async def test_where_half_of_the_rows_are_odd_none_is_believed(scene):
    assert (await scene.sync()).success
    before = await scene.rows("fmcsaViolations")
    scene.upstream.publish(changed=1.0)
    scene.upstream.inject(Fault.bad_value("insp_date", "99-XXX-99"), dataset=VIOLATIONS)
    summary = await scene.sync()
    assert {failure.kind for entry in summary.errors for failure in entry["errors"]} == {"malformed"}
    assert await scene.rows("fmcsaViolations") == before
    assert await scene.rows("fmcsaQuarantine") == []


async def test_a_carrier_without_odd_rows_costs_no_look_into_the_quarantine(scene):
    asked = []
    stored_rows = scene.backend.repository.stored_rows

    def noted(collection, **which):
        asked.append(collection)
        return stored_rows(collection, **which)

    scene.backend.repository.stored_rows = noted
    assert (await scene.sync()).success
    assert "fmcsaQuarantine" not in asked
