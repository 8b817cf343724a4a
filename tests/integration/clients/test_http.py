"""Status, transport and body faults against a real local server; no test waits in real time."""

import asyncio
import gzip
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from fmcsa_orchestrator import (
    AuthError,
    BlockedError,
    DatasetClosedError,
    MaintenanceError,
    MalformedPayloadError,
    RateLimitedError,
    RequestRejectedError,
    SourceTimeoutError,
    SourceUnavailableError,
    TruncatedPayloadError,
    Waiting,
)
from fmcsa_orchestrator.clients import qcmobile, soda
from fmcsa_orchestrator.clients.http import Upstream, read_json, user_agent
from fmcsa_orchestrator.clients.pacing import strict_limiter
from fmcsa_orchestrator.observability.context import SyncContext, entered
from tests.support.passing_time import turns

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
        (403, DatasetClosedError, 1),
        (404, RequestRejectedError, 1),
        (414, RequestRejectedError, 1),
        (301, RequestRejectedError, 1),
        (202, SourceUnavailableError, 4),
        (408, SourceUnavailableError, 4),
        (425, SourceUnavailableError, 4),
        (429, RateLimitedError, 4),
        (500, SourceUnavailableError, 4),
        (503, SourceUnavailableError, 4),
    ],
)
async def test_each_status_is_its_error_and_only_passing_ones_are_retried(rig, status, error, tries):
    rig.answers = [refusal(status)]
    with pytest.raises(error) as raised:
        await rig.upstream(meaning=soda.portal_meaning(has_token=True)).get("/x", {}, read_json)
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
    with pytest.raises(MalformedPayloadError, match="larger than 1000"):
        await rig.upstream(tries=1).get("/x", {}, lambda answer: read_json(answer, limit=1000))


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
    with pytest.raises(SourceTimeoutError, match="silent for 60 s"):
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


APP_TOKEN = b'{"code":"permission_denied","error":true,"message":"Invalid app_token specified"}'
USED_UP = b'{"code":"authentication_required","message":"This request must be authenticated or have an application token"}'
LOGIN = b'{"error":true,"message":"You must be logged in to access this resource"}'
WITH_TOKEN, WITHOUT = soda.portal_meaning(has_token=True), soda.portal_meaning(has_token=False)


@pytest.mark.parametrize(
    ("meaning", "status", "body", "error"),
    [
        (qcmobile.web_key_meaning, 404, b'{"content":"Webkey not found"}', AuthError),
        (qcmobile.web_key_meaning, 404, b'{"content":"Must provide Webkey"}', AuthError),
        (qcmobile.web_key_meaning, 404, b'{"content":"other"}', None),
        (qcmobile.web_key_meaning, 403, b"<html>403</html>", None),
        (qcmobile.web_key_meaning, 401, b"", AuthError),
        (WITH_TOKEN, 403, APP_TOKEN, AuthError),
        (WITH_TOKEN, 403, USED_UP, AuthError),
        (WITH_TOKEN, 403, LOGIN, DatasetClosedError),
        (WITH_TOKEN, 403, b"<html>", None),
        (WITH_TOKEN, 404, b"{}", None),
        (WITHOUT, 403, USED_UP, RateLimitedError),
        (WITHOUT, 403, LOGIN, DatasetClosedError),
        (WITHOUT, 403, b"<html>", None),
    ],
)
def test_what_a_refusal_means(meaning, status, body, error):
    refusal = meaning(status, body)
    assert (refusal and refusal.error) == error


@pytest.mark.parametrize("body", ["<html>403 Forbidden</html>", "Forbidden", ""])
async def test_a_firewall_is_told_as_such_and_not_asked_again(rig, body):
    rig.answers = [{"status": 403, "text": body, "content_type": "text/html"}]
    with pytest.raises(BlockedError, match="firewall.*address.*FMCSA_CONTACT") as raised:
        await rig.upstream(meaning=WITHOUT).get("/x", {}, read_json)
    assert (len(rig.seen), raised.value.stops_source, raised.value.kind) == (1, True, "blocked")


async def test_requests_that_are_used_up_brake_for_half_a_minute_and_advise_a_token(rig):
    rig.answers = [{"status": 403, "text": USED_UP.decode(), "content_type": "application/json"}, GOOD]
    assert await rig.upstream(meaning=WITHOUT).get("/x", {}, read_json) == [1]
    assert sum(rig.time.slept) >= 30
    rig.answers = [{"status": 403, "text": USED_UP.decode(), "content_type": "application/json"}]
    with pytest.raises(RateLimitedError, match="set FMCSA_SODA_APP_TOKEN"):
        await rig.upstream(meaning=WITHOUT, tries=1).get("/x", {}, read_json)


async def test_a_refusal_whose_body_hangs_brakes_from_its_header(rig, jump):
    async def refuse(request):
        response = web.StreamResponse(status=429, headers={"Retry-After": "7"})
        await response.prepare(request)
        while True:  # until the client has waited long enough
            await turns()
            jump(1)

    rig.answers = [refuse, GOOD]
    assert await rig.upstream(timeout_s=3600).get("/x", {}, read_json) == [1]
    assert sum(rig.time.slept) >= 7


async def test_who_asks_is_named_and_blanks_are_sent_as_firewalls_let_them_pass(rig):
    rig.answers = [GOOD]
    await rig.upstream().get("/x", {"$where": "dot_number in ('1','2')", "$select": "a+b&c"}, read_json)
    request = rig.seen[0]
    assert request.headers["User-Agent"].startswith("fmcsa-orchestrator/")
    assert request.raw_path == "/x?$where=dot_number%20in%20('1','2')&$select=a%2Bb%26c"
    assert dict(request.query) == {"$where": "dot_number in ('1','2')", "$select": "a+b&c"}
    assert user_agent("ops@host.example") == f"{user_agent()} (ops@host.example)"


async def test_a_long_answer_may_take_its_time_as_long_as_bytes_come(rig, jump):
    """Twice 6 MB, each a minute after the last: slower than 30 s in all, but not silent for so long."""

    async def long(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b"[" + b" " * 3_000_000)
        for _ in range(2):
            await turns()
            jump(20)
            await response.write(b" " * 3_000_000)
        await response.write(b"1]")
        return response

    rig.answers = [long]
    assert await rig.upstream(tries=1).get("/x", {}, lambda answer: read_json(answer, limit=20_000_000)) == [1]


async def test_an_answer_that_falls_silent_is_given_up_however_much_has_come(rig, jump):
    async def silent(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b"[" + b" " * 10_000_000)
        while True:  # until the client has read all that, and is given up by
            await turns()
            jump(31)

    rig.answers = [silent]
    with pytest.raises(SourceTimeoutError, match="silent for 30 s"):
        await rig.upstream(tries=1).get("/x", {}, lambda answer: read_json(answer, limit=20_000_000))


async def test_many_blanks_in_little_gzip_leave_the_event_loop_its_turns(rig):
    """30 MB of them in 30 kB: bounded as they are unpacked, and others go on meanwhile."""
    body = gzip.compress(b"[" + b" " * 30_000_000 + b"1]")
    rig.answers = [{"body": body, "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"}}]
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    assert await rig.upstream(tries=1).get("/x", {}, lambda answer: read_json(answer, limit=40_000_000)) == [1]
    assert ticks > 200
    with pytest.raises(MalformedPayloadError, match="larger than 1000000"):
        await rig.upstream(tries=1).get("/x", {}, lambda answer: read_json(answer, limit=1_000_000))
    ticking.cancel()
