"""How each fault is made to happen: context managers that last as long as the fault does, and give the sync's conditions."""

import asyncio
import re
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from inspect import isawaitable
from unittest.mock import patch

from pydantic import SecretStr

from fmcsa_orchestrator import CompanyStarted, MongoCompanyRepository, Outcome, RunStarted, SourceReport
from fmcsa_orchestrator.storage.leases import TTL_S, Lease
from fmcsa_orchestrator.sync.guard.isolation import GRACE_S
from fmcsa_orchestrator.testing import Fault
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.backends import closed
from tests.support.wire_proxy import WireProxy, collection_of, name_of
from tests.support.world import VIOLATIONS, answered, connect

from .refusals import OneRefused, RefusingDatabase
from .scene import Conditions

OTHER = "host-b:7:0ther"


def portal(fault, *, dataset=VIOLATIONS, one=False, settings=None, page_size=None, **which):
    """A fault of the portal: in the violations, or this dataset, or these; `one`: only in what mentions the target."""

    @asynccontextmanager
    async def happens(scene):
        usdot = scene.target if one else None
        for name in dataset if isinstance(dataset, tuple) else (dataset,):
            scene.upstream.inject(fault() if callable(fault) else fault, dataset=name, usdot=usdot, **which)
        yield Conditions(settings or {}, page_size=page_size)
        scene.upstream.clear_faults()

    return happens


def slow_portal(fault, **which):
    """A fault that costs time, of which six seconds pass, little by little, after each request that it happens to.

    Five are what a request may take, and more than any other needs, however busy the machine is.
    """

    @asynccontextmanager
    async def happens(scene):
        loop = asyncio.get_running_loop()

        def pass_by(steps):
            scene.jump(0.25)
            if steps > 1:
                loop.call_soon(pass_by, steps - 1)

        def apply(plan, asked, usdot):
            fault.apply(plan, asked, usdot)
            loop.call_soon(pass_by, 24)

        scene.upstream.inject(replace(fault, apply=apply), dataset=VIOLATIONS, kind="resource", **which)
        yield Conditions({"request_timeout_s": 5, "batch_size": 8})
        scene.upstream.clear_faults()

    return happens


def qcmobile(fault):
    """A fault of QCMobile."""
    return portal(fault, dataset=None, kind="qcmobile")


@asynccontextmanager
async def wrong_web_key(scene):
    yield Conditions({"qcmobile_web_key": SecretStr("wr0ng")})


def pause_until(**later):
    """A 429 whose Retry-After is a date."""
    return lambda: Fault.status(429, retry_after=format_datetime(datetime.now(UTC) + timedelta(**later), usegmt=True))


@asynccontextmanager
async def nobody_listens(scene):
    await scene.upstream.stop()
    yield Conditions()
    await scene.upstream.start()


@asynccontextmanager
async def wrong_token(scene):
    yield Conditions({"soda_app_token": SecretStr("wr0ng")})


def refusing(refuse):
    """MongoDB refuses what `refuse(scene)` says: a callable as `RefusingDatabase` wants it."""

    @asynccontextmanager
    async def happens(scene):
        database = RefusingDatabase(scene.world.database, refuse(scene))
        yield Conditions(repository=MongoCompanyRepository(database))

    return happens


def mongodb(fault):
    """A fault of `tests/support/wire_proxy.py`, made by a call, between the driver and the server."""

    @asynccontextmanager
    async def happens(scene):
        async with WireProxy(scene.uri) as proxy, closed(connect(scene.store, proxy.uri)) as client:
            proxy.fault = fault()
            yield Conditions(repository=MongoCompanyRepository(client[scene.world.database.name]))
            proxy.fault = None

    return happens


def writes_rows(command):
    """Whether a command writes violations; no index."""
    return name_of(command) == "update" and collection_of(command) == "fmcsaViolations"


@asynccontextmanager
async def one_row_refused(scene):
    is_of_target = re.compile(rf"'companyId': {scene.target}\b").search
    database = OneRefused(scene.world.database, "fmcsaViolations", lambda operation: is_of_target(repr(operation)))
    yield Conditions(repository=MongoCompanyRepository(database))


@asynccontextmanager
async def document_refused(scene):
    is_of_target = re.compile(rf"'_id': {scene.target}\b").search
    database = OneRefused(scene.world.database, "companies", lambda operation: is_of_target(repr(operation)))
    yield Conditions(repository=MongoCompanyRepository(database))


@asynccontextmanager
async def impatient_repository(scene, uri, *, answers=False):
    """A repository that gives a server up after a moment, once it has had its answer where it is to have one."""
    client = connect(scene.store, uri, serverSelectionTimeoutMS=100)
    if answers:
        await answered(client[scene.world.database.name])
    yield MongoCompanyRepository(client[scene.world.database.name])
    closing = client.close()
    if isawaitable(closing):
        await closing


@asynccontextmanager
async def database_down(scene):
    with socket.socket() as closed:  # bound and not listening: whoever connects is refused
        closed.bind(("127.0.0.1", 0))
        async with impatient_repository(scene, f"mongodb://127.0.0.1:{closed.getsockname()[1]}") as repository:
            yield Conditions(repository=repository)


@asynccontextmanager
async def database_killed(scene):
    """At the second company of a run, or at the one that is synced."""
    turns = []

    async def on_event(event):
        if isinstance(event, CompanyStarted):
            turns.append(event.company_id)
            if len(turns) == 2 or scene.mode == "company":
                await scene.embedded.kill()

    async with impatient_repository(scene, scene.embedded.uri, answers=True) as repository:
        yield Conditions(repository=repository, on_event=on_event)
    await scene.embedded.start()


@asynccontextmanager
async def run_lease_held(scene):
    leases, name = scene.repository.run_leases, scene.repository.run_name
    await leases.acquire(name, OTHER, TTL_S)
    yield Conditions()
    await leases.release([Lease(name, OTHER, 1)])


@asynccontextmanager
async def company_lease_held(scene):
    leases = scene.repository.company_leases
    (lease,) = await leases.take([await scene.document(scene.target)], OTHER, TTL_S)
    with patch("fmcsa_orchestrator.sync.on_demand.LEASE_WAIT_S", 1_000):  # no second look within a handler's time
        yield Conditions()
    await leases.release([lease])


@asynccontextmanager
async def company_lease_lost(scene):
    async def overtake():
        await scene.overtake(scene.target)
        scene.jump(31)

    yield Conditions(on_event=at_the_targets_turn(scene, overtake))
    await scene.repository.company_leases.release([Lease(scene.target, "another", 0)])


@asynccontextmanager
async def stop_requested(scene):
    async def stop():
        scene.orchestrator.stop()
        await asyncio.Event().wait()

    yield Conditions(on_event=at_the_targets_turn(scene, stop))


def at_the_targets_turn(scene, act):
    """A listener that does something when the target's sync begins."""

    async def on_event(event):
        if isinstance(event, CompanyStarted) and event.company_id == scene.target:
            await act()

    return on_event


def clock_wrong(by, *, from_the_start):
    """This machine's clock is wrong: during the whole sync, or from its middle on."""

    @asynccontextmanager
    async def happens(scene):
        with shifted(by if from_the_start else timedelta()) as shift:

            def on_event(event):
                if isinstance(event, RunStarted | CompanyStarted):
                    shift.by = by

            yield Conditions(on_event=on_event)

    return happens


@contextmanager
def shifted(by):
    """The wall clock as the library sees it, so much ahead; `by` of what is given can be changed meanwhile."""

    class Kind(type):
        def __instancecheck__(cls, value):
            return isinstance(value, datetime)

    class Shifted(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + cls.by

    Shifted.by = by
    modules = ("sync.clock", "storage.mongodb.driver", "clients.http", "sources.csa", "testing.memory_leases")
    patches = [patch(f"fmcsa_orchestrator.{module}.datetime", Shifted) for module in modules]
    for started in patches:
        started.start()
    try:
        yield Shifted
    finally:
        for started in patches:
            started.stop()


def host_source(fetch):
    """A source of the host's own, called `scoring`, that does this for the target, and works well for the others."""

    @asynccontextmanager
    async def happens(scene):
        over = asyncio.Event()

        async def answer(company):
            return await fetch(scene, over, company) if company.id == scene.target else score(company)

        try:
            yield Conditions(extra_sources=(FakeSource("scoring", answer, owns=["scoring"]),))
        finally:
            over.set()  # whatever was left behind ends now
        scene.extra_sources = (FakeSource("scoring", score, owns=["scoring"]),)

    return happens


def let_time_pass(scene):
    """All the time that a source may take is over at once: the company's in a run, nine tenths of it in a handler."""
    scene.jump(125 if scene.mode == "run" else 112)


def score(company):
    return SourceReport(fields={"scoring": {"points": int(company.usdot) % 100}})


async def bug(*_):
    raise ZeroDivisionError("a bug")


async def rows_as_a_generator(*_):
    return SourceReport(fields={"scoring": {"points": -1}}, documents=(row for row in ()))


async def says_it_has_failed(*_):
    return SourceReport(fields={"scoring": {"points": -1}}, outcome=Outcome.FAILED, message="the other system is down")


async def field_of_17_mb(*_):
    return SourceReport(fields={"scoring": {"points": "x" * (17 * 2**20)}})


async def changes_the_document(scene, over, company):
    company.document.clear()


async def hang(scene, over, _):
    let_time_pass(scene)
    await over.wait()


async def hang_on_regardless(scene, over, _):
    let_time_pass(scene)
    while not over.is_set():
        try:
            await over.wait()
        except asyncio.CancelledError:
            scene.jump(2 * GRACE_S)


def broken_document(**values):
    """The target's document is such as nobody expects, until the host has repaired it."""

    @asynccontextmanager
    async def happens(scene):
        before = await scene.document(scene.target)
        await scene.put_back({**before, **values})
        yield Conditions()
        now = await scene.document(scene.target)
        repaired = {**now, **{name: before[name] for name in values if name in before}}
        await scene.put_back({key: value for key, value in repaired.items() if key in before or key not in values})

    return happens


def as_text(value):
    """As a dump to JSON leaves it: each time and number a text."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return value if value is None or isinstance(value, bool) else str(value)


@asynccontextmanager
async def status_restored_as_text(scene):
    before = await scene.document(scene.target)
    data = before.get("fmcsaData", {})
    status = {"lastRun": datetime(2020, 1, 1, tzinfo=UTC), "sources": [], "lease": "", **data.get("syncStatus", {})}
    await scene.put_back({**before, "fmcsaData": {**data, "syncStatus": as_text(status)}})
    yield Conditions()


def listener_raises(error):
    @asynccontextmanager
    async def happens(scene):
        async def on_event(event):
            raise error

        yield Conditions(on_event=on_event)

    return happens
