"""The upstream for anybody's source: it serves what a function gives, and the faults that fit any upstream happen to it."""

import json

import aiohttp
import pytest

from fmcsa_orchestrator.testing import Answer, Fault, LocalUpstream

ROWS = [{"licence": "X1", "home": {"state": "OH", "tags": ["a"]}}, {"licence": "X2", "home": None}]


def respond(request):
    if request.path == "/nobody":
        return Answer(404, b"nobody", "text/plain", {"X-Reason": "unknown"})
    return [request.method, request.query.get("q")] if request.path == "/echo" else ROWS


@pytest.fixture
async def upstream():
    async with LocalUpstream(respond) as server:
        yield server


@pytest.fixture
async def ask(upstream):
    async with aiohttp.ClientSession() as session:

        async def ask(path="/", method="GET", **params):
            async with session.request(method, upstream.url + path, params=params) as response:
                return response, await response.text()

        yield ask


async def test_serves_what_the_function_gives_under_any_path_and_method(upstream, ask):
    response, text = await ask("/a/b.json")
    assert (response.status, response.content_type, json.loads(text)) == (200, "application/json", ROWS)
    assert json.loads((await ask("/echo", "DELETE", q="7"))[1]) == ["DELETE", "7"]
    response, text = await ask("/nobody")
    assert (response.status, text, response.headers["X-Reason"]) == (404, "nobody", "unknown")
    assert [(record.path, record.status) for record in upstream.requests] == [
        ("/a/b.json", 200),
        ("/echo", 200),
        ("/nobody", 404),
    ]
    assert upstream.count("other") == upstream.count() == 3


async def test_a_status_says_what_it_is_told_to(upstream, ask):
    upstream.inject(Fault.status(429, retry_after=7), times=1)
    upstream.inject(Fault.status(503, text="key k refused"), times=1)
    response, text = await ask()
    assert (response.status, response.headers["Retry-After"]) == (429, "7")
    assert json.loads(text)["message"] == "Too Many Requests"
    response, text = await ask()
    assert (response.status, response.content_type) == (503, "application/json")
    assert json.loads(text)["message"] == "key k refused"
    assert (await ask())[0].status == 200


async def test_rows_are_wrapped_and_columns_go_or_change_wherever_they_are(upstream, ask):
    upstream.inject(Fault.not_an_array())
    assert json.loads((await ask())[1]) == {"rows": ROWS}
    upstream.clear_faults()
    upstream.inject(Fault.missing_column("licence"))
    upstream.inject(Fault.bad_value("state", 7))
    home = {"state": 7, "tags": ["a"]}
    assert json.loads((await ask())[1]) == [{"home": home}, {"home": None}]
    assert ROWS[0]["licence"] == "X1"


async def test_bodies_break(upstream, ask):
    upstream.inject(Fault.truncated(), times=1)
    upstream.inject(Fault.reset(), times=1, after=1)
    upstream.inject(Fault.html(), times=1, after=2)
    whole = json.dumps(ROWS)
    assert (await ask())[1] == whole[: len(whole) // 2]
    with pytest.raises(aiohttp.ClientError):
        await ask()
    assert (await ask())[0].content_type == "text/html"


@pytest.mark.parametrize(
    "fault", [Fault.stale(), Fault.older(), Fault.empty_dataset(), Fault.new_column("x"), Fault.publish_now()]
)
async def test_what_only_a_portal_can_do_does_not_happen(upstream, ask, fault):
    upstream.inject(fault)
    response, text = await ask()
    assert (response.status, json.loads(text)) == (200, ROWS)
