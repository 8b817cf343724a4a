"""What only sources over daily files can meet: one file of several that fails, halves of two ages, keys of other types."""

from datetime import datetime

import pytest

from fmcsa_orchestrator.testing import Fault, Fleet
from tests.support.world import open_world, status_of

pytestmark = pytest.mark.usefixtures("no_pauses")

CENSUS, ORDERS, HISTORY, FILED, MCMIS, SMS = "az4n-8mr2", "p2mt-9ige", "yu5v-wbh6", "c5y8-a4uz", "aayw-vxb3", "4wxs-vbns"
SOURCES = ("registration", "crashes", "out_of_service_orders", "authority", "insurance")
COLLECTIONS = ("fmcsaCrashes", "fmcsaOutOfServiceOrders", "fmcsaAuthority", "fmcsaInsurance")


@pytest.fixture
async def world():
    """A world whose daily sources have been read once."""
    async with open_world("memory", None, fleet=Fleet.sample(8), sources=SOURCES) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        yield world


async def stored(world):
    """All that is stored, but for the statuses."""
    fields = {company["_id"]: {**company["fmcsaData"], "syncStatus": None} for company in await world.companies()}
    return fields, {name: {row["_id"]: row for row in await world.rows(name)} for name in COLLECTIONS}


async def failing(world):
    """A run in which each company fails in the same way: the sources, and the kind of each."""
    summary = await world.orchestrator.sync_all_companies()
    assert summary.failed == len(world.fleet)
    found = {
        tuple((error["source"], error["kind"]) for error in status_of(company)["errors"]) for company in await world.companies()
    }
    (errors,) = found
    return dict(errors)


@pytest.mark.parametrize(
    ("dataset", "source"),
    [(HISTORY, "authority"), (FILED, "insurance"), (MCMIS, "crashes"), (SMS, "crashes"), (CENSUS, "registration")],
)
async def test_a_file_without_any_rows_stops_its_source_alone_and_erases_nothing(world, dataset, source):
    before = await stored(world)
    world.upstream.publish(dataset=dataset)
    world.upstream.inject(Fault.empty_dataset(), dataset=dataset, kind="resource")
    assert await failing(world) == {source: "implausible_empty"}
    assert await stored(world) == before
    world.upstream.clear_faults()
    assert (await world.orchestrator.sync_all_companies()).success
    assert await stored(world) == before


async def test_a_monthly_half_that_lags_behind_keeps_both_halves_as_they_were(world):
    before = await stored(world)
    world.fleet.publish(changed=1.0)
    world.fleet.publish_daily(MCMIS, changed=1.0)
    world.upstream.inject(Fault.older(), dataset=SMS, kind="resource")
    assert await failing(world) == {"crashes": "stale_upstream"}
    assert await stored(world) == before
    world.upstream.clear_faults()
    assert (await world.orchestrator.sync_all_companies()).success
    assert await stored(world) != before


@pytest.mark.parametrize(
    ("dataset", "column", "kind", "source"),
    [
        (ORDERS, "dot_number", "number", "out_of_service_orders"),  # text of eight digits until now
        (CENSUS, "dot_number", "text", "registration"),  # a number until now
        (HISTORY, "usdot_number", "number", "authority"),
    ],
)
async def test_a_key_of_another_type_is_not_asked_for_as_if_it_were_the_old_one(world, dataset, column, kind, source):
    before = await stored(world)
    world.upstream.publish(dataset=dataset)
    world.upstream.inject(Fault.retyped_column(column, kind), dataset=dataset)
    asked = world.upstream.count("resource", dataset)
    assert await failing(world) == {source: "malformed"}
    assert world.upstream.count("resource", dataset) == asked  # the file's metadata say so already
    assert await stored(world) == before
    world.upstream.clear_faults()
    assert (await world.orchestrator.sync_all_companies()).success


async def test_a_carrier_that_leaves_one_daily_file_keeps_what_the_others_say(world):
    carrier = next(carrier.usdot for carrier in world.fleet.carriers if world.fleet.rows(CENSUS, carrier.usdot))
    before, rows = await stored(world)
    world.upstream.publish(dataset=CENSUS)
    world.upstream.inject(Fault.row_missing(0), dataset=CENSUS, usdot=carrier, kind="resource")
    assert (await world.orchestrator.sync_all_companies()).success
    after, rows_after = await stored(world)
    company = next(company for company in await world.companies() if company["_id"] == carrier)
    assert status_of(company)["sources"]["registration"]["outcome"] == "not_found"
    last_known = after[carrier].pop("registration")
    assert isinstance(last_known.pop("absentSince"), datetime)
    assert {**last_known, "absentSince": None} == {**before[carrier]["registration"], "records": 0}
    before_of_others = {**before, carrier: {name: value for name, value in before[carrier].items() if name != "registration"}}
    assert (after, rows_after) == (before_of_others, rows)
    world.upstream.clear_faults()
    world.upstream.publish(dataset=CENSUS)
    assert (await world.orchestrator.sync_all_companies()).success
    assert await stored(world) == (before, rows)
