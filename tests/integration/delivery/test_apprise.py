"""Digests by apprise, over its own JSON notification to a server on this machine."""

import json
import sys
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.subscriber import Subscriber
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog
from fmcsa_orchestrator.testing.memory_subscribers import InMemorySubscribers
from tests.support.deliveries import Clock, event, real


@asynccontextmanager
async def mailbox():
    """Where apprise's messages go; `status` is what is answered."""
    messages, status = [], [200]

    async def take(request):
        messages.append(json.loads(await request.read()))
        return web.Response(status=status[0])

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    async with TestServer(app) as server:
        yield messages, status, f"json://user:pass-word@{server.host}:{server.port}/box"


async def test_a_digest_is_one_message_a_day_in_words_for_people():
    log, store, clock = InMemoryEventLog(), InMemorySubscribers(), Clock()
    store.leases.now = clock
    async with mailbox() as (messages, status, address):
        delivery = real({"mail": [address]}, log=log, store=store)
        with clock.ruling():
            await delivery.add(Subscriber(name="daily", kind="apprise", secret="mail", form="digest", hour=6))
            await delivery.deliver()
            await log.append([event(1), event(2, company="c2", type_="crash.added", severity=Severity.CRITICAL)])
            await delivery.deliver()
            assert messages == []
            clock.pass_by(days=1)
            status[0] = 500
            assert (await delivery.deliver()).subscribers["daily"].error.startswith("apprise could not send it")
            status[0] = 200
            clock.pass_by(minutes=1)
            assert (await delivery.deliver()).accepted == 2
            clock.pass_by(days=2)
            await delivery.deliver()
        assert len(messages) == 2
        assert messages[1]["title"] == "FMCSA: 2 changes at 1 carrier (1 critical, 1 low)"
        assert messages[1]["message"].split("\n")[:2] == [
            "USDOT 1021580 (company c2)",
            "  [critical] crash.added: row-2: violationCode 393.2",
        ]
        assert "pass-word" not in repr(store.documents)


async def test_each_event_by_itself():
    log = InMemoryEventLog()
    async with mailbox() as (messages, _, address):
        delivery = real({"pager": [address]}, log=log)
        await delivery.add(Subscriber(name="pager", kind="apprise", secret="pager", least_severity="high"))
        await log.append([event(1), event(2, severity=Severity.HIGH)])
        assert (await delivery.deliver()).accepted == 1
        assert (await delivery.test("pager")).accepted == 1
    assert [message["title"] for message in messages] == ["[high] violation.added: USDOT 1021580", "[info] test: USDOT 0"]


@pytest.mark.parametrize("address", ["nothing://x", "no address at all"])
async def test_an_address_that_apprise_does_not_know(address):
    with pytest.raises(SettingsError, match="`mail`") as caught:
        await real({"mail": [address]}).add(Subscriber(name="a", kind="apprise", secret="mail"))
    assert address not in str(caught.value)


async def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(SettingsError, match=r"install fmcsa-orchestrator\[apprise\]"):
        await real({"mail": ["json://x"]}).add(Subscriber(name="a", kind="apprise", secret="mail"))
