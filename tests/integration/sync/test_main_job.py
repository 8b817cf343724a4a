"""The main job end to end: real adapters, the double of the upstream over HTTP, a store over the wire."""

import asyncio
from datetime import datetime

import pytest
from pydantic import SecretStr

from fmcsa_orchestrator import Outcome, open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.testing import Fault, Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import InMemoryRepository
from tests.support.world import COLLECTIONS, INSPECTIONS, VIOLATIONS, open_world, status_of

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture(params=["memory"])
async def world(request, wire_uri):
    async with open_world(request.param, wire_uri) as world:
        yield world


ON_ALL_STORES = pytest.mark.parametrize("world", ["memory", "motor", "pymongo"], indirect=True)


@ON_ALL_STORES
async def test_after_a_run_every_row_of_every_carrier_is_there(world):
    summary = await world.orchestrator.sync_all_companies()
    assert (summary.success, summary.total, summary.errors) == (True, 40, [])
    for dataset in COLLECTIONS:
        assert await world.current(dataset) == world.upstream_rows(dataset)
    large = await world.company("large")
    assert large["fmcsaData"]["violations"]["total"] > 2_000
    assert status_of(large)["sources"]["violations"]["rows"] == large["fmcsaData"]["violations"]["total"]
    for name in ("lastRun", "csaScoresLastSync", "violationsLastSync", "inspectionsLastSync"):
        assert isinstance(status_of(large)[name], datetime)
    assert (status_of(large)["success"], status_of(large)["errors"]) == (True, [])


async def test_what_each_kind_of_carrier_gets(world):
    await world.orchestrator.sync_all_companies()
    clean = (await world.company("clean"))["fmcsaData"]
    assert (clean["violations"]["total"], clean["inspections"]["total"] > 0) == (0, True)
    assert clean["syncStatus"]["sources"]["violations"]["message"] == "none on record"
    unknown = await world.company("unknown")
    assert (status_of(unknown)["sources"]["csa_scores"]["outcome"], status_of(unknown)["success"]) == ("not_found", True)
    assert unknown["smsBasics"]["unsafeDriving"] is unknown["smsBasics"]["unsafeDrivingMeasure"] is None
    assert unknown["fmcsaData"]["csa"]["unsafeDriving"]["percentileStatus"] == "not_found"
    assert unknown["fmcsaData"]["inspections"]["driver"]["oosRate"] is None
    property_carrier = await world.company("small", passenger=False)
    assert property_carrier["smsBasics"]["vehicleMaintenance"] is None
    assert property_carrier["smsBasics"]["vehicleMaintenanceMeasure"] >= 0
    assert property_carrier["fmcsaData"]["csa"]["vehicleMaintenance"]["percentileStatus"] == "not_public"
    passenger = await world.company("small", passenger=True)
    statuses = {
        passenger["fmcsaData"]["csa"][basic]["percentileStatus"]
        for basic in ("unsafeDriving", "vehicleMaintenance", "driverFitness")
    }
    assert statuses <= {"published", "insufficient_data"}
    assert passenger["smsBasics"]["unsafeDriving"] >= 0
    assert passenger["fmcsaData"]["csa"]["crashIndicator"]["percentileStatus"] == "not_public"


async def test_our_rates_are_those_of_the_sms_result_file(world):
    await world.orchestrator.sync_all_companies()
    for company in await world.companies():
        data = company["fmcsaData"]
        totals = data["csa"]["inspections"]
        if totals is not None:
            ours = data["inspections"]
            assert ours["total"] == totals["total"]
            assert (ours["driver"]["inspections"], ours["driver"]["outOfService"]) == (totals["driver"], totals["driverOos"])
            assert (ours["vehicle"]["inspections"], ours["vehicle"]["outOfService"]) == (totals["vehicle"], totals["vehicleOos"])


async def test_violations_join_their_inspections(world):
    await world.orchestrator.sync_all_companies()
    inspections = {(row["companyId"], row["uniqueId"]) for row in await world.rows(INSPECTIONS)}
    violations = {(row["companyId"], row["uniqueId"]) for row in await world.rows(VIOLATIONS)}
    assert violations
    assert violations <= inspections


@ON_ALL_STORES
async def test_a_second_run_costs_six_requests_and_writes_no_rows(world):
    await world.orchestrator.sync_all_companies()
    before = status_of(await world.company("large"))
    world.upstream.reset_requests()
    summary = await world.orchestrator.sync_all_companies()
    assert (summary.success, summary.rows_written, summary.requests, world.upstream.count()) == (True, 0, 6, 6)
    assert world.upstream.count(kind="metadata") == 6
    after = status_of(await world.company("large"))
    assert after["sources"]["violations"]["outcome"] == "unchanged"
    clean = status_of(await world.company("clean"))
    assert clean["sources"]["violations"]["message"] == "none on record"
    assert after["lastRun"] > before["lastRun"]
    assert after["violationsLastSync"] > before["violationsLastSync"]
    assert after["sources"]["violations"]["lastChanged"] == before["sources"]["violations"]["lastChanged"]


async def test_force_reads_all_and_still_writes_nothing(world):
    await world.orchestrator.sync_all_companies()
    summary = await world.orchestrator.sync_all_companies(force=True)
    assert (summary.success, summary.rows_written) == (True, 0)
    assert summary.outcomes["violations"] == {"unchanged": 40}


async def test_with_one_dataset_down_the_others_go_on_and_old_data_stays(world):
    await world.orchestrator.sync_all_companies()
    before = await world.company("large")
    rows_before = await world.current(VIOLATIONS)
    world.upstream.publish(changed=1.0)
    world.upstream.inject(Fault.status(503), dataset=VIOLATIONS)
    summary = await world.orchestrator.sync_all_companies()
    assert (summary.failed, summary.success) == (40, False)
    assert summary.outcomes["violations"] == {
        "failed": 22,
        "unavailable": 18,
    }  # windows of 15: the fifth refusal opens the breaker
    assert "failed" not in summary.outcomes["inspections"] | summary.outcomes["csa_scores"]
    after = await world.company("large")
    assert [(error["source"], error["kind"]) for error in status_of(after)["errors"]] == [("violations", "upstream_unavailable")]
    assert status_of(after)["violationsLastSync"] == status_of(before)["violationsLastSync"]
    assert status_of(after)["inspectionsLastSync"] > status_of(before)["inspectionsLastSync"]
    assert after["fmcsaData"]["violations"] == before["fmcsaData"]["violations"]
    assert await world.current(VIOLATIONS) == rows_before
    world.upstream.clear_faults()
    assert (await world.orchestrator.sync_all_companies()).success
    assert await world.current(VIOLATIONS) == world.upstream_rows(VIOLATIONS)


async def test_only_what_upstream_changed_is_read_and_written(world):
    await world.orchestrator.sync_all_companies()
    world.upstream.publish(dataset=INSPECTIONS)
    world.upstream.reset_requests()
    summary = await world.orchestrator.sync_all_companies()
    asked = {record.dataset for record in world.upstream.requests if record.kind == "resource"}
    assert (asked, summary.rows_written) == ({INSPECTIONS}, 0)
    assert world.upstream.count(kind="resource") == 3  # 40 companies in windows of 15


@ON_ALL_STORES
async def test_a_new_month_ends_what_is_gone_and_adds_what_is_new(world):
    await world.orchestrator.sync_all_companies()
    world.upstream.publish(changed=0.3)
    summary = await world.orchestrator.sync_all_companies()
    assert summary.success
    assert summary.rows_written > 0
    for dataset in COLLECTIONS:
        assert await world.current(dataset) == world.upstream_rows(dataset)
        ended = [row for row in await world.rows(dataset) if not row["current"]]
        assert ended
        assert all(isinstance(row["endedAt"], datetime) for row in ended)


async def test_a_file_replaced_while_it_is_paged_is_read_again(world):
    carrier = next(carrier for carrier in world.fleet.carriers if carrier.kind == "large")
    for source in (slot.source for slot in world.orchestrator.components.slots):
        if source.name == "violations":
            source.files[0].soda.page_size = 500
    world.upstream.inject(Fault.publish_now(), dataset=VIOLATIONS, kind="resource", after=2, times=1)
    result = await world.orchestrator.sync_company(carrier.usdot)
    assert result.success
    assert (await world.current(VIOLATIONS))[carrier.usdot] == world.fleet.count(VIOLATIONS, carrier.usdot)


async def test_one_bad_company_costs_only_itself(world):
    bad = world.fleet.carriers[3].usdot
    world.upstream.inject(Fault.status(400), dataset=VIOLATIONS, kind="resource", usdot=bad)
    summary = await world.orchestrator.sync_all_companies()
    assert (summary.failed, [entry["companyId"] for entry in summary.errors]) == (1, [bad])
    expected = world.upstream_rows(VIOLATIONS)
    expected.pop(bad, None)
    assert await world.current(VIOLATIONS) == expected


async def test_one_bad_row_costs_only_its_company(world):
    bad = next(carrier.usdot for carrier in world.fleet.carriers if carrier.kind == "small")
    world.upstream.inject(Fault.bad_value("viol_code", ["x"]), dataset=VIOLATIONS, usdot=bad)
    summary = await world.orchestrator.sync_all_companies()
    assert [entry["companyId"] for entry in summary.errors] == [bad]
    assert "viol_code" in summary.errors[0]["errors"][0].error


async def test_companies_with_one_number_share_a_fetch(world):
    usdot = world.fleet.usdots[0]
    for other in world.fleet.usdots[1:]:
        del world.memory.companies[other]
    await world.put(*({"_id": f"tenant {n}", "dotNumber": str(usdot)} for n in range(3)))
    summary = await world.orchestrator.sync_all_companies()
    assert (summary.total, summary.success, world.upstream.count(kind="resource")) == (4, True, 6)
    assert (await world.current(VIOLATIONS))[usdot] == 4 * world.fleet.count(VIOLATIONS, usdot)


async def test_a_new_dot_number_makes_a_company_due_and_ends_the_old_rows(world):
    await world.orchestrator.sync_all_companies()
    first, second = [carrier.usdot for carrier in world.fleet.carriers if carrier.kind == "small"][:2]
    world.memory.companies[first] = {**world.memory.companies[first], "dotNumber": second}
    result = await world.orchestrator.sync_company(first)
    assert (result.usdot, result.outcomes["violations"].outcome) == (second, Outcome.CHANGED)
    current = await world.current(VIOLATIONS)
    assert (current[first], current[second]) == (0, 2 * world.fleet.count(VIOLATIONS, second))


@ON_ALL_STORES
async def test_fifty_handlers_at_once(world):
    results = await asyncio.gather(*(world.orchestrator.sync_company(usdot) for usdot in world.fleet.usdots))
    assert all(result.success for result in results)
    assert world.upstream.count(kind="metadata") == 6
    assert await world.current(VIOLATIONS) == world.upstream_rows(VIOLATIONS)


async def test_a_plan_tells_what_the_run_then_costs(world):
    plan = await world.orchestrator.plan()
    assert (plan.companies, plan.sources["violations"].due, plan.requests) == (
        40,
        40,
        {"soda": 24},
    )  # 6 versions, 6 files in 3 batches
    assert plan.seconds == round(24 / 500, 1)
    counted = 2  # batches of over a thousand rows, which might have been cut off: a plan is the least that a run costs
    assert (await world.orchestrator.sync_all_companies()).requests == 24 + counted
    world.upstream.publish(dataset=INSPECTIONS)
    world.upstream.reset_requests()
    plan = await world.orchestrator.plan()
    assert {name: source.due for name, source in plan.sources.items()} == {"csa_scores": 0, "violations": 0, "inspections": 40}
    assert (plan.requests, world.upstream.count()) == ({"soda": 9}, 6)
    assert (await world.orchestrator.sync_all_companies()).requests == 9
    assert (await world.orchestrator.plan(force=True)).requests == {"soda": 24}


@ON_ALL_STORES
async def test_a_plan_is_the_same_on_every_store(world):
    await world.orchestrator.sync_all_companies()
    assert (await world.orchestrator.plan()).requests == {"soda": 6}


async def test_a_batch_with_too_many_rows_leaves_its_giants_for_their_turn(world):
    for source in (slot.source for slot in world.orchestrator.components.slots):
        if source.name == "violations":
            source.files[0].soda.page_size = 1_000
            source.files[0].heavy = 500
    summary = await world.orchestrator.sync_all_companies()
    assert summary.success
    assert await world.current(VIOLATIONS) == world.upstream_rows(VIOLATIONS)
    alone = [
        record
        for record in world.upstream.requests
        if record.dataset == VIOLATIONS and "," not in record.query.get("$where", ",")
    ]
    assert len(alone) == 4  # the large carrier's 2,1xx rows in pages of 1,000, and their count


async def test_lists_that_no_address_can_hold_are_asked_in_parts():
    fleet = Fleet.uniform(700, violations=2, inspections=1)
    memory = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
    async with LocalFmcsa(fleet, app_token="t0ken") as upstream:
        settings = demo_settings(upstream).model_copy(
            update={"qcmobile_web_key": None, "batch_size": 700, "soda_app_token": SecretStr("t0ken")}
        )
        async with open_orchestrator(settings, repository=memory) as orchestrator:
            summary = await orchestrator.sync_all_companies()
        asked = (upstream.count(kind="resource"), upstream.count(kind="metadata"), summary.requests)
        assert (summary.success, *asked) == (True, 12 + 0, 6, 18)
        assert len(memory.rows["fmcsaViolations"]) == 700


async def test_qcmobile_is_asked_once_per_company_and_sms_run(world):
    settings = demo_settings(world.upstream)
    async with open_orchestrator(settings, repository=world.memory) as orchestrator:
        assert (await orchestrator.sync_all_companies()).success
        asked = world.upstream.count(kind="qcmobile")
        assert asked == sum(1 if carrier.kind == "unknown" else 2 for carrier in world.fleet.carriers)
        await orchestrator.sync_all_companies()
        assert world.upstream.count(kind="qcmobile") == asked
    passenger = await world.company("small", passenger=True)
    property_carrier = await world.company("small", passenger=False)
    assert passenger["fmcsaData"]["csa"]["unsafeDriving"]["qcmobile"]["threshold"] == 50
    assert property_carrier["fmcsaData"]["csa"]["unsafeDriving"]["percentileStatus"] in {"not_public", "inconclusive"}
    assert property_carrier["fmcsaData"]["csa"]["carrier"]["legalName"]


@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.html(), "upstream_unavailable"), (Fault.status(500), "upstream_unavailable"), (None, "auth")]
)
async def test_when_qcmobile_fails_the_files_part_is_stored_and_the_rest_retried(world, fault, kind):
    settings = demo_settings(world.upstream)
    if fault is None:
        settings = settings.model_copy(update={"qcmobile_web_key": SecretStr("wrong-s3cret")})
    else:
        world.upstream.inject(fault, kind="qcmobile")
    async with open_orchestrator(settings, repository=world.memory) as orchestrator:
        summary = await orchestrator.sync_all_companies()
    assert summary.failed == 40
    company = await world.company("small", passenger=False)
    assert [(error["source"], error["kind"]) for error in status_of(company)["errors"]] == [("csa_scores", kind)]
    assert company["smsBasics"]["vehicleMaintenanceMeasure"] is not None
    assert "csaScoresLastSync" not in status_of(company)
    assert "s3cret" not in str(company) + str(summary.as_dict())
    world.upstream.clear_faults()
    async with open_orchestrator(demo_settings(world.upstream), repository=world.memory) as orchestrator:
        assert (await orchestrator.sync_all_companies()).success


async def test_what_a_batch_has_read_costs_nothing_of_the_orchestrators_budget(world):
    acquired = []
    limiter = world.orchestrator.components.limiter
    original = limiter.acquire

    async def counting(amount=1):
        acquired.append(amount)
        await original(amount)

    limiter.acquire = counting
    await world.orchestrator.sync_all_companies()
    assert len(acquired) == 9  # three sources, three windows
    await world.orchestrator.sync_all_companies()
    assert len(acquired) == 9
