"""Crashes over the wire: the contract, and the story of the two files, of which one comes daily, the other monthly."""

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import ClassVar

from fmcsa_orchestrator import CrashesSource
from fmcsa_orchestrator.testing import Fleet
from tests.support.own_source import CARRIERS, LARGE, OwnSource, company
from tests.support.world import open_world, status_of

MCMIS, SMS = "aayw-vxb3", "4wxs-vbns"
SOURCES = ("crashes",)


class TestCrashes(OwnSource):
    columns: ClassVar = {
        "report_number": ["x"],
        "fatalities": "many",
        "tow_away": {"a": 1},
        "report_date": 20260131,
        "severity_weight": "heavy",
        "ci_status_code": 7.5,
        "vehicle_id_number": {"a": 1},
    }

    def make(self, portal, mobile):
        return CrashesSource(portal)

    def prepare(self, fleet):
        fleet.publish(changed=1)
        fleet.publish_daily(MCMIS, changed=1)

    @asynccontextmanager
    async def world(self):
        fleet = Fleet(CARRIERS)
        self.prepare(fleet)
        rows = fleet.count(MCMIS, LARGE) + fleet.count(SMS, LARGE)
        async with super().world() as world:
            yield replace(world, large=company(LARGE), large_rows=rows)


def numbers(rows):
    """What crashes and vehicles upstream's rows are of."""
    return {(row["report_state"], row["report_number"].upper(), int(row["report_seq_no"])) for row in rows}


def stored(rows, usdot):
    return {(row["reportState"], row["reportNumber"], row["sequence"]): row for row in rows if row["usdot"] == usdot}


async def test_each_vehicle_once_whichever_file_has_it():
    fleet = Fleet.sample(20)
    usdot = fleet.usdots[-1]
    async with open_world("memory", None, fleet=fleet, sources=SOURCES) as world:
        summary = await world.orchestrator.sync_all_companies()
        rows = stored(await world.rows("fmcsaCrashes"), usdot)
        found = {document["_id"]: document["fmcsaData"] for document in await world.companies()}
    assert (summary.success, summary.requests) == (True, 2 * (1 + 2))  # of either file the version, a batch of 15 and one of 5
    assert rows.keys() == numbers(fleet.rows(MCMIS, usdot) + fleet.rows(SMS, usdot))
    assert {key for key, row in rows.items() if row["sms"]} == numbers(fleet.rows(SMS, usdot))
    crashes = {key[:2] for key in rows}
    totals = found[usdot]["crashes"]
    assert totals["total"] + sum(totals["notCounted"].values()) == len(crashes) < len(rows)
    assert all(totals[name] for name in ("total", "fatal", "injury", "towAway", "federalRecordable"))
    assert totals["sms"]["total"] == len({key[:2] for key in numbers(fleet.rows(SMS, usdot))})
    assert (totals["sms"]["vehicles"], totals["onlyInSms"]) == (len(fleet.rows(SMS, usdot)), 0)
    assert totals["total"] > totals["last24Months"]["total"] >= totals["sms"]["total"] > totals["sms"]["notPreventable"] > 0
    unknown = next(carrier.usdot for carrier in fleet.carriers if carrier.kind == "unknown")
    assert (found[unknown]["crashes"]["total"], found[unknown]["crashes"]["latest"]) == (0, None)
    assert found[unknown]["syncStatus"]["sources"]["crashes"]["message"] == "none on record"


async def test_a_crash_keeps_its_document_while_the_files_come_and_go():
    fleet = Fleet.sample(20)
    usdot = fleet.usdots[-1]
    async with open_world("memory", None, fleet=fleet, sources=SOURCES) as world:

        async def synced():
            summary = await world.orchestrator.sync_all_companies()
            assert summary.success, summary.errors
            return summary.requests, stored(await world.rows("fmcsaCrashes"), usdot)

        _, before = await synced()
        fleet.publish_daily(MCMIS, changed=1)
        requests, with_new = await synced()
        assert requests == 2 * (1 + 2)  # the halves belong together: when one file has changed, both are read
        assert (await synced())[0] == 2  # nothing has
        (new,) = with_new.keys() - before.keys()
        assert (with_new[new]["sms"], with_new[new]["inMcmis"], with_new[new]["matchStatus"]) == (None, True, "complete")
        gone = {key for key, row in with_new.items() if not row["current"]}
        assert gone == numbers(Fleet.sample(20).rows(MCMIS, usdot)) - numbers(fleet.rows(MCMIS, usdot)) - numbers(
            fleet.rows(SMS, usdot)
        )

        fleet.publish(changed=1)
        _, months_later = await synced()
        assert months_later[new]["_id"] == with_new[new]["_id"]
        assert (months_later[new]["sms"]["severityWeight"] > 0, months_later[new]["firstSeen"]) == (
            True,
            with_new[new]["firstSeen"],
        )
        dropped = {key for key in with_new if with_new[key]["sms"] and not months_later[key]["sms"]}
        assert dropped
        assert all(months_later[key]["current"] for key in dropped if months_later[key]["inMcmis"])

        fleet.publish(changed=1)
        _, ahead = await synced()
        (only,) = ahead.keys() - months_later.keys()
        assert (ahead[only]["inMcmis"], ahead[only]["crashId"], ahead[only]["current"]) == (False, None, True)
        found = next(document for document in await world.companies() if document["_id"] == usdot)["fmcsaData"]["crashes"]
        assert found["onlyInSms"] == 1
        fleet.publish_daily(MCMIS, changed=1)
        _, both = await synced()
        assert (both[only]["_id"], both[only]["inMcmis"]) == (ahead[only]["_id"], True)


async def test_a_carrier_that_leaves_both_files_is_believed_gone_by_the_second_edition():
    fleet = Fleet.sample(20)
    usdot = fleet.usdots[-1]
    async with open_world("memory", None, fleet=fleet, sources=SOURCES) as world:

        async def synced():
            await world.orchestrator.sync_all_companies()
            (found,) = [document for document in await world.companies() if document["_id"] == usdot]
            rows = stored(await world.rows("fmcsaCrashes"), usdot).values()
            return status_of(found)["sources"]["crashes"]["outcome"], {row["current"] for row in rows}

        assert await synced() == ("changed", {True})
        fleet.leave(usdot)
        fleet.publish()
        fleet.publish_daily(MCMIS)
        assert await synced() == ("failed", {True})
        fleet.publish()
        fleet.publish_daily(MCMIS)
        assert await synced() == ("not_found", {False})
