"""Delivery by the orchestrator: it never raises, and is wired by the settings."""

import logging

import pytest

from fmcsa_orchestrator import EventsDelivered, Orchestrator, Settings, Subscriber, open_orchestrator
from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.model.errors import RepositoryError, SettingsError
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.testing import InMemoryRepository
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog
from tests.support.backends import open_backend
from tests.support.deliveries import FakeChannels, FlakyReceiver, MortalStore, event


class NoLimit(Limiter):
    async def acquire(self):
        """At once."""


def orchestrator_with(delivery):
    return Orchestrator(sources=[], repository=InMemoryRepository(), limiter=NoLimit(), delivery=delivery)


class DownStore(MortalStore):
    async def all(self):
        raise RepositoryError("MongoDB is down")


@pytest.mark.parametrize("kind", ["wire-motor", "wire-pymongo"])
async def test_it_is_wired_by_the_settings(kind, wire_uri):
    told, got = [], []
    async with open_backend(kind, wire_uri) as backend:
        settings = Settings(subscribers_collection="listeners", park_after_days=1)
        async with open_orchestrator(settings, database=backend.database, on_event=told.append) as orchestrator:
            await orchestrator.delivery.add(Subscriber(name="alerts", kind="callable"))
            await MongoEventLog(backend.database).append([event(1), event(2)])
            summary = await orchestrator.deliver(callables={"alerts": got.append})
            assert (summary.success, summary.accepted, summary.exit_status, len(got)) == (True, 2, 0, 2)
            assert told == [EventsDelivered(summary.subscribers["alerts"])]
            assert summary.as_dict()["subscribers"]["alerts"]["state"] == "active"
            assert [document["_id"] async for document in backend.database["listeners"].find({})] == ["alerts"]
            findings = {finding.what: finding for finding in await orchestrator.check()}
            assert findings["subscribers"].text == "1, none of them parked"


async def test_without_events_there_is_nothing_to_deliver(wire_uri):
    async with (
        open_backend("wire-pymongo", wire_uri) as backend,
        open_orchestrator(Settings(events=False), database=backend.database) as orchestrator,
    ):
        summary = await orchestrator.deliver()
        assert (summary.failure.kind, summary.exit_status) == ("settings", 2)
        with pytest.raises(SettingsError, match="FMCSA_EVENTS"):
            _ = orchestrator.delivery


@pytest.mark.parametrize(("store", "kind", "source"), [(DownStore(), "database", "database"), (None, "unexpected", "delivery")])
async def test_it_never_raises(store, kind, source):
    summary = await orchestrator_with(Delivery(InMemoryEventLog(), store, FakeChannels())).deliver()
    assert (summary.failure.kind, summary.failure.source, summary.success, summary.exit_status) == (kind, source, False, 2)


async def test_while_it_goes_on_a_store_that_is_down_for_a_moment_ends_nothing(caplog):
    caplog.set_level(logging.WARNING)
    store, receiver = MortalStore(), FlakyReceiver()
    log = InMemoryEventLog()
    orchestrator = orchestrator_with(Delivery(log, store, FakeChannels(r=receiver)))
    await orchestrator.delivery.add(Subscriber(name="r", kind="callable"))
    await log.append([event(1)])
    original, looks = store.all, []

    async def fail_at_first():
        looks.append(1)
        if len(looks) < 3:
            raise RepositoryError("MongoDB is down")
        if len(looks) > 5:
            orchestrator.stop()
        return await original()

    store.all = fail_at_first
    summary = await orchestrator.deliver(every_s=0.001)
    assert (summary.success, summary.accepted) == (True, 1)
    assert "MongoDB is down" in caplog.text
