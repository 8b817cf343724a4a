"""Events to deliver, a clock that the test moves, and receivers that fail as told."""

from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

from fmcsa_orchestrator.delivery.channel import ACCEPTED, Verdict
from fmcsa_orchestrator.delivery.channels import Channels
from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, Observation, Severity
from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.model.subscriber import LEASE_FOLDER, Subscriber
from fmcsa_orchestrator.observability.context import SyncContext, entered
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog
from fmcsa_orchestrator.testing.memory_leases import InMemoryLeases
from fmcsa_orchestrator.testing.memory_subscribers import InMemorySubscribers

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)


def event(number, *, company="c1", type_="violation.added", severity=Severity.LOW):
    seen = Observation(company, 1_021_580, "violations", AT, AT)
    return seen.document(CarrierEvent(type_, f"row-{number}", severity, after={"violationCode": f"393.{number}"}))


class Clock:
    """Time that only the test moves."""

    def __init__(self, at=AT):
        self.at = at

    def __call__(self):
        return self.at

    def pass_by(self, **delta):
        self.at += timedelta(**delta)

    @contextmanager
    def ruling(self, *listeners):
        with entered(SyncContext(now=self, listeners=listeners)):
            yield


class MortalLeases(InMemoryLeases):
    """Those of a `MortalStore`."""

    store = None

    async def take(self, documents, owner, ttl_s):
        self.store.check()
        return await super().take(documents, owner, ttl_s)

    async def release(self, leases, finished=()):
        self.store.check()
        await super().release(leases, finished)


class MortalStore(InMemorySubscribers):
    """Subscribers in memory; while it is `dead`, the process that uses it might as well be."""

    def __init__(self):
        super().__init__()
        self.dead = False
        self.leases = MortalLeases(self.documents, LEASE_FOLDER)
        self.leases.store = self

    def check(self):
        if self.dead:
            raise RepositoryError("dead")

    async def find(self, name):
        self.check()
        return await super().find(name)

    async def change(self, name, values, token=None):
        self.check()
        return await super().change(name, values, token)


VERDICTS = {
    "down": Verdict("it answered 500"),
    "bad": Verdict("it answered 400", of_notice=True),
    "gone": Verdict("it answered 410", is_gone=True),
    "unheard": Verdict("it gave no answer in time"),
}


class FlakyReceiver:
    """A channel that does as `outcomes` say, one by one, and then takes all: a verdict, a word of `VERDICTS`, "ok", "killed".

    It remembers each event when it comes for the first time.
    """

    def __init__(self, outcomes=(), *, store=None, parallel=4):
        self.parallel = parallel
        self.outcomes = list(outcomes)
        self.store = store
        self.received = []
        self.sent = 0

    async def send(self, notice):
        if self.store is not None and self.store.dead:
            return Verdict("nothing more goes out")
        self.sent += 1
        outcome = self.outcomes.pop(0) if self.outcomes else "ok"
        if outcome in {"ok", "unheard", "killed"} and notice.id not in self.received:
            self.received.append(notice.id)
        if outcome == "killed":
            self.store.dead = True
        return outcome if isinstance(outcome, Verdict) else VERDICTS.get(outcome, ACCEPTED)


class FakeChannels:
    """Ways to receivers by the subscriber's name."""

    def __init__(self, **receivers):
        self.receivers = receivers

    @asynccontextmanager
    async def opened(self, callables):
        async def way(subscriber):
            return self.receivers.get(subscriber.name)

        yield way


class Deliveries:
    """A log, subscribers, and a delivery between them, all in memory; subscribers want everything from the start."""

    def __init__(self, receivers, *, store=None, **options):
        self.clock = Clock()
        self.log = InMemoryEventLog()
        self.store = store or InMemorySubscribers()
        self.store.leases.now = self.clock
        self.delivery = Delivery(self.log, self.store, FakeChannels(**receivers), **options)

    async def subscribe(self, name, **attributes):
        with self.clock.ruling():
            return await self.delivery.add(Subscriber(name=name, kind="callable", **attributes), from_start=True)

    async def deliver(self, **options):
        with self.clock.ruling():
            return await self.delivery.deliver(**options)

    async def stored(self, name):
        return Subscriber.of(self.store.documents[name])


def real(secrets=None, *, log=None, store=None, **options):
    """A delivery over real channels to receivers on this machine."""
    options = {"allow_private": True, "timeout_s": 20, **options}
    return Delivery(log or InMemoryEventLog(), store or InMemorySubscribers(), Channels(secrets=secrets or {}, **options))
