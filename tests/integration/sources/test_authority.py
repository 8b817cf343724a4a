"""Operating authority: what a carrier may do, how that changed, which orders stand; and nothing about who is not in Motus."""

import json
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from fmcsa_orchestrator import AuthoritySource
from fmcsa_orchestrator.sources.authority import parse_authority, parse_history, parse_order, state_of_order
from fmcsa_orchestrator.sources.motus import kept
from fmcsa_orchestrator.sources.soda.kept_rows import RowKeeper
from fmcsa_orchestrator.sources.soda.source import Found
from fmcsa_orchestrator.testing import Fault, Fleet
from tests.support.own_source import OwnSource
from tests.support.world import open_world, status_of

CARRIERS, HISTORY, ORDERS = FILES = ("inys-ebih", "yu5v-wbh6", "wb4f-neki")
FILE_OF = datetime(2026, 11, 12, 10, 44, tzinfo=UTC)
KIND = "Motor Carrier of Property"


class TestAuthority(OwnSource):
    columns: ClassVar = {
        "op_auth_status": 7,
        "min_cov_amount": ["much"],
        "cargo_req": ["Y"],
        "status_change_date": {"on": 1},
        "order1_type_desc": 7.5,
    }

    def make(self, portal, mobile):
        return AuthoritySource(portal)

    def prepare(self, fleet):
        fleet.publish_daily(*FILES, changed=1)


def row(parse, **columns):
    """As a source sees it: without the carrier's number."""
    content = parse({"usdot_number": "1438", "docket_number": "MC7", "op_auth_type": KIND, **columns})
    return {name: value for name, value in content.items() if name != "usdot"}


def authority(status="Active", **columns):
    return row(parse_authority, op_auth_status=status, **columns)


def change(on, status="Active", **columns):
    return row(parse_history, op_auth_status=status, status_change_date=on, reason="X", **columns)


def order(effective, **columns):
    return row(parse_order, order1_effective_date=effective, order1_type_desc="NOTICE", **columns)


async def report_of(*parts, as_of=FILE_OF):
    """Documents and summary of these rows of the three files."""
    source = AuthoritySource(None)
    found = await source.prepared(Found([kept(rows) for rows in parts], as_of))
    return list(await source.documents(found)), await source.summarize(found)


@pytest.mark.parametrize(
    ("words", "state"),
    [("Active", "active"), (" INACTIVE", "inactive"), ("Pending", "pending"), ("withdrawn", "withdrawn"), ("Dormant", "unknown")],
)
def test_a_state_is_in_our_words_and_in_the_files(words, state):
    found = authority(words)
    assert (found["state"], found["status"]) == (state, words.strip())


def test_what_a_row_of_the_carrier_file_says():
    found = authority(
        docket_number="MC-424836", min_cov_amount="750000.000000000000000000", bipd_file="0.000000000000000000", cargo_req="Y",
        bond_req="N", cargo_file="?", bus_undeliverable_mail="Y", mail_undeliverable_mail="N", bus_telno="5550100",
    )  # fmt: skip
    assert found["docket"] == "MC424836"
    assert (found["bipdRequired"], found["bipdOnFile"]) == (750_000, 0)
    assert (found["cargoRequired"], found["bondRequired"], found["cargoOnFile"], found["bondOnFile"]) == (True, False, None, None)
    assert (found["businessMailDeliverable"], found["mailingMailDeliverable"]) == (True, False)
    assert "5550100" not in found.values()
    assert authority(min_cov_amount="-1", bipd_file="much")["bipdRequired"] == "-1"


@pytest.mark.parametrize(
    ("columns", "authorities", "history", "state"),
    [({"effective": "20261201"}, [authority()], [], "scheduled"),
     ({"effective": "20261112"}, [authority("Inactive")], [], "standing"),
     ({"effective": "20261001"}, [authority("Inactive")], [change("20260930")], "standing"),
     ({"effective": "20261001"}, [authority("Inactive")], [change("20261001", "Inactive")], "standing"),
     ({"effective": "20261001"}, [authority("Inactive")], [change("20261001")], "lifted"),
     ({"effective": "20261001"}, [], [], "standing"),
     ({"effective": "20261001"}, [authority()], [], "lifted"),
     ({"effective": "20261110"}, [authority()], [], "standing"),  # the carrier file may not have followed yet
     ({"effective": "20261110"}, [authority()], [change("20261111")], "lifted"),
     ({"effective": "20261001"}, [authority(docket_number="MC8")], [change("20261102", op_auth_type="Broker")], "standing"),
     ({"effective": "20261001", "op_auth_type": KIND.upper(), "docket_number": "MC-7"}, [authority()], [], "lifted"),
     ({"effective": "20261001", "op_auth_type": ""}, [authority()], [], "lifted"),
     ({"effective": "20261001", "op_auth_type": ""}, [authority(docket_number="MC8")], [], "standing"),
     ({"effective": "soon", "order1_serve_date": "20261001"}, [], [], "standing"),
     ({"effective": "20261301"}, [authority()], [], "unreadable"),
     ({"effective": ""}, [], [change("20261001")], "unreadable"),
     ({"effective": "20261001"}, [authority("Inactive")], [change("in May")], "standing")],
)  # fmt: skip
def test_what_an_order_is_on_the_day_of_the_files(columns, authorities, history, state):
    assert state_of_order(order(**columns), authorities, history, FILE_OF) == state


async def test_each_authority_has_its_last_change():
    _, found = await report_of(
        [authority("Inactive"), authority(op_auth_type="Broker of Property")],
        [change("20260102", "Inactive"), change("20250102"), change("once"), change("20240101", docket_number="FF9")],
        [order("20260102"), order("20270102")],
    )
    assert (found["total"], found["active"], found["inactive"], found["pending"]) == (2, 1, 1, 0)
    assert [(entry["docket"], entry["kind"], entry["state"]) for entry in found["authorities"]] == [
        ("MC7", "Broker of Property", "active"),
        ("MC7", KIND, "inactive"),
        ("FF9", KIND, None),
    ]
    changes = [entry["lastChange"] for entry in found["authorities"]]
    assert changes[0] is None
    assert changes[1] == {"changedOn": datetime(2026, 1, 2, tzinfo=UTC), "status": "Inactive", "reason": "X"}
    assert [entry["state"] for entry in found["openOrders"]] == ["scheduled", "standing"]
    assert found["orders"] == {"scheduled": 1, "standing": 1, "lifted": 0, "unreadable": 0}


async def test_what_is_only_in_the_history_is_not_counted_as_zero_authorities():
    _, found = await report_of([], [change("20240101", "Inactive")], [])
    assert {found[name] for name in ("total", "active", "pending", "inactive", "withdrawn", "unknown")} == {None}


async def test_of_a_carrier_in_no_file_nothing_is_said():
    assert await report_of([], [], []) == ([], None)


async def test_the_summary_is_bounded():
    authorities = [authority("Inactive", docket_number=f"MC{number}") for number in range(50)]
    _, found = await report_of(authorities, [], [order(f"202601{day:02d}") for day in range(1, 31)])
    assert (found["total"], len(found["authorities"]), found["orders"]["standing"], len(found["openOrders"])) == (50, 20, 30, 20)


async def test_a_document_keeps_its_id_when_its_state_changes():
    before, _ = await report_of([authority()], [change("20240101")], [order("20261201")])
    later = datetime(2026, 12, 9, tzinfo=UTC)
    after, _ = await report_of([authority("Inactive")], [change("20240101")], [order("20261201")], as_of=later)
    assert [document.id for document in before] == [document.id for document in after]
    assert [document.content["state"] for document in before] == ["active", "active", "scheduled"]
    assert [document.content["state"] for document in after] == ["inactive", "active", "standing"]


async def test_equal_rows_are_documents_of_their_own():
    found, _ = await report_of([authority(dba_name="A"), authority(dba_name="B")], [change("20240101")] * 2, [])
    assert len({document.id for document in found}) == 4
    assert [document.content["record"] for document in found] == ["authority", "authority", "history", "history"]


async def test_authority_is_followed_from_file_to_file():
    fleet = Fleet.sample(20)
    async with open_world("memory", None, fleet=fleet, sources=("authority",)) as world:
        first = await world.orchestrator.sync_all_companies()
        before = {company["_id"]: company["fmcsaData"] for company in await world.companies()}
        fleet.publish_daily(*FILES, changed=1)
        second = await world.orchestrator.sync_all_companies()
        after = {company["_id"]: company["fmcsaData"] for company in await world.companies()}
        third = await world.orchestrator.sync_all_companies()
        documents = [row for row in await world.rows("fmcsaAuthority") if row["current"]]
    assert (first.success, second.success, third.success) == (True, True, True)
    assert (second.requests, third.requests) == (3 + 3 * 2, 3)  # a version for each file; a batch of 15 and one of 5
    for usdot in fleet.usdots:
        rows = {dataset: fleet.rows(dataset, usdot) for dataset in FILES}
        found, status = after[usdot]["authority"], after[usdot]["syncStatus"]["sources"]["authority"]
        if not any(rows.values()):
            assert (found, status["outcome"], status["rows"]) == (None, "not_published", 0)
            assert "does not mean that it has no authority" in status["message"]
            continue
        assert before[usdot]["authority"] is None or found["total"] == before[usdot]["authority"]["total"]
        assert found["total"] == len(rows[CARRIERS])
        assert (found["inactive"] > 0, found["orders"]["standing"] > 0, found["orders"]["lifted"]) == (True, True, 0)  # revoked
        assert len(found["openOrders"]) == len(rows[ORDERS])
        assert sum(row["usdot"] == usdot for row in documents) == sum(map(len, rows.values()))


@pytest.mark.parametrize(("changes", "outcomes"), [(1, ["not_published"]), (3, ["failed", "not_found"])])
async def test_a_carrier_that_motus_drops_is_no_carrier_without_authority(changes, outcomes):
    """With many rows it is not even believed before a second edition says so."""
    fleet = Fleet.sample(20)
    for _ in range(changes):
        fleet.publish_daily(*FILES, changed=1)
    async with open_world("memory", None, fleet=fleet, sources=("authority",)) as world:
        await world.orchestrator.sync_all_companies()
        known = (await world.companies())[0]["fmcsaData"]["authority"]
        fleet.leave(fleet.usdots[0])
        for outcome in outcomes:
            fleet.publish_daily(*FILES, changed=0)
            await world.orchestrator.sync_all_companies()
            company = (await world.companies())[0]
            assert status_of(company)["sources"]["authority"]["outcome"] == outcome
            assert company["fmcsaData"]["authority"] == (known if outcome == "failed" else None)
        documents = [row for row in await world.rows("fmcsaAuthority") if row["usdot"] == fleet.usdots[0]]
    assert documents
    assert not any(row["current"] for row in documents)


async def test_where_a_row_cannot_be_understood_all_that_is_stored_of_its_carrier_stays():
    """An order is lifted by a change: without the one, nothing is to be said of the other."""
    fleet = Fleet.sample(20)
    for _ in range(3):
        fleet.publish_daily(*FILES, changed=1)
    async with open_world("memory", None, fleet=fleet, sources=("authority",)) as world:
        await world.orchestrator.sync_all_companies()
        before = await world.rows("fmcsaAuthority")
        fields = [company["fmcsaData"]["authority"] for company in await world.companies()]
        fleet.publish_daily(HISTORY, changed=0)
        world.upstream.inject(Fault.bad_value("reason", 7, one_row=True), dataset=HISTORY, kind="resource")
        summary = await world.orchestrator.sync_all_companies()
        aside = await world.rows("fmcsaQuarantine")
        after = await world.rows("fmcsaAuthority")
        company = next(company for company in await world.companies() if company["_id"] == aside[0]["usdot"])
        after_fields = [company["fmcsaData"]["authority"] for company in await world.companies()]
    assert (after, after_fields) == (before, fields)
    known = {row["usdot"] for row in before}
    assert (summary.failed, {row["usdot"] for row in aside}) == (len(known), known)
    assert status_of(company)["sources"]["authority"]["quarantined"] == 1
    assert aside[0]["field"] == "reason"
    assert f'"usdot_number": "{aside[0]["usdot"]}"' in aside[0]["raw"]


async def test_no_address_gets_into_what_is_set_aside():
    parsed = RowKeeper([1438], parse_authority, "usdot_number")
    rows = [{"usdot_number": "1438", "cargo_req": 7, "bus_telno": "5550100", "mail_city": "SPRINGFIELD"}]
    parsed.add(parsed.decode(json.dumps(rows).encode()))
    (odd,) = parsed.by_key[1438].odd
    assert (odd.field, json.loads(odd.raw)) == ("cargo_req", {"usdot_number": "1438", "cargo_req": 7})
