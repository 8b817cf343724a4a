"""Estimated percentiles from end to end: a fleet that is ranked by a hidden rule, which has to be found by what is published."""

from datetime import timedelta
from math import ceil, floor

import pytest

from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21
from fmcsa_orchestrator.testing import Carrier, Fault, Fleet, InMemoryRepository, Ranking
from tests.support.world import open_world, status_of

RANKED = (Basic.HOS_COMPLIANCE, Basic.DRIVER_FITNESS, Basic.CONTROLLED_SUBSTANCES_ALCOHOL, Basic.VEHICLE_MAINTENANCE)
SOURCES = ("csa_scores",)
HIDDEN = {
    "min of n-1, floor": Ranking(lambda below, _, n: floor(100 * below / max(n - 1, 1))),
    "average of n, round, critical mass": Ranking(
        lambda below, same, n: floor(100 * (2 * below + same + 1) / (2 * n) + 0.5), with_violations=None
    ),
    "max of n-1, ceil, by class": Ranking(lambda below, same, n: ceil(100 * (below + same - 1) / max(n - 1, 1)), together=False),
    "max of n, floor, all with inspections": Ranking(lambda below, same, n: floor(100 * (below + same) / n), with_violations=0),
}
FOUND = {
    "min of n-1, floor": ["100*(rank-1)/(n-1), min rank, floor", "with violation", "together"],
    "average of n, round, critical mass": ["100*rank/n, average rank, round", "with critical mass", "together"],
    "max of n-1, ceil, by class": ["100*(rank-1)/(n-1), max rank, ceil", "with violation", "by itself"],
    "max of n, floor, all with inspections": ["100*rank/n, max rank, floor", "with inspections", "together"],
}
RANKING = HIDDEN["min of n-1, floor"]


def estimating(fleet, **settings):
    return open_world("memory", None, fleet=fleet, sources=SOURCES, estimates=True, **settings)


def csa(company, basic):
    return company["fmcsaData"]["csa"][basic]


def readings(upstream):
    """Requests of whole files: pages and their counts."""
    return [request for request in upstream.requests if "insp_total" in request.query.get("$where", "")]


@pytest.mark.parametrize("name", HIDDEN)
async def test_a_passenger_carriers_estimate_is_what_is_published_whatever_the_hidden_rule(name):
    fleet = Fleet.sample(400, ranking=HIDDEN[name])
    async with estimating(fleet, batch_size=200) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        companies = await world.companies()
        (kept,) = world.memory.surveys["fmcsaEstimates"].values()
    assert all(words in kept["rule"] for words in FOUND[name]), kept["rule"]
    compared = 0
    for company in companies:
        for basic in RANKED:
            value, estimate = csa(company, basic), csa(company, basic)["estimate"]
            assert company["smsBasics"][f"{basic}Estimate"] == estimate["percentile"]
            if value["percentileStatus"] == "published" and value["inspectionsWithViolations"]:
                assert (estimate["percentile"], estimate["reason"]) == (value["percentile"], None)
                assert estimate["error"] == kept["basics"][basic]["error"]
                compared += 1
    assert compared > 60
    errors = [value["error"] for value in kept["basics"].values()]
    assert sum(error["carriers"] for error in errors) == compared
    assert {(error["median"], error["p95"]) for error in errors} == {(0, 0)}


async def test_a_property_carrier_has_an_estimate_beside_not_public_and_nothing_in_its_place():
    fleet = Fleet.sample(200, ranking=RANKING)
    async with estimating(fleet) as world:
        await world.orchestrator.sync_all_companies()
        companies = await world.companies()
    estimated = 0
    for company, carrier in zip(companies, fleet.carriers, strict=True):
        data = company["fmcsaData"]["csa"]
        for basic in () if carrier.passenger or carrier.kind == "unknown" else RANKED:
            value, estimate = data[basic], data[basic]["estimate"]
            assert (value["percentile"], value["percentileStatus"], company["smsBasics"][basic]) == (None, "not_public", None)
            assert estimate.keys() == {"percentile", "group", "rule", "error", "asOf", "reason"}
            assert estimate["asOf"] == data["dataAsOf"]
            if estimate["percentile"] is None:
                assert estimate["reason"] in {"no violations", "too few inspections"}
                assert (estimate["group"], estimate["rule"], estimate["error"]) == (None, None, None)
            else:
                peers = SMS_3_21.peers[basic]
                number = (
                    value["inspectionsWithViolations"]
                    if peers.counted == "withViolations"
                    else data["inspections"][peers.counted]
                )
                assert estimate["group"] == peers.group(number)
                assert 0 <= estimate["percentile"] <= 100
                estimated += 1
        unsafe = data["unsafeDriving"]["estimate"]
        assert (unsafe["percentile"], unsafe["reason"]) == (None, "segment unknown")
        assert "estimate" not in data["crashIndicator"]
    assert estimated > 100


async def test_the_files_are_read_once_a_month_and_a_company_costs_nothing_for_it():
    fleet = Fleet.sample(60, ranking=RANKING)
    async with estimating(fleet, batch_size=60) as world:
        upstream = world.upstream
        first = await world.orchestrator.sync_all_companies()
        assert (first.success, len(readings(upstream))) == (True, 4)  # so few rows that each file's are surely all
        assert first.requests == 4 + 4 + 4 + 4  # versions, the whole files, versions again, one batch of each
        before = len(upstream.requests)
        again = await world.orchestrator.sync_all_companies()
        assert (again.requests, again.outcomes["csa_scores"]) == (4, {"unchanged": 60})
        await world.orchestrator.sync_company(fleet.usdots[0], force=True)
        assert len(upstream.requests) == before + 4 + 4 + 4  # forced: the versions, and the carrier's own rows
        fleet.publish(changed=0.5)
        await world.orchestrator.sync_all_companies()
        assert len(readings(upstream)) == 8
        assert len(world.memory.surveys["fmcsaEstimates"]) == 2
        companies = await world.companies()
    months = {csa(company, basic)["estimate"]["asOf"] for company in companies for basic in RANKED}
    assert months == {max(survey["asOf"] for survey in world.memory.surveys["fmcsaEstimates"].values())}


async def test_a_handler_takes_what_is_kept_and_never_reads_whole_files():
    fleet = Fleet.sample(60, ranking=RANKING)
    usdot = next(carrier.usdot for carrier in fleet.carriers if carrier.violations > 15)
    async with estimating(fleet) as world:
        await world.orchestrator.sync_company(usdot)
        (value,) = [csa(company, Basic.VEHICLE_MAINTENANCE) for company in await world.companies() if company["_id"] == usdot]
        assert value["estimate"]["reason"] == "distribution not read"
        assert value["estimate"]["asOf"] is None
        assert readings(world.upstream) == []
        await world.orchestrator.sync_all_companies()
        stored, seen = world.memory, len(readings(world.upstream))
        async with estimating(fleet) as other:  # another process, say, on the same store
            other.memory.surveys = stored.surveys
            await other.orchestrator.sync_company(usdot)
            (there,) = [csa(company, Basic.VEHICLE_MAINTENANCE) for company in await other.companies() if company["_id"] == usdot]
            assert readings(other.upstream) == []
        (here,) = [csa(company, Basic.VEHICLE_MAINTENANCE) for company in await world.companies() if company["_id"] == usdot]
        assert there["estimate"] == here["estimate"]
        assert (len(readings(world.upstream)), here["estimate"]["reason"]) == (seen, None)


async def test_a_measure_of_a_new_month_is_not_placed_among_those_of_the_last():
    fleet = Fleet.sample(60, ranking=RANKING)
    usdot = next(carrier.usdot for carrier in fleet.carriers if carrier.violations > 15)
    async with estimating(fleet) as world:
        await world.orchestrator.sync_all_companies()
        before = next(iter(world.memory.surveys["fmcsaEstimates"].values()))["asOf"]
        fleet.publish(changed=1)
        await world.orchestrator.sync_company(usdot, force=True)
        (company,) = [company for company in await world.companies() if company["_id"] == usdot]
        data = company["fmcsaData"]["csa"]
        estimate = data["vehicleMaintenance"]["estimate"]
        assert (estimate["percentile"], estimate["reason"]) == (None, "distribution of another SMS run")
        assert (estimate["asOf"], data["dataAsOf"]) == (before, before + timedelta(days=1))
        assert company["smsBasics"]["vehicleMaintenanceEstimate"] is None
        await world.orchestrator.sync_all_companies()
        (company,) = [company for company in await world.companies() if company["_id"] == usdot]
        assert csa(company, Basic.VEHICLE_MAINTENANCE)["estimate"]["asOf"] == before + timedelta(days=1)


async def test_a_reading_that_fails_is_told_and_stops_nothing(caplog):
    fleet = Fleet.sample(40, ranking=RANKING)
    async with estimating(fleet, batch_size=40) as world:
        injection = world.upstream.inject(Fault.status(400), dataset="m3ry-qcip", kind="resource", times=1)
        summary = await world.orchestrator.sync_all_companies()
        (failed,) = [entry["errors"] for entry in summary.errors]
        assert [(error.source, error.kind) for error in failed] == [("estimates", "rejected")]
        assert (summary.succeeded, summary.failed) == (40, 0)
        assert "sync_failed" in caplog.text
        companies = await world.companies()
        reasons = {
            csa(company, basic)["estimate"]["reason"]
            for company in companies
            for basic in RANKED
            if "csa" in company["fmcsaData"]
        }
        assert reasons == {"distribution not read", "not published"}
        assert world.memory.surveys["fmcsaEstimates"] == {}
        injection.remove()
        assert (await world.orchestrator.sync_all_companies()).success
        (company,) = [company for company in await world.companies() if company["_id"] == fleet.usdots[0]]
        assert csa(company, Basic.VEHICLE_MAINTENANCE)["estimate"]["asOf"] is not None
        assert all(status_of(company)["success"] for company in await world.companies())


async def test_a_store_that_does_not_keep_it_stops_nothing_either(monkeypatch):
    async def refused(*_):
        raise OSError("no space left")

    monkeypatch.setattr(InMemoryRepository, "keep_survey", refused)
    async with estimating(Fleet.sample(20, ranking=RANKING)) as world:
        summary = await world.orchestrator.sync_all_companies()
    assert (summary.succeeded, summary.errors[0]["errors"][0].source) == (20, "estimates")


async def test_a_reading_may_take_half_of_a_runs_time(monkeypatch):
    asked = []
    fleet = Fleet.sample(20, ranking=RANKING)
    async with estimating(fleet) as world:
        surveys = world.orchestrator.components.surveys
        original = surveys.read

        async def read(caller, within_s):
            asked.append(within_s)
            return await original(caller, within_s)

        monkeypatch.setattr(surveys, "read", read)
        await world.orchestrator.sync_all_companies(deadline_s=40)
        await world.orchestrator.sync_all_companies()
    assert asked == [20, 1_800]


async def test_off_there_is_nothing_of_it_and_switched_off_no_old_estimate_is_left():
    fleet = Fleet.sample(40, ranking=RANKING)
    async with open_world("memory", None, fleet=fleet, sources=SOURCES) as world:
        await world.orchestrator.sync_all_companies()
        companies = await world.companies()
        assert readings(world.upstream) == []
    assert not any("Estimate" in name for company in companies for name in company["smsBasics"])
    assert not any(
        "estimate" in value for company in companies for value in company["fmcsaData"]["csa"].values() if isinstance(value, dict)
    )
    async with estimating(fleet) as world:
        await world.orchestrator.sync_all_companies()
        companies = await world.companies()
        assert any(dig(company, "smsBasics.vehicleMaintenanceEstimate") is not None for company in companies)
        async with open_world("memory", None, fleet=fleet, sources=SOURCES) as off:
            off.memory.companies.clear()
            off.memory.companies.update({company["_id"]: company for company in companies})
            summary = await off.orchestrator.sync_all_companies()
            assert summary.success
            companies = await off.companies()
    for company in companies:
        for basic in RANKED:
            assert dig(company, f"smsBasics.{basic}Estimate") is None
            assert dig(company, f"fmcsaData.csa.{basic}.estimate") is None


async def test_without_passenger_carriers_no_rule_is_chosen_and_the_files_are_not_read_again():
    carriers = [Carrier(1_000 + n, "Mesa Freight", "small", False, "AB", inspections=9 + n, violations=20) for n in range(12)]
    async with estimating(Fleet(carriers, ranking=RANKING)) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        seen = len(readings(world.upstream))
        await world.orchestrator.sync_all_companies()
        assert len(readings(world.upstream)) == seen
        (kept,) = world.memory.surveys["fmcsaEstimates"].values()
        companies = await world.companies()
    assert (kept["rule"], kept["basics"], kept["carriers"]) == (None, {}, 12)
    reasons = {csa(company, Basic.VEHICLE_MAINTENANCE)["estimate"]["reason"] for company in companies}
    assert reasons <= {"nothing published to fit", "too few inspections", "no violations"}
    assert "nothing published to fit" in reasons


@pytest.mark.parametrize("store", ["motor", "pymongo"])
async def test_over_the_wire_the_same_document_is_kept_and_used(store, wire_uri):
    fleet = Fleet.sample(60, ranking=RANKING)
    async with open_world(
        store, wire_uri, fleet=fleet, sources=SOURCES, estimates=True, estimates_collection="percentiles"
    ) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        seen = len(readings(world.upstream))
        again = await world.orchestrator.sync_all_companies()
        assert (again.outcomes["csa_scores"], len(readings(world.upstream))) == ({"unchanged": 60}, seen)
        assert await world.database["percentiles"].count_documents({}) == 1
        companies = await world.companies()
    estimates = [csa(company, basic)["estimate"] for company in companies for basic in RANKED]
    assert any(estimate["percentile"] is not None for estimate in estimates)
