"""Registration: the census's record of each carrier, and that personal fields go when they are switched off."""

from typing import ClassVar

import pytest

from fmcsa_orchestrator import RegistrationSource, open_orchestrator
from fmcsa_orchestrator.testing import Fleet
from tests.support.own_source import OwnSource
from tests.support.world import open_world, status_of

CENSUS = "az4n-8mr2"


class TestRegistration(OwnSource):
    columns: ClassVar = {"legal_name": {"a": 1}, "power_units": ["x"], "mcs150_date": 20250528, "hm_ind": 7.5}

    def make(self, portal, mobile):
        return RegistrationSource(portal)


class TestRegistrationWithoutPersonalFields(OwnSource):
    columns: ClassVar = {"legal_name": {"a": 1}}

    def make(self, portal, mobile):
        return RegistrationSource(portal, personal_fields=False)


def found_of(company):
    return company["fmcsaData"]["registration"]


async def test_a_record_follows_the_census_at_the_cost_of_its_batches():
    fleet = Fleet.sample(20)
    async with open_world("memory", None, fleet=fleet, sources=("registration",)) as world:
        first = await world.orchestrator.sync_all_companies()
        before = {company["_id"]: found_of(company) for company in await world.companies()}
        again = await world.orchestrator.sync_all_companies()
        fleet.publish_daily(CENSUS, changed=1)
        second = await world.orchestrator.sync_all_companies()
        companies = await world.companies()
    assert [summary.requests for summary in (first, again, second)] == [1 + 2, 1, 1 + 2]  # the version; batches of 15 and of 5
    assert all(summary.success for summary in (first, again, second))
    for company in companies:
        rows, found, earlier = fleet.rows(CENSUS, company["_id"]), found_of(company), before[company["_id"]]
        if not rows:
            assert found == {"records": 0, "otherRecords": [], "absentSince": None}
            status = status_of(company)["sources"]["registration"]
            assert status["outcome"] == "not_found"
            assert "no proof" in status["message"]
            continue
        assert (found["legalName"], found["contact"]["phone"]) == (rows[0]["legal_name"], rows[0]["phone"])
        assert found["fleet"]["powerUnits"] == int(rows[0]["power_units"]) == earlier["fleet"]["powerUnits"] + 1
        assert found["mcs150"]["filedOn"] > earlier["mcs150"]["filedOn"]


@pytest.mark.parametrize("store", ["memory", "motor"])
async def test_personal_fields_that_are_switched_off_are_removed_and_come_back(store, wire_uri):
    fleet = Fleet.sample(8)
    async with open_world(store, wire_uri, fleet=fleet, sources=("registration",)) as world:
        lent = {"repository": world.memory} if world.database is None else {"database": world.database}
        stored = []
        for is_on in (True, False, True):
            settings = world.settings.model_copy(update={"personal_fields": is_on})
            async with open_orchestrator(settings, **lent) as orchestrator:
                summary = await orchestrator.sync_all_companies()
            assert summary.success
            stored.append({company["_id"]: found_of(company) for company in await world.companies()})
    with_them, without, again = stored
    assert with_them == again
    rows = {usdot: fleet.rows(CENSUS, usdot) for usdot in fleet.usdots}
    for usdot, found in without.items():
        for row in rows[usdot]:
            assert found["withheld"][:2] == ["contact", "officers"]
            assert with_them[usdot]["withheld"] == []
            assert row["phone"] in str(with_them[usdot])
            assert row["phone"] not in str(found)
            assert row["company_officer_1"] not in str(found)
            assert (row["phy_street"] in str(found)) == (row.get("business_org_desc") == "CORPORATION")


@pytest.mark.parametrize("personal", [True, False])
async def test_of_a_carrier_that_leaves_the_census_the_last_record_stays(personal):
    fleet = Fleet.sample(6)
    async with open_world("memory", None, fleet=fleet, sources=("registration",)) as world:
        stored = []
        await world.orchestrator.sync_all_companies()
        stored.append((await world.companies())[0])
        fleet.leave(fleet.usdots[0])
        settings = world.settings.model_copy(update={"personal_fields": personal})
        async with open_orchestrator(settings, repository=world.memory) as orchestrator:
            for changed in (0, 0):
                fleet.publish_daily(CENSUS, changed=changed)
                assert (await orchestrator.sync_all_companies()).success
                stored.append((await world.companies())[0])
        fleet.come_back(fleet.usdots[0])
        fleet.publish_daily(CENSUS, changed=0)
        await world.orchestrator.sync_all_companies()
        stored.append((await world.companies())[0])
    there, gone, still_gone, back = map(found_of, stored)
    status = status_of(stored[1])["sources"]["registration"]
    assert (status["outcome"], status["rows"]) == ("not_found", 0)
    assert (gone["records"], gone["absentSince"]) == (0, status["dataAsOf"])
    assert gone == still_gone
    assert back == there
    if personal:
        assert {**gone, "records": 1, "absentSince": None} == there
    else:
        assert gone["withheld"][:2] == ["contact", "officers"]
        assert there["contact"]["phone"] not in str(gone)


async def test_the_last_record_is_not_that_of_another_number():
    fleet = Fleet.sample(6)
    gone, other = fleet.usdots[:2]
    async with open_world("memory", None, fleet=fleet, sources=("registration",)) as world:
        await world.orchestrator.sync_all_companies()
        fleet.leave(other)
        fleet.publish_daily(CENSUS, changed=0)
        world.memory.companies[gone]["dotNumber"] = other
        await world.orchestrator.sync_company(gone)
        assert found_of(world.memory.companies[gone]) == {"records": 0, "otherRecords": [], "absentSince": None}
