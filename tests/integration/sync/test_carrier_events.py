"""What has changed about carriers is told once: nothing at first, then exactly the difference between two states of upstream."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from fmcsa_orchestrator.sources.sms.dates import sms_date, two_years_after
from fmcsa_orchestrator.storage.event_log import Wanted
from fmcsa_orchestrator.testing import Fault, Fleet
from tests.support.world import INSPECTIONS, VIOLATIONS, open_world

ALL = ("csa_scores", "violations", "inspections", "out_of_service_orders")


async def told(world):
    """Each event as (type, USDOT number, key)."""
    found = await world.event_log.read(0, 100_000, Wanted())
    return [(event["type"].removeprefix("fmcsa."), event["data"]["usdot"], event["data"]["evidence"]["key"]) for event in found]


def upstream(fleet, dataset, *, missed=False):
    """Which rows there are, by carrier; `missed`: only those that would be missed, since their 24 months are not over."""
    return Counter(
        (usdot, row["unique_id"], row.get("viol_code"), row.get("viol_unit"))
        for usdot in fleet.usdots
        for row in fleet.rows(dataset, usdot)
        if not missed or two_years_after(sms_date(row["insp_date"])) > datetime.now(UTC)
    )


def inspections_upstream(fleet, **options):
    return {(usdot, key) for usdot, key, *_ in upstream(fleet, INSPECTIONS, **options)}


@pytest.mark.parametrize("store", ["memory", "motor"])
async def test_the_first_sync_is_silent_and_a_change_is_told_once(store, wire_uri):
    fleet = Fleet.sample(20)
    async with open_world(store, wire_uri, fleet=fleet, sources=ALL) as world:
        await world.orchestrator.sync_all_companies()
        assert await told(world) == []
        before, rows_before = inspections_upstream(fleet), upstream(fleet, VIOLATIONS)
        missed, rows_missed = inspections_upstream(fleet, missed=True), upstream(fleet, VIOLATIONS, missed=True)
        fleet.publish(changed=0.3)
        assert (await world.orchestrator.sync_all_companies()).success
        events = await told(world)
        after, rows_after = inspections_upstream(fleet), upstream(fleet, VIOLATIONS)
        assert {(usdot, key) for kind, usdot, key in events if kind == "inspection.added"} == after - before
        assert {(usdot, key) for kind, usdot, key in events if kind == "inspection.removed"} == missed - after
        counts = Counter(kind for kind, _, _ in events)
        assert counts["violation.added"] == (rows_after - rows_before).total() > 0
        assert counts["violation.removed"] == (rows_missed - rows_after).total()
        assert len(events) == len(set(events))
        fleet.publish(changed=0)
        await world.orchestrator.sync_all_companies(force=True)
        assert await told(world) == events


async def test_what_ended_before_the_rows_is_told_once_all_the_same():
    fleet = Fleet.sample(10)
    async with open_world("memory", None, fleet=fleet, sources=ALL) as world:
        await world.orchestrator.sync_all_companies()
        before = inspections_upstream(fleet)
        fleet.publish(changed=1)
        write, failing = world.memory.write_rows, []

        async def fails(*args):
            failing.append(args)
            raise ConnectionError("the store is gone")

        world.memory.write_rows = fails
        await world.orchestrator.sync_all_companies()
        first = await told(world)
        assert failing
        assert first
        world.memory.write_rows = write
        await world.orchestrator.sync_all_companies()
        events = await told(world)
        assert events[: len(first)] == first
        assert len(events) == len(set(events))
        added = {(usdot, key) for kind, usdot, key in events if kind == "inspection.added"}
        assert added == inspections_upstream(fleet) - before


@pytest.mark.usefixtures("no_pauses")
async def test_a_failed_read_tells_nothing_and_a_partial_one_what_is_stored_of_it():
    fleet = Fleet.sample(10)
    async with open_world("memory", None, fleet=fleet, sources=ALL) as world:
        await world.orchestrator.sync_all_companies()
        before = inspections_upstream(fleet)
        fleet.publish(changed=1)
        world.upstream.inject(Fault.status(500), dataset=VIOLATIONS)
        world.upstream.inject(Fault.bad_value("insp_date", "99-XXX-99", one_row=True), dataset=INSPECTIONS)
        await world.orchestrator.sync_all_companies()
        events = await told(world)
        assert {kind.partition(".")[0] for kind, _, _ in events} <= {"basic", "inspection"}
        stored = {(row["usdot"], row["uniqueId"]) for row in await world.rows(INSPECTIONS) if row["current"]}
        assert {(usdot, key) for kind, usdot, key in events if kind == "inspection.added"} == stored - before
        assert not {(usdot, key) for kind, usdot, key in events if kind == "inspection.removed"} & inspections_upstream(fleet)
        world.upstream.clear_faults()
        await world.orchestrator.sync_all_companies()
        everything = await told(world)
        assert len(everything) == len(set(everything))
        added = {(usdot, key) for kind, usdot, key in everything if kind == "inspection.added"}
        assert added == inspections_upstream(fleet) - before


async def test_a_source_that_cannot_tell_fails_and_its_rows_wait(monkeypatch):
    fleet = Fleet.sample(10)
    async with open_world("memory", None, fleet=fleet, sources=ALL) as world:
        await world.orchestrator.sync_all_companies()
        fleet.publish(changed=1)
        source = next(slot for slot in world.orchestrator.components.slots if slot.name == "inspections")

        def broken(change):
            raise LookupError("a bug of ours")

        object.__setattr__(source, "row_events", broken)
        summary = await world.orchestrator.sync_all_companies()
        failed = {error["source"] for company in summary.as_dict()["errors"] for error in company["errors"]}
        assert failed == {"inspections"}
        assert not {kind for kind, _, _ in await told(world) if kind.startswith("inspection.")}
