"""Every Python block of the documentation runs: it is executed, and what it defines is called, against the doubles.

A block is a program of its own. Each function in it is called with what `call_all` has for the names of its parameters, or as
`CALLS` says; each source runs in an orchestrator. Nothing may be logged as a warning, and no result may be a failure.
"""

import asyncio
import inspect
import logging
import os
from datetime import UTC, datetime

import aiohttp
import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiolimiter import AsyncLimiter
from fastapi import Response
from pymongo import AsyncMongoClient

from fmcsa_orchestrator import (
    CompanySynced,
    CompanySyncResult,
    Orchestrator,
    RunFinished,
    Source,
    SourceFailure,
    SourceReport,
    SyncSummary,
)
from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.subscriber import Subscriber
from fmcsa_orchestrator.observability.context import SyncContext, entered
from fmcsa_orchestrator.observability.hooks import emit, note
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog
from tests.support.deliveries import event, real
from tests.support.offline import COMPANIES, offline
from tests.support.pages import RUNNABLE, blocks
from tests.support.passing_time import PATIENCE_S
from tests.support.paths import ROOT
from tests.support.receivers import SECRET

AT = datetime(2026, 11, 25, tzinfo=UTC)
DATABASE = "app"  # as the documentation calls it
LOG = logging.getLogger("fmcsa_orchestrator")
# "docs/page.md:number of the block": the reason why it cannot run here
SKIPPED = {"docs/howto/scale.md:1": "needs a Redis server; test_redis_workers.py runs its limiter where there is one"}


async def call_every(every):
    """It goes on for ever: once a run is over, it is cancelled, as the page says it may be."""
    finished = asyncio.Event()
    handler = logging.Handler()
    handler.emit = lambda record: finished.set() if record.event == "run_finished" else None
    LOG.addHandler(handler)
    task = asyncio.create_task(every(hours=1))
    async with asyncio.timeout(PATIENCE_S):
        await finished.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    LOG.removeHandler(handler)


async def call_on_event(on_event, capsys):
    failure = SourceFailure(source="violations", error="no", kind="malformed", timestamp=AT)
    with entered(SyncContext(listeners=(on_event,))):
        await emit(CompanySynced(CompanySyncResult(company_id="mine", success=False, errors=(failure,))))
        await emit(RunFinished(SyncSummary(total=7, requests=6, started_at=AT, finished_at=AT)))
    assert capsys.readouterr().out == "mine ['malformed']\n7 companies, 6 requests\n"


async def call_log_alerts(_, capsys):
    note(LOG, logging.WARNING, "breaker_opened", source="violations", kind="malformed", error="no")
    assert capsys.readouterr().out == "page somebody: violations malformed\n"


async def call_event_alerts(alerts_class):
    failure = SourceFailure(source="company", error="no", kind="invalid_usdot", timestamp=AT)
    alerts = alerts_class()
    with entered(SyncContext(listeners=(alerts.on_event,))):
        await emit(CompanySynced(CompanySyncResult(company_id=1, name="Acme", success=False, errors=(failure,))))
        await emit(RunFinished(SyncSummary(stopped="database", started_at=AT, finished_at=AT)))
        outcomes = {
            "csa_scores": {"changed": 200, "failed": 200, "unavailable": 600},
            "violations": {"failed": 2, "timed_out": 3},  # a fleet of one window
            "inspections": {"changed": 4, "failed": 1},
        }
        await emit(RunFinished(SyncSummary(outcomes=outcomes, started_at=AT, finished_at=AT)))
    assert [message.split(":")[0] for message in alerts.messages] == [
        "Acme",
        "the run was stopped",
        "csa_scores failed for 800 of 1000 companies",
        "violations failed for 5 of 5 companies",
    ]


async def call_source_of_a_file(source_class, tmp_path):
    path = tmp_path / "whole.csv"
    path.write_text("dot_number,rating\n1021580,S\n")
    await run_source(source_class(path))


async def call_receiver(receive):
    """The public library checks what really is sent to it."""
    app = receive.__globals__["app"]
    log = InMemoryEventLog()
    delivery = real({"ops": [os.environ["HOOK_SECRET"]]}, log=log)

    async def hand_on(request):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            answer = await client.post("/fmcsa", content=await request.read(), headers=dict(request.headers))
        answers.append((answer.status_code, answer.json()))
        return web.Response(status=answer.status_code)

    answers = []
    server = web.Application()
    server.router.add_post("/", hand_on)
    async with TestServer(server) as served:
        await delivery.add(Subscriber(name="r", kind="webhook", address=str(served.make_url("/")), secret="ops"))
        await log.append([event(1)])
        assert (await delivery.deliver()).accepted == 1
        await delivery.test("r")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        assert (await client.post("/fmcsa", content=b"{}", headers={"webhook-id": "x"})).status_code == 401
    assert answers == [(200, {"new": True})] * 2


async def call_deliver(deliver, capsys):
    """Somebody is paged of what is alarming."""
    await deliver.__globals__["subscribe"]()
    async with AsyncMongoClient(os.environ["FMCSA_MONGODB_URI"], tz_aware=True) as client:
        await MongoEventLog(client[DATABASE]).append([event(1), event(2, severity=Severity.CRITICAL)])
    summary = await deliver()
    assert (summary.success, summary.subscribers["pager"].accepted) == (True, 1)
    assert capsys.readouterr().out == "[critical] violation.added: USDOT 1021580\n"


async def call_nothing(_):
    """Another's call calls it."""


CALLS = {
    "events.receive": call_receiver,
    "events.page_somebody": call_nothing,
    "events.subscribe": call_nothing,
    "events.deliver": call_deliver,
    "add-a-source.RatingFile": call_source_of_a_file,
    "schedule.every": call_every,
    "schedule.on_event": call_on_event,
    "telemetry.Alerts": call_log_alerts,
    "watch-it.Alerts": call_event_alerts,
}
PROVOKED = {"telemetry"}  # pages that warn because they are made to


@pytest.fixture
def world(wire_uri, monkeypatch):
    """What the variables lead to."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    with offline(wire_uri, DATABASE) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HOOK_SECRET", SECRET)
        yield wire_uri


@pytest.fixture(autouse=True)
def handlers_as_before():
    before = list(LOG.handlers)
    yield
    LOG.handlers[:] = before


def defined(block, namespace):
    """The functions and classes that the block itself makes."""
    code = compile(block, "block", "exec")
    return {name: namespace[name] for name in code.co_names if getattr(namespace.get(name), "__module__", None) == "block"}


async def settle(value):
    """Await what can be awaited, enter what can be entered; the end of it is no failure."""
    if hasattr(value, "__aenter__"):
        async with value:
            return
    if inspect.isawaitable(value):
        value = await value
    for result in value if isinstance(value, tuple) else (value,):
        assert result.get("success", True) if isinstance(result, dict) else getattr(result, "success", True), result


async def run_source(source):
    repository = InMemoryRepository({"_id": key, "dotNumber": 1_021_580 + n} for n, key in enumerate(COMPANIES))
    orchestrator = Orchestrator(sources=[source], repository=repository, limiter=AsyncLimiter(100, 1))
    summary = await orchestrator.sync_all_companies()
    assert summary.success, summary
    assert summary.outcomes[source.name].keys() <= {"changed", "not_found"}


async def call_all(page, found, namespace, uri, fixtures):
    async with AsyncMongoClient(uri, tz_aware=True) as client, aiohttp.ClientSession() as session:
        arguments = {
            "company_id": COMPANIES[1],
            "database": client[DATABASE],
            "response": Response(),
            "session": session,
            "source": FakeSource("extra", lambda _: SourceReport()),
            **fixtures,
        }
        for name, value in found.items():
            if call := CALLS.get(f"{page.stem}.{name}"):
                await call(value, **{key: fixtures[key] for key in inspect.signature(call).parameters if key in fixtures})
            elif isinstance(value, type):
                made = value()
                assert isinstance(made, Source), f"say in CALLS how {name} is tried"
                await run_source(made)
            else:
                known = {**arguments, **namespace}
                await settle(value(**{parameter: known[parameter] for parameter in inspect.signature(value).parameters}))


def cases():
    """All but those that test_docs.py compares: programs with what they print, and parts of examples with the example."""
    for case in blocks("python"):
        page, block = case.values
        is_compared = block.startswith("# examples/") or (page in RUNNABLE and "asyncio.run(" in block)
        if case.id not in SKIPPED and not is_compared:
            yield case


@pytest.mark.parametrize(("page", "block"), list(cases()))
def test_block_runs(page, block, world, capsys, caplog, tmp_path):
    caplog.set_level(logging.INFO, "fmcsa_orchestrator")
    namespace = {"__name__": "block"}
    try:
        exec(compile(block, page.name, "exec"), namespace)
    except SystemExit as stopped:
        assert stopped.code == 0
    found = defined(block, namespace)
    asyncio.run(call_all(page, found, namespace, world, {"capsys": capsys, "tmp_path": tmp_path}))
    if page.stem not in PROVOKED:
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert found or caplog.records, "the block does nothing that can be seen"


def test_only_blocks_that_there_are_are_skipped():
    assert SKIPPED.keys() <= {case.id for case in blocks("python")}
    assert all(SKIPPED.values())
