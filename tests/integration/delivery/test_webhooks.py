"""Webhooks over HTTP, against a receiver that checks them with the public library of Standard Webhooks."""

import asyncio
import json
import logging
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from fmcsa_orchestrator.delivery.channels import Channels
from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.subscriber import Subscriber, SubscriberState
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog
from fmcsa_orchestrator.testing.memory_subscribers import InMemorySubscribers
from tests.support.deliveries import Clock, event
from tests.support.receivers import OTHER_SECRET, SECRET, WebhookReceiver

NOT_PUBLIC = "its address is not public; FMCSA_WEBHOOK_ALLOW_PRIVATE allows such"


class World:
    """A log, a receiver, and deliveries from the one to the other."""

    def __init__(self, receiver):
        self.receiver = receiver
        self.log, self.store = InMemoryEventLog(), InMemorySubscribers()
        self.clock = Clock(datetime.now(UTC))
        self.store.leases.now = self.clock

    def delivery(self, secrets=(SECRET,), *, allow_private=True, timeout_s=20):
        channels = Channels(secrets={"ops": secrets}, allow_private=allow_private, timeout_s=timeout_s, contact="me@example.com")
        return Delivery(self.log, self.store, channels, secrets=tuple(secrets))

    async def subscribe(self, name="r", **attributes):
        with self.clock.ruling():
            attributes = {"address": self.receiver.url, "secret": "ops", **attributes}
            await self.delivery().add(Subscriber(name=name, kind="webhook", **attributes), from_start=True)

    async def deliver(self, *arguments, **options):
        with self.clock.ruling():
            return (await self.delivery(*arguments, **options).deliver()).subscribers["r"]

    async def stored(self):
        return Subscriber.of(self.store.documents["r"])


@pytest.fixture
async def world():
    async with WebhookReceiver().served() as receiver:
        world = World(receiver)
        await world.subscribe()
        yield world


async def test_the_public_library_accepts_every_delivery(world):
    await world.log.append(
        [event(number, company=f"c{number % 9}", severity=severity) for number, severity in enumerate([*Severity] * 50)]
    )
    told = await world.deliver()
    assert (told.accepted, told.error, world.receiver.refused) == (250, None, [])
    assert {key: taken["data"]["after"] for key, taken in world.receiver.taken.items()} == {
        document["id"]: document["data"]["after"] for document in world.log.events
    }
    headers = world.receiver.headers[0]
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["User-Agent"].startswith("fmcsa-orchestrator/")
    assert "me@example.com" in headers["User-Agent"]


async def test_text_of_any_kind_is_signed_as_it_is_sent(world):
    await world.log.append([event(1, company='Łódź \u2028 🚚 \x00 <&>"')])
    assert (await world.deliver()).accepted == 1
    assert [taken["data"]["companyId"] for taken in world.receiver.taken.values()] == ['Łódź \u2028 🚚 \x00 <&>"']


async def test_a_changed_byte_an_old_time_and_a_wrong_secret_do_not_pass(world):
    bodies = []

    async def keep(request):
        bodies.append((await request.read(), dict(request.headers)))
        return web.Response()

    world.receiver.answers = [keep]
    await world.log.append([event(1)])
    await world.deliver()
    [(body, headers)] = bodies
    verifier = Webhook(SECRET)
    verifier.verify(body, headers)
    for position in range(0, len(body), 7):
        changed = bytearray(body)
        changed[position] ^= 1
        with pytest.raises((WebhookVerificationError, UnicodeDecodeError)):
            verifier.verify(bytes(changed), headers)
    for name, value in (("webhook-id", "other"), ("webhook-timestamp", str(int(headers["webhook-timestamp"]) + 1))):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, {**headers, name: value})
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER_SECRET).verify(body, headers)


@pytest.mark.parametrize(("off", "words"), [(timedelta(minutes=-6), "too old"), (timedelta(minutes=6), "too new")])
async def test_what_was_signed_at_another_time_is_refused(world, off, words):
    world.clock.at += off
    await world.log.append([event(1)])
    assert (await world.deliver()).error == "it answered 401"
    assert words in world.receiver.refused[0]


async def test_a_secret_is_changed_without_a_delivery_that_is_refused(world):
    await world.log.append([event(1)])
    await world.deliver((OTHER_SECRET, SECRET))  # the receiver still has the old one
    world.receiver.verifier = Webhook(OTHER_SECRET)
    await world.log.append([event(2)])
    await world.deliver((OTHER_SECRET, SECRET))
    await world.log.append([event(3)])
    await world.deliver((OTHER_SECRET,))
    assert (len(world.receiver.taken), world.receiver.refused) == (3, [])
    await world.log.append([event(4)])
    assert (await world.deliver()).error == "it answered 401"


async def test_each_try_has_the_same_id_and_body_and_the_time_of_its_own(world):
    world.receiver.answers = [web.Response(status=503), web.Response(status=500)]
    await world.log.append([event(1)])
    for _ in range(3):
        await world.deliver()
        world.clock.pass_by(minutes=1)
    assert len(set(world.receiver.seen)) == 1
    assert len({headers["webhook-id"] for headers in world.receiver.headers}) == 1
    assert len({headers["webhook-timestamp"] for headers in world.receiver.headers}) == 3
    assert len({headers["webhook-signature"] for headers in world.receiver.headers}) == 3


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_in_both_forms(world, form):
    until = world.clock.at + timedelta(hours=3)
    value = "10800" if form == "seconds" else format_datetime(until.replace(microsecond=0), usegmt=True)
    world.receiver.answers = [web.Response(status=429, headers={"Retry-After": value})]
    await world.log.append([event(1)])
    told = await world.deliver()
    assert abs((told.next_try - until).total_seconds()) <= 1
    world.clock.pass_by(hours=2, minutes=59)
    await world.deliver()
    assert len(world.receiver.seen) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500, 503])
async def test_any_other_answer_is_tried_again_and_told(world, status, caplog):
    caplog.set_level(logging.WARNING)
    world.receiver.answers = [web.Response(status=status)]
    await world.log.append([event(1)])
    told = await world.deliver()
    assert (told.accepted, told.error, told.state) == (0, f"it answered {status}", SubscriberState.ACTIVE)
    assert "delivery_refused subscriber=r" in caplog.text
    world.clock.pass_by(minutes=1)
    assert (await world.deliver()).error is None
    assert len(world.receiver.taken) == 1


async def test_gone_is_parked_at_once(world):
    world.receiver.answers = [web.Response(status=410)]
    await world.log.append([event(1)])
    assert (await world.deliver()).state is SubscriberState.PARKED
    world.clock.pass_by(days=30)
    await world.deliver()
    assert len(world.receiver.seen) == 1
    world.clock.at = datetime.now(UTC)  # the receiver has its own clock
    await world.delivery().resume("r")
    assert (await world.deliver()).accepted == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(world, status):
    world.receiver.answers = [web.Response(status=status, headers={"Location": world.receiver.url})]
    await world.log.append([event(1)])
    assert (await world.deliver()).error == f"it answered {status}; redirects are not followed: correct its address"
    assert len(world.receiver.seen) == 1


async def test_an_answer_without_end_costs_nothing(world):
    sent = []

    async def endless(request):
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        await response.prepare(request)
        try:
            while len(sent) < 100_000:
                sent.append(1)
                await response.write(b"x" * 65_536)
        except ConnectionError:
            pass
        return response

    world.receiver.answers = [endless]
    await world.log.append([event(1)])
    assert (await world.deliver()).error is None
    assert len(sent) < 1_000


async def test_a_receiver_that_says_nothing_is_given_up(world):
    hang = asyncio.Event()

    async def silent(request):
        await hang.wait()
        return web.Response()

    world.receiver.answers = [silent]
    await world.log.append([event(1)])
    assert (await world.deliver(timeout_s=0.2)).error == "it gave no answer in time"
    hang.set()


async def test_one_that_is_not_there_is_told_without_its_address(world, caplog):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    world.store.documents["r"] = {**world.store.documents["r"], "address": f"http://127.0.0.1:{port}/token-in-the-path"}
    await world.log.append([event(1)])
    told = await world.deliver()
    assert told.error.startswith("it cannot be reached:")
    assert "token-in-the-path" not in told.error + caplog.text


async def test_a_missing_or_useless_secret_is_told_by_its_name_only(world):
    await world.log.append([event(1)])
    for secrets, words in (
        ((), "has nothing of the name `ops`"),
        (("whsec_dG9vc2hvcnQ=",), "a secret of `ops`"),
        (("whsec_%%%",), "`ops`"),
    ):
        told = await world.deliver(secrets)
        assert words in told.error
        assert "dG9v" not in told.error
        assert (await world.stored()).attempts > 0
        world.clock.pass_by(minutes=1)
    assert (await world.deliver()).error is None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "localhost", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[fe80::1]",
     "2130706433", "0x7f000001", "127.1", "0.0.0.0"],
)  # fmt: skip
async def test_nothing_is_sent_to_what_is_not_public(world, host, monkeypatch):
    connected = []
    monkeypatch.setattr(asyncio.BaseEventLoop, "sock_connect", lambda *_: connected.append(1), raising=False)
    world.store.documents["r"] = {**world.store.documents["r"], "address": f"https://{host}/x"}
    await world.log.append([event(1)])
    told = await world.deliver(allow_private=False)
    in_short = {"2130706433", "127.1"}  # aiohttp itself takes these for no host
    assert told.error == ("it cannot be reached: InvalidUrlClientError" if host in in_short else NOT_PUBLIC)
    assert (connected, world.receiver.seen) == ([], [])


def resolving_to(monkeypatch, *answers):
    """What the names of this test lead to, one list of addresses after another."""
    remaining = list(answers)

    async def getaddrinfo(self, host, port, **_):
        addresses = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "",
             (address, port, 0, 0) if ":" in address else (address, port))
            for address in addresses
        ]  # fmt: skip

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


def refusing_connections(monkeypatch):
    """Where somebody would have been connected to."""
    asked = []

    async def sock_connect(self, made, address):
        asked.append(address[0])
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", sock_connect)
    return asked


async def test_a_name_that_leads_to_both_is_only_reached_where_it_is_public(world, monkeypatch):
    resolving_to(monkeypatch, ["10.1.2.3", "::1", "93.184.216.34"])
    asked = refusing_connections(monkeypatch)
    world.store.documents["r"] = {**world.store.documents["r"], "address": "https://both.example.com/x"}
    await world.log.append([event(1)])
    told = await world.deliver(allow_private=False)
    assert told.error.startswith("it cannot be reached")
    assert set(asked) == {"93.184.216.34"}


async def test_a_name_that_leads_elsewhere_the_next_time_gains_nothing(world, monkeypatch):
    resolving_to(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    asked = refusing_connections(monkeypatch)
    world.store.documents["r"] = {**world.store.documents["r"], "address": "https://rebinding.example.com/x"}
    await world.log.append([event(1)])
    errors = []
    for _ in range(2):
        errors.append((await world.deliver(allow_private=False)).error)
        world.clock.pass_by(hours=2)
    assert errors[1] == NOT_PUBLIC
    assert set(asked) == {"93.184.216.34"}


async def test_no_proxy_is_asked_to_connect_in_our_place(world, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", world.receiver.url)
    resolving_to(monkeypatch, ["127.0.0.1"])
    world.store.documents["r"] = {**world.store.documents["r"], "address": "https://hooks.example.com/x"}
    await world.log.append([event(1)])
    assert "not public" in (await world.deliver(allow_private=False)).error
    assert world.receiver.headers == []


async def test_an_address_without_tls_cannot_be_subscribed(world):
    with pytest.raises(SettingsError, match="https"):
        await world.delivery(allow_private=False).add(
            Subscriber(name="x", kind="webhook", address=world.receiver.url, secret="ops")
        )
    with pytest.raises(SettingsError, match="already"):
        await world.subscribe()


async def test_a_test_sends_one_event_and_writes_nothing(world):
    before = dict(world.store.documents["r"])
    told = await world.delivery().test("r")
    assert (told.accepted, [taken["type"] for taken in world.receiver.taken.values()]) == (1, ["fmcsa.test"])
    assert world.store.documents["r"] == before
    world.receiver.answers = [web.Response(status=500)]
    assert (await world.delivery().test("r")).error == "it answered 500"
    with pytest.raises(SettingsError, match="no subscriber"):
        await world.delivery().test("nobody")


async def test_no_secret_is_stored_or_logged(world, caplog):
    caplog.set_level(logging.DEBUG)
    world.receiver.answers = [web.Response(status=500)]
    await world.log.append([event(1)])
    told = await world.deliver((OTHER_SECRET, SECRET))
    said = json.dumps(world.store.documents, default=str) + caplog.text + repr(told) + repr(world.delivery().channels)
    assert SECRET.removeprefix("whsec_") not in said
    assert OTHER_SECRET.removeprefix("whsec_") not in said
