"""No secret gets out over HTTP, and a run is in the background, where a handler is not."""

import logging

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from fmcsa_orchestrator import SourceError, SourceUnavailableError
from fmcsa_orchestrator.clients.http import Upstream, read_json
from fmcsa_orchestrator.clients.pacing import FairShare, strict_limiter
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.testing import Fault
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


async def test_a_run_is_the_background_and_a_handler_is_not(monkeypatch):
    seen = []
    original = FairShare.acquire

    async def noting(self):
        seen.append(current().is_background)
        await original(self)

    monkeypatch.setattr(FairShare, "acquire", noting)
    async with open_world("memory", "") as world:
        await world.orchestrator.sync_company(world.fleet.usdots[0])
        assert set(seen) == {False}
        seen.clear()
        await world.orchestrator.sync_all_companies()
        assert set(seen) == {True}
