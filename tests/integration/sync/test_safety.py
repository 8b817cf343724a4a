"""No secret gets out, nothing grows without end, and a handler is not stuck behind a run."""

import asyncio
import logging
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiolimiter import AsyncLimiter
from pydantic import SecretStr

from fmcsa_orchestrator import Orchestrator, Settings, SourceError, SourceReport, SourceUnavailableError
from fmcsa_orchestrator.clients.http import Upstream, read_json
from fmcsa_orchestrator.clients.pacing import FairShare, strict_limiter
from fmcsa_orchestrator.model.results import MESSAGE_LIMIT
from fmcsa_orchestrator.observability.context import in_background, is_background
from fmcsa_orchestrator.observability.redaction import redact
from fmcsa_orchestrator.testing import Fault
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.world import open_world

WEB_KEY, TOKEN, PASSWORD = "s3cret-web-key", "s3cret-app-token", "s3cret%2Fpass"
SECRETS = (WEB_KEY, TOKEN, PASSWORD, "s3cret/pass")


def chain(error):
    """The error and all that hangs on it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def echo(request):
    """What a careless server says: the whole request, in its error body."""
    return f'"GET {request.path_qs} X-App-Token: {request.headers.get("X-App-Token")}"'


async def refuse(request):
    return web.Response(status=400, text=f'{{"message": {echo(request)}}}', content_type="application/json")


async def answer_text(request):
    return web.Response(text=echo(request), content_type="application/json")


async def break_protocol(request):
    request.transport.write(b"HTTP/1.1 999999 \x00 nonsense\r\n\r\n")
    request.transport.close()
    return web.Response()


async def drop(request):
    request.transport.abort()
    return web.Response()


async def redirect(request):
    return web.Response(status=302, headers={"Location": f"http://127.0.0.1:9/{request.path_qs}"})


async def _say(response):
    raise SourceUnavailableError(f"upstream says: {(await read_json(response))}")


@pytest.mark.parametrize("handler", [refuse, answer_text, break_protocol, drop, redirect])
async def test_no_error_of_the_transport_carries_a_secret_whatever_upstream_sends(handler, caplog):
    caplog.set_level(logging.DEBUG)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app)
    await server.start_server()
    async with aiohttp.ClientSession() as session:
        upstream = Upstream(session, str(server.make_url("")), name="portal", limiter=strict_limiter(10_000), tries=1,
                            headers={"X-App-Token": TOKEN}, secrets=SECRETS)  # fmt: skip
        with pytest.raises(SourceError) as raised:
            await upstream.get("/x", {"webKey": WEB_KEY}, _say)
    await server.close()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("fmcsa")]
    texts = [f"{error} {error!r} {vars(error)}" for error in chain(raised.value)] + ours
    assert not [text for text in texts if any(secret in text for secret in SECRETS)]


@pytest.mark.parametrize(
    "fault", [Fault.status(404), Fault.status(500), Fault.html(), Fault.truncated(), Fault.reset()], ids=lambda fault: fault.name
)
async def test_a_whole_run_leaves_no_secret_anywhere(wire_uri, caplog, no_pauses, fault):
    caplog.set_level(logging.DEBUG)
    events = []
    async with open_world("motor", wire_uri, qcmobile_web_key=SecretStr(WEB_KEY), soda_app_token=None) as world:
        world.upstream.inject(fault, kind="qcmobile")
        world.upstream.inject(fault, dataset="8mt8-2mdr")
        summary = await world.orchestrator.sync_all_companies(on_event=events.append)
        stored = [await world.database[name].find({}).to_list(None) for name in await world.database.list_collection_names()]
    assert summary.failed
    everything = [str(stored), str(summary.as_dict()), str(events), repr(summary)]
    everything += [
        record.getMessage() + str(record.args) + str(record.exc_info)
        for record in caplog.records
        if record.name != "aiohttp.server"
    ]
    assert not [text[:200] for text in everything if WEB_KEY in text]


def test_settings_know_every_form_of_their_secrets():
    settings = Settings(
        mongodb_uri=SecretStr(f"mongodb://someone:{PASSWORD}@h/x"),
        soda_app_token=SecretStr(TOKEN),
        qcmobile_web_key=SecretStr(WEB_KEY),
    )
    text = redact(f"{SECRETS} mongodb://someone:{PASSWORD}@h/x", settings.secrets())
    assert "s3cret" not in text


async def test_what_a_source_says_is_bounded_and_without_secrets():
    def fetch(company):
        if company.id == 1:
            return SourceReport(message=f"key {WEB_KEY} " + "x" * 10_000)
        if company.id == 2:
            return SourceReport(version="v" * 501)
        raise RuntimeError(f"{WEB_KEY} " * 5_000)

    repository = InMemoryRepository([{"_id": n, "dotNumber": n, "name": "n" * 10_000} for n in (1, 2, 3)])
    sync = Orchestrator(
        sources=[FakeSource("s", fetch)], repository=repository, limiter=AsyncLimiter(1_000, 1), secrets=(WEB_KEY,)
    )
    summary = await sync.sync_all_companies()
    assert summary.failed == 2
    assert WEB_KEY not in str(repository.companies) + str(summary.as_dict())
    texts = [
        status["message"]
        for company in repository.companies.values()
        for status in company["fmcsaData"]["syncStatus"]["sources"].values()
    ]
    texts += [
        error["error"] for company in repository.companies.values() for error in company["fmcsaData"]["syncStatus"]["errors"]
    ]
    assert max(len(text) for text in texts if text) == MESSAGE_LIMIT
    assert all(len(str(company["fmcsaData"])) < 5_000 for company in repository.companies.values())
    assert all(len(entry["name"]) == 200 for entry in summary.errors)


class Turnstile:
    """A limiter that lets one through at each turn, in order."""

    def __init__(self):
        self.waiting = []

    async def acquire(self):
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        await turn

    async def turn(self):
        for _ in range(5):
            await asyncio.sleep(0)
        self.waiting.pop(0).set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_handler_waits_for_one_request_of_a_run_at_the_most():
    turnstile = Turnstile()
    share = FairShare(turnstile)
    passed = []

    async def ask(who):
        await share.acquire()
        passed.append(who)

    with in_background():
        run = [asyncio.create_task(ask("run")) for _ in range(50)]
    await asyncio.sleep(0)
    handlers = [asyncio.create_task(ask("handler")) for _ in range(3)]
    for _ in range(8):
        await turnstile.turn()
    assert passed == ["run", "handler", "handler", "handler", "run", "run", "run", "run"]
    late = asyncio.create_task(ask("handler"))
    for _ in range(2):
        await turnstile.turn()
    assert passed[-2:] == ["run", "handler"]
    for task in run:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*run, *handlers, late)


async def test_a_run_is_the_background_and_a_handler_is_not(monkeypatch):
    seen = []
    original = FairShare.acquire

    async def noting(self):
        seen.append(is_background())
        await original(self)

    monkeypatch.setattr(FairShare, "acquire", noting)
    async with open_world("memory", "") as world:
        await world.orchestrator.sync_company(world.fleet.usdots[0])
        assert set(seen) == {False}
        seen.clear()
        await world.orchestrator.sync_all_companies()
        assert set(seen) == {True}
