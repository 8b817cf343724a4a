"""Status, transport and body faults against a real local server; no test waits in real time."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from fmcsa_orchestrator import (
    AuthError,
    MaintenanceError,
    RateLimitedError,
    RequestRejectedError,
    SourceTimeoutError,
    SourceUnavailableError,
    TruncatedPayloadError,
    Waiting,
)
from fmcsa_orchestrator.clients import qcmobile, soda
from fmcsa_orchestrator.clients.http import Upstream, read_json
from fmcsa_orchestrator.clients.pacing import strict_limiter
from fmcsa_orchestrator.observability.context import SyncContext, entered

KEY = "very-secret-key"


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Rig:
    def __init__(self, session, url, time):
        self.answers = []
        self.seen = []
        self.time = time
        self.session = session
        self.url = url

    def upstream(self, **options):
        defaults = {"limiter": strict_limiter(10_000), "clock": self.time, "sleep": self.time.sleep, "secrets": (KEY,)}
        return Upstream(self.session, self.url, name="portal", **defaults | options)

    async def handle(self, request):
        self.seen.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request) if callable(answer) else web.Response(**answer)


@pytest.fixture
async def rig():
    app = web.Application()
    server = TestServer(app)
    async with aiohttp.ClientSession() as session:
        rig = Rig(session, "", Time())
        app.router.add_route("*", "/{path:.*}", rig.handle)
        await server.start_server()
        rig.url = str(server.make_url("")).rstrip("/")
        yield rig
    await server.close()


GOOD = {"text": "[1]", "content_type": "application/json"}


def refusal(status, body='{"code": "some.code", "error": true, "message": "some words"}', **headers):
    return {"status": status, "text": body, "content_type": "application/json", "headers": headers}


@pytest.mark.parametrize(
    ("status", "error", "tries"),
    [
        (400, RequestRejectedError, 1),
        (401, AuthError, 1),
        (403, AuthError, 1),
        (404, RequestRejectedError, 1),
        (414, RequestRejectedError, 1),
        (301, RequestRejectedError, 1),
        (202, SourceUnavailableError, 4),
        (429, RateLimitedError, 4),
        (500, SourceUnavailableError, 4),
        (503, SourceUnavailableError, 4),
    ],
)
async def test_each_status_is_its_error_and_only_passing_ones_are_retried(rig, status, error, tries):
    rig.answers = [refusal(status)]
    with pytest.raises(error) as raised:
        await rig.upstream(denies_key=soda.denies_app_token).get("/x", {}, read_json)
    assert type(raised.value) is error
    assert len(rig.seen) == tries
    if status != 301:
        assert "some.code some words" in str(raised.value)


async def test_what_passes_is_retried_until_it_works_and_each_try_is_counted(rig):
    rig.answers = [refusal(500), refusal(503), GOOD]
    with entered(SyncContext()) as context:
        assert await rig.upstream().get("/x", {}, read_json) == [1]
    assert context.requests == {"portal": 3}
    assert 0.3 < rig.time.slept[0] < 0.7 < rig.time.slept[1] < 1.3


@pytest.mark.parametrize(("form", "least", "most"), [("seconds", 5, 7), ("date", 5, 59)])
async def test_retry_after_brakes_every_request_of_this_upstream(rig, form, least, most):
    value = "7" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=59), usegmt=True)
    rig.answers = [refusal(429, **{"Retry-After": value}), GOOD]
    upstream = rig.upstream()
    assert await asyncio.gather(*(upstream.get("/x", {}, read_json) for _ in range(3))) == [[1]] * 3
    braked = [seconds for seconds in rig.time.slept if seconds > 1]
    assert braked
    assert all(least < seconds <= most for seconds in braked)


async def test_a_refusal_that_names_no_time_brakes_every_request_and_longer_each_time(rig):
    rig.answers = [refusal(429), refusal(429), refusal(429), GOOD]
    upstream = rig.upstream(tries=4)
    waits = []
    with entered(SyncContext(listeners=(waits.append,))):
        assert await asyncio.gather(*(upstream.get("/x", {}, read_json) for _ in range(2))) == [[1]] * 2
    pauses = [wait.seconds for wait in waits if isinstance(wait, Waiting) and wait.upstream == "portal"]
    assert 0.7 < pauses[0] < 1.3
    assert 1.4 < max(pauses) < 5.1
    assert sum(rig.time.slept) >= max(pauses)
    rig.answers = [refusal(429), GOOD]
    rig.time.now += 100  # what held back the last of them is over
    with entered(SyncContext(listeners=(waits.append,))):
        await upstream.get("/x", {}, read_json)
    assert [wait for wait in waits if isinstance(wait, Waiting)][-1].seconds < 1.3


@pytest.mark.parametrize("value", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "-5", "soon", ""])
async def test_no_retry_after_stops_us_for_good_or_breaks_us(rig, value):
    rig.answers = [refusal(429, **{"Retry-After": value}), GOOD]
    upstream = rig.upstream()
    with suppress(RateLimitedError):
        await upstream.get("/x", {}, read_json)
    rig.time.now += 86_400
    assert await upstream.get("/x", {}, read_json) == [1]


async def test_a_pause_beyond_our_patience_is_told_at_once(rig):
    rig.answers = [refusal(503, **{"Retry-After": "86400"})]
    upstream = rig.upstream()
    with pytest.raises((RateLimitedError, SourceUnavailableError)):
        await upstream.get("/x", {}, read_json)
    with pytest.raises(RateLimitedError) as raised:
        await upstream.get("/x", {}, read_json)
    assert raised.value.retry_after_s > 80_000
    assert len(rig.seen) == 1
    assert sum(rig.time.slept) < 10


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"text": "<html>maintenance</html>", "content_type": "text/html"}, MaintenanceError),
        ({"text": "  <!DOCTYPE html>", "content_type": "application/json"}, MaintenanceError),
        ({"text": "", "content_type": "application/json"}, TruncatedPayloadError),
        ({"text": '[{"a": "b', "content_type": "application/json"}, TruncatedPayloadError),
    ],
)
async def test_bodies_that_are_not_what_was_due(rig, answer, error):
    rig.answers = [answer]
    with pytest.raises(error):
        await rig.upstream(tries=2).get("/x", {}, read_json)
    assert len(rig.seen) == 2


async def test_a_body_without_end_is_bounded(rig):
    rig.answers = [{"text": "[" + "1," * 5000 + "1]"}]
    with pytest.raises(TruncatedPayloadError, match="larger than 1000"):
        await rig.upstream(tries=1).get("/x", {}, lambda response: read_json(response, limit=1000))


async def reset(request):
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"[1")
    request.transport.abort()
    return response


async def hang(request):
    await asyncio.Event().wait()


async def test_a_reset_in_the_body_and_a_refused_connection(rig):
    rig.answers = [reset, GOOD]
    assert await rig.upstream().get("/x", {}, read_json) == [1]
    rig.url = "http://127.0.0.1:9"
    with pytest.raises(SourceUnavailableError, match="portal cannot be read"):
        await rig.upstream(tries=2).get("/x", {}, read_json)


async def test_a_hanging_server_is_given_up(rig, jump):
    async def time_passes(request):
        jump(60)
        await hang(request)

    rig.answers = [time_passes]
    with pytest.raises(SourceTimeoutError, match="60 s"):
        await rig.upstream(timeout_s=60, tries=2).get("/x", {}, read_json)
    assert len(rig.seen) == 2


async def test_cancellation_passes_through(rig):
    rig.answers = [hang]
    task = asyncio.create_task(rig.upstream().get("/x", {}, read_json))
    while not rig.seen:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_no_error_text_holds_the_key(rig, status):
    rig.answers = [refusal(status, f'{{"message": "bad webKey={KEY} in https://x/y?webKey={KEY}"}}')]
    with pytest.raises(Exception, match="portal answered") as raised:
        await rig.upstream(tries=1).get("/x", {"webKey": KEY}, read_json)
    assert KEY not in repr(raised.value)
    assert rig.seen[0].query["webKey"] == KEY


@pytest.mark.parametrize(
    ("denies", "status", "body", "is_key"),
    [
        (qcmobile.denies_web_key, 404, b'{"content":"Webkey not found"}', True),
        (qcmobile.denies_web_key, 404, b'{"content":"Must provide Webkey"}', True),
        (qcmobile.denies_web_key, 404, b'{"content":"other"}', False),
        (qcmobile.denies_web_key, 403, b"<html>403</html>", False),
        (qcmobile.denies_web_key, 401, b"", True),
        (soda.denies_app_token, 403, b'{"code":"permission_denied"}', True),
        (soda.denies_app_token, 403, b"<html>", False),
        (soda.denies_app_token, 404, b"{}", False),
    ],
)
def test_what_refuses_our_key(denies, status, body, is_key):
    assert denies(status, body) is is_key
