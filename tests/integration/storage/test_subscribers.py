"""Subscribers in every kind of store: found again as they were, changed by who holds them, delivered to by one at a time."""

import asyncio
from datetime import timedelta

import pytest

from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.model.subscriber import Subscriber, SubscriberState
from fmcsa_orchestrator.storage.event_log import Wanted
from fmcsa_orchestrator.storage.leases import Lease
from fmcsa_orchestrator.storage.mongodb.driver import ObjectId
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.storage.mongodb.subscribers import MongoSubscribers
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog
from fmcsa_orchestrator.testing.memory_subscribers import InMemorySubscribers
from tests.support.deliveries import AT, FakeChannels, FlakyReceiver, event
from tests.support.passing_time import until

OURS = Subscriber(name="ours", kind="callable", companies=(ObjectId("65a1b2c3d4e5f60718293a4b"), "x", 7), types=("crash",)).begun(
    9, AT
)


def stores_of(backend):
    if backend.database is None:
        return InMemoryEventLog(), InMemorySubscribers()
    return MongoEventLog(backend.database), MongoSubscribers(backend.database)


async def test_it_is_found_as_it_was_put_there(backend):
    _, store = stores_of(backend)
    assert (await store.all(), await store.find("ours")) == ([], None)
    assert await store.add(OURS.document())
    assert not await store.add({**OURS.document(), "types": []})
    await store.add({**OURS.document(), "_id": "a"})
    assert Subscriber.of(await store.find("ours")) == OURS
    assert [document["_id"] for document in await store.all()] == ["a", "ours"]
    assert await store.remove("a")
    assert not await store.remove("a")
    assert [document["_id"] for document in await store.all()] == ["ours"]


async def test_it_is_changed_by_who_holds_it(backend):
    _, store = stores_of(backend)
    await store.add(OURS.document())
    assert await store.change("ours", {"state": "paused"})
    assert not await store.change("nobody", {"state": "paused"})
    [lease] = await store.leases.take([await store.find("ours")], "me", 30)
    assert isinstance(lease, Lease)
    assert await store.change("ours", {"cursor": 12, "ahead": [14]}, lease.token)
    assert not await store.change("ours", {"cursor": 99}, lease.token + 1)
    [refusal] = await store.leases.take([await store.find("ours")], "another", 30)
    assert refusal.kind == "lease_held"
    await store.leases.release([lease])
    [later] = await store.leases.take([await store.find("ours")], "another", 30)
    assert later.token > lease.token
    stored = Subscriber.of(await store.find("ours"))
    assert (stored.cursor, stored.ahead, stored.state) == (12, (14,), SubscriberState.PAUSED)


async def test_all_is_delivered_once_by_several_at_once(backend):
    log, store = stores_of(backend)
    receiver = FlakyReceiver(["ok"] * 30 + ["down"])
    delivery = Delivery(log, store, FakeChannels(r=receiver, other=FlakyReceiver()))
    for name in ("r", "other"):
        await delivery.add(Subscriber(name=name, kind="callable"), from_start=True)
    await log.append([event(number, company=f"c{number % 11}") for number in range(130)])
    await asyncio.gather(*(delivery.deliver() for _ in range(3)))
    stored = Subscriber.of(await store.find("r"))
    assert (stored.attempts, stored.why, stored.state) == (1, "it answered 500", SubscriberState.ACTIVE)
    assert timedelta(seconds=2) < stored.next_try - stored.failing_since < timedelta(seconds=8)
    await delivery.resume("r")
    await asyncio.gather(*(delivery.deliver() for _ in range(3)))
    expected = {document["id"] for document in await log.read(0, 200, Wanted())}
    assert (set(receiver.received), len(receiver.received)) == (expected, 130)
    assert receiver.sent <= 130 + 1 + receiver.parallel
    assert (await store.find("r"))["cursor"] == (await store.find("other"))["cursor"] == await log.last()


@pytest.mark.parametrize("backend", ["wire-motor", "wire-pymongo"], indirect=True)
async def test_one_who_dies_is_followed_by_another(backend):
    log, store = stores_of(backend)
    hang, receiver = asyncio.Event(), FlakyReceiver()
    send = receiver.send

    async def send_but_hang(notice):
        verdict = await send(notice)
        if receiver.sent > 5:
            await hang.wait()
        return verdict

    delivery = Delivery(log, store, FakeChannels(r=receiver), lease_ttl_s=1)
    await delivery.add(Subscriber(name="r", kind="callable"), from_start=True)
    await log.append([event(number) for number in range(8)])
    receiver.send = send_but_hang
    task = asyncio.create_task(delivery.deliver())
    await until(lambda: receiver.sent > 5)
    task.cancel()  # what it has sent is not written down; its lease is given back
    await asyncio.gather(task, return_exceptions=True)
    receiver.send = send
    assert (await delivery.deliver()).accepted == 8
    assert (len(receiver.received), receiver.sent) == (8, 14)
