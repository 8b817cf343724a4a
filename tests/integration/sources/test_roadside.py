"""Roadside inspections: read by carrier, their units and violations by inspection, and joined to SMS's by state and number."""

from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from math import ceil
from typing import ClassVar

import aiohttp
import pytest

from fmcsa_orchestrator import MalformedPayloadError, RoadsideSource, Settings, StaleUpstreamError
from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.sources.catalogue import chosen_sources
from fmcsa_orchestrator.sources.roadside import MOST_IN_BATCH, RECENT, summarize_roadside
from fmcsa_orchestrator.sources.roadside_rows import parse_roadside, parse_roadside_violation, parse_unit
from fmcsa_orchestrator.sources.soda.details import AT_ONCE
from fmcsa_orchestrator.testing import Carrier, Fault, Fleet, LocalFmcsa
from tests.support.own_source import OwnSource, client, company
from tests.support.world import open_world, status_of

INSPECTIONS, UNITS, VIOLATIONS = FILES = ("fx4q-ay7w", "wt8s-2hbx", "876r-jsdb")
LARGE, SMALL = 2034567, 1021580


class TestRoadside(OwnSource):
    dataset = INSPECTIONS
    columns: ClassVar = {
        "insp_date": "soon",
        "report_number": 7,
        "viol_total": "many",
        "insp_unit_make": ["x"],
        "insp_unit_id": "first",
        "insp_violation_id": None,
        "viol_code": {"a": 1},
    }

    def make(self, portal, mobile):
        return RoadsideSource(portal)


@asynccontextmanager
async def served(*carriers, **options):
    """A source at a double with these carriers."""
    fleet = Fleet(carriers)
    async with LocalFmcsa(fleet) as upstream, aiohttp.ClientSession() as session:
        yield RoadsideSource(SodaClient(client(session, upstream.soda_url, "soda", **options))), upstream, fleet


class Before:
    """A limiter that does something before the nth request."""

    def __init__(self, nth, step):
        self.left, self.step = nth, step

    async def acquire(self):
        self.left -= 1
        if self.left == 0:
            self.step()


def carrier(usdot, inspections, violations):
    return Carrier(usdot, f"Carrier {usdot} LLC", "large", False, "AB", inspections=inspections, violations=violations)


def ids(fleet, usdot):
    return [int(row["inspection_id"]) for row in fleet.rows(INSPECTIONS, usdot)]


def counted(fleet, usdot):
    """What the double's rows say of one carrier, counted without a source."""
    rows = fleet.rows(INSPECTIONS, usdot)
    violations = {id_: fleet.rows(VIOLATIONS, id_) for id_ in ids(fleet, usdot)}
    flat = [row for found in violations.values() for row in found]
    return {
        "total": len(rows),
        "withViolations": sum(map(bool, violations.values())),
        "driverOos": sum(row["driver_oos_total"] != "0" for row in rows),
        "vehicleOos": sum(row["vehicle_oos_total"] != "0" for row in rows),
        "hazmatOos": sum(row["hazmat_oos_total"] != "0" for row in rows),
        "awaitingDetails": sum(
            not fleet.rows(UNITS, int(row["inspection_id"]))
            or len(violations[int(row["inspection_id"])]) < int(row["viol_total"])
            for row in rows
        ),
        "violations": len(flat),
        "violationsOutOfService": sum(row.get("out_of_service_indicator") in {"Y", "Z"} for row in flat),
        "byLevel": dict(Counter(row["insp_level_id"] for row in rows)),
        "lastChange": max(row["change_date"] for row in rows),
    }


async def test_every_inspection_of_sms_finds_its_twin_and_violations_are_counted_one_by_one():
    fleet = Fleet.sample(40)
    fleet.publish(changed=0.5)
    async with open_world("memory", None, fleet=fleet, sources=("inspections", "roadside")) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        documents = await world.rows("fmcsaRoadside")
        twins = Counter((row["usdot"], row["reportState"], row["reportNumber"]) for row in documents)
        days = {(row["reportState"], row["reportNumber"]): row["inspectedOn"] for row in documents}
        of_sms = await world.rows("fmcsaInspections")
        assert len(of_sms) == sum(carrier.inspections for carrier in fleet.carriers) < len(documents)
        for row in of_sms:
            assert twins[row["usdot"], row["reportState"], row["reportNumber"]] == 1
            assert days[row["reportState"], row["reportNumber"]] == row["inspectedOn"]
        by_usdot = {found["_id"]: found["fmcsaData"]["roadside"] for found in await world.companies()}
    for one in fleet.carriers:
        found = by_usdot[one.usdot]
        if not one.inspections:
            assert (found["total"], found["recent"], found["latest"], found["violations"]) == (0, [], None, 0)
            continue
        assert counted(fleet, one.usdot).items() <= found.items()
        assert found["violations"] == sum(entry["total"] for entry in found["byCategory"].values())
        assert found["violationsOutOfService"] == sum(entry["outOfService"] for entry in found["byCategory"].values())
        days = sorted((row["insp_date"] for row in fleet.rows(INSPECTIONS, one.usdot)), reverse=True)
        assert [f"{row['inspectedOn']:%Y%m%d}" for row in found["recent"]] == days[:RECENT]
        assert (f"{found['latest']:%Y%m%d}", f"{found['earliest']:%Y%m%d}") == (days[0], days[-1])


async def test_a_document_has_the_units_and_violations_of_its_inspection():
    async with served(carrier(SMALL, 400, 700)) as (source, _, fleet):
        report = await source.fetch(company(SMALL))
    assert sorted(document.id for document in report.documents) == sorted(map(str, ids(fleet, SMALL)))
    assert report.rows == len(report.documents)
    states = Counter()
    for document in report.documents:
        units, violations = (fleet.rows(file, int(document.id)) for file in (UNITS, VIOLATIONS))
        content = document.content
        assert [str(unit["unitId"]) for unit in content["units"] or ()] == [row["insp_unit_id"] for row in units]
        found = [(str(row["violationId"]), row["violationCode"]) for row in content["violations"] or ()]
        assert found == [(row["insp_violation_id"], row["viol_code"]) for row in violations]
        known = {unit["unitId"] for unit in content["units"] or ()}
        assert all(row["unitId"] in known or not known for row in content["violations"] or () if row["unitId"])
        assert (content["units"] is None) == (not units)
        assert (content["violations"] is None) == (content["violationsTotal"] > 0 and not violations)
        assert content["detailsComplete"] == (content["units"] is not None and content["violations"] is not None)
        states.update(f"{name} {content[name]}" for name in ("units", "violations") if not content[name])
    assert states.keys() == {"units None", "violations None", "violations []"}


async def test_first_sync_nothing_new_and_one_change():
    fleet = Fleet.uniform(20, violations=6, inspections=4)
    async with open_world("memory", None, fleet=fleet, sources=("roadside",)) as world:
        first = await world.orchestrator.sync_all_companies()
        assert (first.success, first.requests) == (True, 3 + 2 * 3)  # versions; a batch of 15 and one of 5
        assert (await world.orchestrator.sync_all_companies()).requests == 3
        before = {row["_id"]: row for row in await world.rows("fmcsaRoadside")}
        fleet.publish_daily(changed=0.2)
        after = await world.orchestrator.sync_all_companies()
        found = {row["_id"]: row for row in await world.rows("fmcsaRoadside")}
        current = Counter(row["usdot"] for row in found.values() if row["current"])
    assert (after.success, after.requests) == (True, 3 + 2 * 3)
    assert current == {usdot: fleet.count(INSPECTIONS, usdot) for usdot in fleet.usdots}
    changed = {row["usdot"] for id_, row in found.items() if row != before.get(id_)}
    assert len(changed) == 4
    assert all(sum(row["usdot"] == usdot and not row["current"] for row in found.values()) == 1 for usdot in changed)


async def test_nothing_on_record_is_a_finding():
    fleet = Fleet.sample(20)
    unknown = next(one for one in fleet.carriers if one.kind == "unknown")
    async with open_world("memory", None, fleet=fleet, sources=("roadside",)) as world:
        result = await world.orchestrator.sync_company(unknown.usdot)
        found = (await world.company("unknown"))["fmcsaData"]
        assert result.success
        assert found["roadside"]["total"] == 0
        assert status_of({"fmcsaData": found})["sources"]["roadside"]["message"] == "none on record"
        assert len(world.upstream.requests) == 3 + 1 + 1  # and that the file has rows at all; nobody is asked for details


@pytest.mark.parametrize("inspections", [100, 1_000])
async def test_details_cost_two_requests_for_every_330_inspections(inspections):
    async with served(carrier(LARGE, inspections, inspections), carrier(SMALL, 3, 3)) as (source, upstream, fleet):
        report = await source.fetch(company(LARGE))
        asked = Counter(request.path.split("/")[-1].split(".")[0] for request in upstream.requests)
    assert len(report.documents) == fleet.count(INSPECTIONS, LARGE)
    turns = ceil(len(report.documents) / AT_ONCE)
    counted = inspections == 1_000  # so many rows are counted before they are believed to be all
    assert asked == {UNITS: turns, VIOLATIONS: turns, INSPECTIONS: 1 + counted}


async def test_of_a_batch_those_with_few_inspections_are_read_and_the_others_alone():
    async with served(carrier(LARGE, 6_000, 100), carrier(SMALL, 4, 6)) as (source, upstream, fleet):
        assert fleet.count(INSPECTIONS, LARGE) > MOST_IN_BATCH
        reports = await source.fetch_many([company(LARGE), company(SMALL)])
        assert list(reports) == [SMALL]
        assert len(upstream.requests) < 6


async def test_a_units_file_of_another_day_is_not_taken_for_no_units():
    async with served(carrier(SMALL, 4, 6)) as (source, upstream, _):
        for _ in range(7):  # editions of the double are two hours apart
            upstream.publish(dataset=INSPECTIONS)
        await source.version()
        with pytest.raises(StaleUpstreamError, match="wt8s-2hbx"):
            await source.fetch(company(SMALL))
        for _ in range(6):
            upstream.publish(dataset=UNITS)
            upstream.publish(dataset=VIOLATIONS)
        assert (await source.fetch(company(SMALL))).documents


@pytest.mark.parametrize("file", [UNITS, VIOLATIONS])
async def test_an_empty_file_of_details_takes_nothing_away(file):
    async with open_world("memory", None, fleet=Fleet.uniform(3), sources=("roadside",)) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        before = await world.rows("fmcsaRoadside")
        world.fleet.publish_daily(changed=1)
        world.upstream.inject(Fault.empty_dataset(), dataset=file, kind="resource")
        failed = await world.orchestrator.sync_all_companies()
        assert not failed.success
        assert await world.rows("fmcsaRoadside") == before
        (one, *_) = await world.companies()
        assert status_of(one)["errors"][0]["kind"] == "implausible_empty"


@pytest.mark.parametrize("nth", [2, 3, 4, 5])
async def test_files_replaced_between_the_steps_leave_each_inspection_whole_or_awaited(nth):
    limiter = Before(nth, lambda: fleet.publish_daily(changed=1))
    async with served(carrier(SMALL, 300, 400), limiter=limiter) as (source, _, fleet):
        files = {id_: [fleet.rows(file, id_) for file in (UNITS, VIOLATIONS)] for id_ in ids(fleet, SMALL)}
        report = await source.fetch(company(SMALL))  # inspections, units, violations, units, violations
        assert limiter.left <= 0  # it has happened
        assert sorted(document.id for document in report.documents) == sorted(map(str, files))
        gone = set(files) - set(ids(fleet, SMALL))
        assert len(gone) == 1
        for document in report.documents:
            units, violations = files[int(document.id)]
            content = document.content
            if int(document.id) in gone and (content["units"] is None or content["violations"] is None):
                assert not content["detailsComplete"]  # and the files' version is another now: it is read again
            else:
                assert len(content["units"] or ()) == len(units)
                assert len(content["violations"] or ()) == len(violations)


async def test_details_that_came_with_a_newer_edition_are_read_with_it():
    async with open_world("memory", None, fleet=Fleet.uniform(3), sources=("roadside",)) as world:
        world.fleet.publish_daily(INSPECTIONS, changed=1)
        assert (await world.orchestrator.sync_all_companies()).success
        awaited = [row for row in await world.rows("fmcsaRoadside") if row["units"] is None]
        assert {row["usdot"] for row in awaited} == set(world.fleet.usdots)
        world.fleet.publish_daily(UNITS, VIOLATIONS, changed=1)
        assert (await world.orchestrator.sync_all_companies()).success
        found = {row["_id"]: row for row in await world.rows("fmcsaRoadside")}
        assert [row for row in awaited if found[row["_id"]]["units"] is None and row["inspectionId"] % 97 != 5] == []


async def test_an_inspection_with_a_unit_that_nobody_understands_is_left_as_it_was():
    fleet = Fleet.uniform(1, violations=20, inspections=14)
    (usdot,) = fleet.usdots
    async with open_world("memory", None, fleet=fleet, sources=("roadside",)) as world:
        assert (await world.orchestrator.sync_all_companies()).success
        before = {row["_id"]: row for row in await world.rows("fmcsaRoadside")}
        odd = next(id_ for id_ in ids(fleet, usdot) if fleet.rows(UNITS, id_))
        world.upstream.inject(Fault.bad_value("insp_unit_id", "first"), dataset=UNITS, usdot=odd)
        fleet.publish_daily(changed=1)
        assert not (await world.orchestrator.sync_all_companies()).success
        rows = {row["_id"]: row for row in await world.rows("fmcsaRoadside")}
        (quarantined, *_) = await world.rows("fmcsaQuarantine")
        (one,) = await world.companies()
    assert status_of(one)["errors"][0]["kind"] == "malformed"
    assert quarantined["field"] == "insp_unit_id"
    kept = [row for row in rows.values() if row["inspectionId"] == odd]
    assert kept == [row for row in before.values() if row["inspectionId"] == odd]
    assert kept[0]["current"]


HEAD = {"dot_number": "7", "inspection_id": "5", "insp_date": "20261105"}


@pytest.mark.parametrize(
    ("parse", "columns", "expected"),
    [
        (parse_roadside, {"report_number": "0000012345", "insp_start_time": "0820"},
         {"reportNumber": "0000012345", "startTime": "0820", "inspectedOn": datetime(2026, 11, 5, tzinfo=UTC)}),
        (parse_roadside, {"insp_facility": "F", "post_acc_ind": "Y", "gross_comb_veh_wt": "98000", "insp_interstate": "N"},
         {"facility": "fixed", "postCrash": True, "grossWeight": 98_000, "interstate": False, "level": None}),
        (parse_roadside, {"insp_facility": "Q", "post_acc_ind": "U", "gross_comb_veh_wt": "heavy", "change_date": "20261106 2140"},
         {"facility": "unknown", "postCrash": None, "grossWeight": None, "changeDate": "20261106 2140"}),
        (parse_unit, {"insp_unit_type_id": "11", "insp_unit_decal": "U"}, {"type": "truckTractor", "typeCode": "11", "decal": None}),
        (parse_unit, {"insp_unit_type_id": "9", "insp_unit_decal": "Y"}, {"type": "semiTrailer", "decal": True}),
        (parse_unit, {"insp_unit_type_id": "15"}, {"type": "cribLogTrailer", "number": None}),
        (parse_unit, {"insp_unit_type_id": "16"}, {"type": "unknown", "typeCode": "16"}),
        (parse_unit, {}, {"type": None, "typeCode": None}),
    ],
)  # fmt: skip
def test_what_inspections_and_units_mean(parse, columns, expected):
    assert expected.items() <= parse(HEAD | columns).items()


@pytest.mark.parametrize(
    ("column", "value", "field", "expected"),
    [("out_of_service_indicator", "Y", "outOfService", True), ("out_of_service_indicator", "Z", "outOfService", True),
     ("out_of_service_indicator", "N", "outOfService", False), ("out_of_service_indicator", None, "outOfService", None),
     ("insp_violation_category_id", "1", "category", "medicalCertificate"),
     ("insp_violation_category_id", "11", "category", "seatBelt"), ("insp_violation_category_id", "20", "category", "lighting"),
     ("insp_violation_category_id", "31", "category", "hazmatPapers"), ("insp_violation_category_id", "45", "category", "speeding"),
     ("insp_violation_category_id", "49", "category", "stateHoursOfService"),
     ("insp_violation_category_id", "51", "category", "stateRegistration"), ("insp_violation_category_id", "99", "category", "unknown"),
     ("insp_viol_unit", "1", "unit", "mainVehicle"), ("insp_viol_unit", "5", "unit", "furtherVehicle"),
     ("insp_viol_unit", "D", "unit", "driver"), ("insp_viol_unit", "C", "unit", "coDriver"),
     ("defect_verification_id", "2", "defectVerification", "towed"), ("defect_verification_id", "99", "defectVerification", "unknown"),
     ("viol_code", " 393.95A4-EEUS ", "violationCode", "393.95A4-EEUS")],
)  # fmt: skip
def test_what_violations_mean(column, value, field, expected):
    row = {"inspection_id": "5", "insp_violation_id": "50", column: value}
    assert parse_roadside_violation({name: text for name, text in row.items() if text is not None})[field] == expected


@pytest.mark.parametrize("column", ["inspection_id", "insp_violation_id"])
def test_a_violation_without_its_numbers_means_nothing(column):
    row = {"inspection_id": "5", "insp_violation_id": "50"}
    with pytest.raises(MalformedPayloadError, match=column):
        parse_roadside_violation({name: text for name, text in row.items() if name != column})


async def test_the_summary_does_not_depend_on_the_order_of_rows():
    async with served(carrier(SMALL, 60, 100)) as (source, _, _):
        report = await source.fetch(company(SMALL))
    rows = [dict(document.content) for document in report.documents]
    assert await summarize_roadside(rows[::-1]) == await summarize_roadside(rows) == report.fields["fmcsaData.roadside"]


def test_it_has_to_be_asked_for(monkeypatch):
    monkeypatch.delenv("FMCSA_SOURCES", raising=False)
    assert "roadside" not in chosen_sources(Settings())
    assert chosen_sources(Settings(sources=("roadside",))) == ["roadside"]


@pytest.mark.parametrize(("companies", "requests"), [(0, 3), (1, 3 + 3), (200, 3 + 7), (1_000, 3 + 5 * 7)])
def test_what_it_costs_is_told_before(companies, requests):
    assert RoadsideSource(None).estimate(companies) == {"soda": requests}
