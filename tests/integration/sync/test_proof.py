"""The proof that nothing is missing, over HTTP: every carrier agrees, and a row that is gone upstream is noticed and marked."""

from collections import Counter

import pytest

from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.fmcsa import PROOF
from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21
from fmcsa_orchestrator.testing import Fault, Fleet
from tests.support.world import INSPECTIONS, VIOLATIONS, open_world, status_of

pytestmark = pytest.mark.usefixtures("no_pauses")
FILES = {VIOLATIONS: "violations", INSPECTIONS: "inspections"}


@pytest.fixture
async def world():
    async with open_world("memory", None, fleet=Fleet.sample(40), batch_size=50) as world:
        yield world


async def sync(world, *, force=False):
    """The requests that a run costs; no source fails in it."""
    summary = await world.orchestrator.sync_all_companies(force=force)
    assert summary.success, summary.errors
    return summary.requests


async def proofs(world):
    return {company["_id"]: dig(company, PROOF) for company in await world.companies()}


def with_rows(world, dataset, more_than=0):
    return {usdot for usdot, count in world.upstream_rows(dataset).items() if count > more_than}


async def test_every_carrier_of_the_double_agrees(world):
    await sync(world)
    inspected = with_rows(world, INSPECTIONS)
    reasons = Counter()
    for company in await world.companies():
        whole = dig(company, PROOF)
        assert whole["agrees"] is (True if company["_id"] in inspected else None)
        assert (whole["confirmed"], whole["readAgainFor"], whole["rules"]) == (False, None, "SMS_3_21")
        for basic in SMS_3_21.recomputed:
            value = dig(company, f"fmcsaData.csa.{basic}")
            found = value["recomputed"]
            reasons[found["reason"]] += 1
            if found["reason"] is None:
                assert found["agrees"] is True
                assert abs(found["measure"] - value["measure"]) <= 0.005 + 0.0001
                assert found["difference"] == pytest.approx(found["measure"] - value["measure"])
            else:
                assert (found["measure"], found["agrees"], found["difference"]) == (None, None, None)
        for basic in ("unsafeDriving", "hazmat", "crashIndicator"):
            assert "recomputed" not in dig(company, f"fmcsaData.csa.{basic}")
    assert reasons.keys() == {None, "unavailable", "not published"}


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("dataset", FILES)
async def test_a_row_that_is_missing_is_noticed_read_once_more_and_marked(world, dataset, place):
    world.upstream.inject(Fault.row_missing(place), dataset=dataset)
    lacking = with_rows(world, dataset, place)
    await sync(world)
    for usdot, proof in (await proofs(world)).items():
        assert (proof["agrees"] is False) == (usdot in lacking), (usdot, proof)
        if usdot in lacking:
            assert (proof["reason"], proof["confirmed"]) == ("rows missing", False)
            assert proof["missing"][FILES[dataset]] >= 1
    versions = {c["_id"]: [s["version"] for s in status_of(c)["sources"].values()] for c in await world.companies()}
    assert all((found == [None] * 3) == (usdot in lacking) for usdot, found in versions.items())
    assert await sync(world) > 6
    assert {usdot for usdot, proof in (await proofs(world)).items() if proof["confirmed"]} == lacking
    for _ in range(2):
        assert await sync(world) == 6, "it is marked, and costs nothing more"
    assert {usdot for usdot, proof in (await proofs(world)).items() if proof["confirmed"]} == lacking


async def test_what_was_a_fault_of_the_reading_is_mended_by_the_second(world):
    fault = world.upstream.inject(Fault.row_missing(1), dataset=VIOLATIONS)
    await sync(world)
    fault.remove()
    await sync(world)
    found = await proofs(world)
    assert {proof["agrees"] for proof in found.values()} == {True, None}
    assert {proof["confirmed"] for proof in found.values()} == {False}
    assert await world.current(VIOLATIONS) == world.upstream_rows(VIOLATIONS)
    assert await sync(world) == 6


async def test_what_is_marked_is_read_again_once_for_each_edition(world):
    world.upstream.inject(Fault.row_missing(1), dataset=VIOLATIONS)
    lacking = with_rows(world, VIOLATIONS, 1)
    for edition in range(2):
        costs = [await sync(world) for _ in range(4)]
        assert [cost > 6 for cost in costs] == [True, True, False, False], edition
        assert {usdot for usdot, proof in (await proofs(world)).items() if proof["confirmed"]} == lacking
        world.upstream.publish(changed=0.3)
    world.upstream.clear_faults()
    await sync(world)
    assert {proof["agrees"] for proof in (await proofs(world)).values()} == {True, None}
    assert await sync(world) == 6


async def test_one_company_by_itself(world):
    carrier = next(carrier for carrier in world.fleet.carriers if carrier.violations > 3)
    world.upstream.inject(Fault.row_missing(2), dataset=VIOLATIONS, usdot=carrier.usdot)
    for confirmed in (False, True, True):
        assert (await world.orchestrator.sync_company(carrier.usdot)).success
        proof = (await proofs(world))[carrier.usdot]
        assert (proof["agrees"], proof["confirmed"]) == (False, confirmed)
    world.upstream.clear_faults()
    assert (await world.orchestrator.sync_company(carrier.usdot, force=True)).success
    assert (await proofs(world))[carrier.usdot]["agrees"] is True


@pytest.mark.parametrize("dataset", [*FILES, "results"])
async def test_files_of_two_months_are_not_compared(world, dataset):
    await sync(world)
    world.upstream.publish(changed=1.0)
    for behind in ("4y6x-dmck", "h9zy-gjn8", "m3ry-qcip", "h3zn-uid9") if dataset == "results" else (dataset,):
        world.upstream.inject(Fault.older(), dataset=behind)
    await sync(world)
    inspected = with_rows(world, INSPECTIONS)
    reasons = {usdot: (proof["agrees"], proof["reason"]) for usdot, proof in (await proofs(world)).items()}
    assert {reasons[usdot] for usdot in inspected} == {(None, "files not of one SMS run")}
    assert await sync(world) == 6
    world.upstream.clear_faults()
    await sync(world)
    assert {(await proofs(world))[usdot]["agrees"] for usdot in inspected} == {True}


async def test_a_file_replaced_some_hours_after_the_others_is_of_the_same_run(world):
    await sync(world)
    world.upstream.publish(dataset=VIOLATIONS)
    await sync(world)
    assert {(await proofs(world))[usdot]["agrees"] for usdot in with_rows(world, INSPECTIONS)} == {True}


async def test_a_file_that_could_not_be_read_yet(world):
    world.upstream.inject(Fault.status(500), dataset=INSPECTIONS, kind="resource")
    await world.orchestrator.sync_all_companies()
    world.upstream.clear_faults()
    inspected = with_rows(world, INSPECTIONS)
    assert {(await proofs(world))[usdot]["reason"] for usdot in inspected} == {"not read"}
    await sync(world)
    assert {(await proofs(world))[usdot]["agrees"] for usdot in inspected} == {True}


async def test_rows_that_are_set_aside_leave_it_open(world):
    carrier = next(carrier for carrier in world.fleet.carriers if carrier.violations > 5)
    world.upstream.inject(Fault.bad_value("viol_code", ["x"], one_row=True), usdot=carrier.usdot, kind="resource")
    await world.orchestrator.sync_all_companies()
    proof = (await proofs(world))[carrier.usdot]
    assert (proof["agrees"], proof["reason"]) == (None, "rows set aside")
    world.upstream.clear_faults()
    await sync(world)
    assert (await proofs(world))[carrier.usdot]["agrees"] is True


async def test_another_number_takes_none_of_the_old_ones_results(world):
    await sync(world)
    company, other = [carrier.usdot for carrier in world.fleet.carriers if carrier.violations > 5][:2]
    world.memory.companies[company] = {**world.memory.companies[company], "dotNumber": other}
    world.upstream.inject(Fault.status(500), dataset="4y6x-dmck", kind="resource")
    await world.orchestrator.sync_company(company)
    assert (await proofs(world))[company]["agrees"] is True, "as it was: of neither number is there anything to hold together"
    world.upstream.clear_faults()
    assert (await world.orchestrator.sync_company(company)).success
    found = {key: dig(document, "fmcsaData.csa") for key, document in world.memory.companies.items()}
    assert found[company]["vehicleMaintenance"] == found[other]["vehicleMaintenance"]
