"""Each query that is sent has its line on the page, with the index that serves it; a MongoDB that explains itself uses that one."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.monitoring import CommandListener

from fmcsa_orchestrator import CompanyRepository, CompanyUpdate
from fmcsa_orchestrator.model.status import STATUS
from fmcsa_orchestrator.report.read import read_company, read_fleet
from fmcsa_orchestrator.storage.event_log import EventLog, Wanted
from fmcsa_orchestrator.storage.history import History, HistoryEntry
from fmcsa_orchestrator.storage.leases import Lease, LeaseStore
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.storage.mongodb.history import MongoHistory
from fmcsa_orchestrator.storage.repository import Ended
from tests.support import real_store
from tests.support.backends import open_backend
from tests.support.deliveries import event
from tests.support.pages import CODE
from tests.support.paths import DOCS
from tests.support.status_samples import SOURCES

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
CARRIERS, OTHERS = 60, 300
COLLECTIONS = {"companies": "companies", "fmcsaLeases": "leases", "rows": "rows", "fmcsaEvents": "events",
               "fmcsaHistory": "history", "fmcsaEstimates": "estimates"}  # fmt: skip
OF_THE_DRIVER = {"lsid", "$db", "$clusterTime", "$readPreference", "txnNumber", "writeConcern", "readConcern", "maxTimeMS"}


class Queries(CommandListener):
    """The commands that ask for documents by a condition."""

    def __init__(self):
        self.sent = []

    def started(self, event):
        if event.command_name in {"find", "aggregate", "update"}:
            self.sent.append({name: part for name, part in event.command.items() if name not in OF_THE_DRIVER})

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


def conditions(command):
    """The conditions of a command: one, or one for each update."""
    if "update" in command:
        return [update["q"] for update in command["updates"]]
    return [command.get("filter", {}) if "find" in command else command["pipeline"][0]["$match"]]


def fields(condition):
    """What a condition asks for, which is `_id` where that names documents; fields of the status without its path."""
    names = set()
    for name, part in condition.items():
        if name in {"$and", "$or"}:
            names |= set().union(*map(fields, part))
        elif name != "_id":
            names.add(re.sub(r"^sources\.\w+\.", "sources.*.", name.removeprefix(f"{STATUS}.")))
        elif not (isinstance(part, dict) and "$nin" in part):
            return {"_id"}
    return names


def shapes(command):
    """What is asked, without values: command, collection, fields, order."""
    name = next(iter(command))
    order = tuple(field.removeprefix(f"{STATUS}.") for field in command.get("sort") or ())
    return {(name, COLLECTIONS[command[name]], frozenset(fields(condition)), order) for condition in conditions(command)}


def on_the_page():
    """Shape -> the indexes, any of which will do, as the page has them."""
    page = (DOCS / "reference" / "mongodb.md").read_text(encoding="utf-8")
    section = page.partition("\n### Which query uses which\n")[2].partition("\n#")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return {
        (command, on, frozenset(CODE.findall(names)), tuple(CODE.findall(order))): {
            tuple(CODE.findall(index)) for index in indexes.split(" or ")
        }
        for commands, collections, names, order, indexes in rows
        for command in CODE.findall(commands)
        for on in CODE.findall(collections)
    }


def row(number, company_id=1):
    return {"_id": f"{company_id}:{number}", "companyId": company_id, "n": number}


async def parts(found):
    return [part async for part in found]


async def fill(database):
    await database["companies"].insert_many(
        [
            {"_id": key, "dotNumber": 100 + key, "fmcsaData": {"syncStatus": {"lastRun": NOW - timedelta(hours=key)}}}
            for key in range(CARRIERS)
        ]
        + [{"_id": CARRIERS + key, "name": "no carrier"} for key in range(OTHERS)]
    )
    await database["rows"].insert_many([row(number, key) for key in range(CARRIERS) for number in range(5)])


async def ask_everything(repository, event_log, history):
    """Each method of the store, so that each query that it knows is sent. The names of the methods."""
    leases, hour = repository.company_leases, timedelta(hours=1)
    (document,) = await repository.find_companies([3])
    (lease,) = await leases.take([document], "me", 30)
    (held,) = await repository.find_companies([3])
    calls = {
        CompanyRepository: {
            "prepare": lambda: repository.prepare(["rows"]),
            "missing_indexes": lambda: repository.missing_indexes(["rows"]),
            "check": lambda: repository.check(["rows"]),
            "record_run": lambda: repository.record_run({"total": 1}),
            "last_run": repository.last_run,
            "count_due": lambda: repository.count_due(NOW, NOW),
            "take_due": lambda: repository.take_due(NOW, NOW, 5, [1, 2], after=NOW - 40 * hour),
            "find_companies": lambda: repository.find_companies([1, 2]),
            "count_current": lambda: repository.count_current("s", "v1"),
            "find_company": lambda: repository.find_company(1),
            "check_fields": None,
            "stored_rows": lambda: parts(repository.stored_rows("rows", companies=[1, 2])),
            "write_rows": lambda: repository.write_rows("rows", [row(9), Ended("1:1")], NOW),
            "whole_rows": lambda: repository.whole_rows("rows", ["1:1"]),
            "last_survey": lambda: repository.last_survey("fmcsaEstimates"),
            "keep_survey": lambda: repository.keep_survey("fmcsaEstimates", {"_id": "2026-11-12", "readAt": NOW}),
            "distrust": lambda: repository.distrust([1], ["s"]),
            "save": lambda: repository.save([CompanyUpdate(1, {"n": 1}), CompanyUpdate(2, {"n": 1}, token=77)]),
        },
        EventLog: {
            "prepare": lambda: event_log.prepare(5),
            "append": lambda: event_log.append([event(1), event(2)]),
            "read": lambda: event_log.read(0, 10, Wanted()),
            "latest": lambda: event_log.latest(10, Wanted()),
            "last": event_log.last,
        },
        History: {
            "prepare": lambda: history.prepare(5),
            "keep": lambda: history.keep([HistoryEntry(1, 100, NOW, NOW, {})]),
            "of": lambda: history.of(1, 100),
        },
        LeaseStore: {
            "acquire": lambda: repository.run_leases.acquire("run", "me", 30),
            "take": lambda: leases.take([{**held, "_id": 4}], "me", 30),  # which is in vain: it is looked up who has it
            "renew": lambda: leases.renew([lease, Lease(5, "me", 1)], 30),
            "release": lambda: leases.release([lease]),
        },
    }
    for protocol, methods in calls.items():
        assert methods.keys() == {
            name for name, method in vars(protocol).items() if callable(method) and not name.startswith("_")
        }
        for call in filter(None, methods.values()):
            await call()
    await parts(repository.stored_rows("rows", rows=["1:1", "1:2"]))
    await repository.take_due(NOW, NOW, 5, ())
    run = await repository.run_leases.acquire("another run", "me", 30)
    await repository.run_leases.renew([run], 30)
    await repository.run_leases.release([run])


@pytest.fixture(params=["wire-pymongo", *real_store.KINDS[-1:]])
async def asked(request, wire_uri):
    """A store of which all has been asked, and what was sent."""
    queries = Queries()
    async with open_backend(request.param, wire_uri, event_listeners=[queries]) as backend:
        await fill(backend.database)
        queries.sent.clear()
        await backend.repository.prepare(["rows"])
        await ask_everything(backend.repository, MongoEventLog(backend.database), MongoHistory(backend.database))
        if not (real_store.IS_FERRETDB and request.param in real_store.KINDS):  # it cannot count the fleet
            await read_fleet(backend.database, "companies", SOURCES, limit=3)
        await read_company(backend.database, "companies", "3", SOURCES)
        yield backend, queries.sent


def is_of_the_fleet(shape):
    return shape in {
        ("aggregate", "companies", frozenset({"dotNumber"}), ()),
        ("find", "companies", frozenset({"dotNumber"}), ("lastRun",)),
    }


async def test_each_query_has_its_line_and_each_line_its_query(asked, request):
    _, sent = asked
    found, page = set().union(*map(shapes, sent)), on_the_page()
    if real_store.IS_FERRETDB and "real" in request.node.name:
        page = {shape for shape in page if not is_of_the_fleet(shape)}
        found = {shape for shape in found if not is_of_the_fleet(shape)}
    assert found == set(page)


@pytest.mark.skipif(
    not real_store.OWN_URI,
    reason="set FMCSA_TEST_MONGODB_URI: nx-27017 and FerretDB explain how SQLite goes about it, not which index",
)
async def test_a_real_mongodb_uses_the_index_of_the_page(asked):
    backend, sent = asked
    page, wrong = on_the_page(), []
    for command in sent:
        for one in singles(command):
            (shape,) = shapes(one)
            plan = await backend.database.command({"explain": one, "verbosity": "queryPlanner"})
            stages, used = winning(plan)
            if page[shape] != {()} and ("COLLSCAN" in stages or not used or not used <= page[shape]):
                wrong.append((shape, stages, used))
    assert wrong == []


def singles(command):
    """The command, for each of its updates by itself: no more can be explained at once."""
    return [{**command, "updates": [update]} for update in command["updates"]] if "update" in command else [command]


def winning(plan, *, is_inside=False):
    """The stages of the plan that is used, and the indexes, as the page calls their fields."""
    stages, used = set(), set()
    if is_inside and isinstance(plan, dict) and "stage" in plan:
        stages.add(plan["stage"])
        if "keyPattern" in plan:
            used.add(tuple(name.removeprefix(f"{STATUS}.") for name in plan["keyPattern"]))
        elif plan["stage"] in {"IDHACK", "EXPRESS_IXSCAN", "CLUSTERED_IXSCAN"}:
            used.add(("_id",))
    parts = plan.items() if isinstance(plan, dict) else enumerate(plan) if isinstance(plan, list) else ()
    for name, part in parts:
        more_stages, more_used = winning(part, is_inside=(is_inside and name != "rejectedPlans") or name == "winningPlan")
        stages |= more_stages
        used |= more_used
    return stages, used


def test_a_plan_is_read_as_the_manual_shows_it():
    scan = {"stage": "IXSCAN", "keyPattern": {f"{STATUS}.lastRun": 1, "dotNumber": 1}, "indexName": "x"}
    merge = {"stage": "SORT_MERGE", "inputStages": [scan, scan]}
    plan = {
        "stages": [
            {
                "$cursor": {
                    "queryPlanner": {
                        "winningPlan": {"stage": "FETCH", "inputStage": merge},
                        "rejectedPlans": [{"stage": "COLLSCAN"}],
                    }
                }
            }
        ]
    }
    assert winning(plan) == ({"FETCH", "SORT_MERGE", "IXSCAN"}, {("lastRun", "dotNumber")})
    assert winning({"queryPlanner": {"winningPlan": {"stage": "UPDATE", "inputStage": {"stage": "IDHACK"}}}}) == (
        {"UPDATE", "IDHACK"},
        {("_id",)},
    )
    assert winning({"queryPlanner": {"winningPlan": {"queryPlan": {"stage": "COLLSCAN"}, "slotBasedPlan": {}}}}) == (
        {"COLLSCAN"},
        set(),
    )
