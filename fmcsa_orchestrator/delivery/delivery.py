"""Delivers events to all subscribers, each in a turn of its own, and keeps the subscribers themselves."""

import asyncio
import logging
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

from fmcsa_orchestrator.delivery.channel import ACCEPTED, ClosedChannel, OnNotice
from fmcsa_orchestrator.delivery.channels import Channels, Way
from fmcsa_orchestrator.delivery.in_order import send_one
from fmcsa_orchestrator.delivery.notice import notice_of
from fmcsa_orchestrator.delivery.turn import Turn
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, Observation, Severity
from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.deliveries import Delivered, DeliverySummary
from fmcsa_orchestrator.model.documents import bson_time
from fmcsa_orchestrator.model.errors import FmcsaError, LeaseHeldError, LeaseLostError, RepositoryError, SettingsError
from fmcsa_orchestrator.model.events import EventsDelivered
from fmcsa_orchestrator.model.subscriber import Subscriber, SubscriberKind, SubscriberState, SubscriptionForm, going_well, stood
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.observability.hooks import emit, note
from fmcsa_orchestrator.observability.redaction import redact
from fmcsa_orchestrator.storage.event_log import EventLog
from fmcsa_orchestrator.storage.held_leases import held_leases
from fmcsa_orchestrator.storage.leases import TTL_S, new_owner
from fmcsa_orchestrator.storage.subscribers import SubscriberStore

log = logging.getLogger(__name__)

_AT_ONCE = 50  # turns: each holds a window of events
_NOT_HERE = "this process has no callable of its name"


class Delivery:
    """Events on their way to subscribers.

    Args:
        event_log: where the events are.
        store: where the subscribers are.
        channels: how they are reached.
        park_after: for so long a subscriber may accept nothing before it is parked.
        lease_ttl_s: seconds after which a deliverer that has died may be taken over.
        secrets: values taken out of every text that is logged, stored or returned.
    """

    def __init__(
        self,
        event_log: EventLog,
        store: SubscriberStore,
        channels: Channels,
        *,
        park_after: timedelta = timedelta(days=5),
        lease_ttl_s: float = TTL_S,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._event_log = event_log
        self._store = store
        self.channels = channels
        self._park_after = park_after
        self._lease_ttl_s = lease_ttl_s
        self._secrets = secrets
        self._under_way: set[asyncio.Event] = set()

    async def deliver(
        self,
        callables: Mapping[str, OnNotice] | None = None,
        *,
        deadline_s: float | None = None,
        every_s: float | None = None,
    ) -> DeliverySummary:
        """Tell each subscriber what is there for it. What goes wrong at one is in the summary, and holds up no other.

        With `every_s` it goes on until `stop`, and looks so often for something new; a turn that takes longer goes on meanwhile.

        Raises: RepositoryError, when the store does not work.
        """
        stopping, loop, started_at = asyncio.Event(), asyncio.get_running_loop(), current().now()
        timer = None if deadline_s is None else loop.call_later(deadline_s, stopping.set)
        summary: dict[str, Delivered] = {}
        turns: dict[str, asyncio.Task[None]] = {}
        free = asyncio.Semaphore(_AT_ONCE)
        self._under_way.add(stopping)
        try:
            async with self.channels.opened(callables or {}) as way:
                while True:
                    try:
                        await self._begin(turns, summary, way, free, stopping)
                    except RepositoryError as error:
                        if every_s is None:
                            raise
                        note(log, logging.WARNING, "delivery_failed", subscriber=None, error=self._text(error))
                    if every_s is None:
                        break
                    with suppress(TimeoutError):
                        async with asyncio.timeout(every_s):
                            await stopping.wait()
                    if stopping.is_set():
                        break
                await asyncio.gather(*turns.values())
        finally:
            for turn in turns.values():
                turn.cancel()
            await asyncio.gather(*turns.values(), return_exceptions=True)
            self._under_way.discard(stopping)
            if timer is not None:
                timer.cancel()
        return DeliverySummary(subscribers=summary, started_at=started_at, finished_at=current().now())

    def stop(self) -> None:
        """Have all that is under way end soon: what has been sent is seen to its end, and written down."""
        for stopping in self._under_way:
            stopping.set()

    async def _begin(
        self,
        turns: dict[str, asyncio.Task[None]],
        summary: dict[str, Delivered],
        way: Way,
        free: asyncio.Semaphore,
        stopping: asyncio.Event,
    ) -> None:
        """A turn for each that is due, has not all of it, and is not at it."""
        documents = await self._store.all()
        last = await self._event_log.last() if documents else 0

        async def turn(document: Mapping[str, Any]) -> None:
            async with free:
                told = await self._guarded_turn(document, last, way, stopping)
            if told is not None:
                before = summary.get(told.subscriber, told.model_copy(update={"accepted": 0}))
                summary[told.subscriber] = told.model_copy(update={"accepted": before.accepted + told.accepted})

        for document in documents:
            name = str(document["_id"])
            if name not in turns or turns[name].done():
                turns[name] = asyncio.create_task(turn(document), name=f"fmcsa delivery to {name}")

    async def _guarded_turn(self, document: Mapping[str, Any], last: int, way: Way, stopping: asyncio.Event) -> Delivered | None:
        """What this subscriber was told; None where there was nothing to tell, or it is not its time."""
        name = str(document["_id"])
        try:
            return await self._turn(document, last, way, stopping)
        except (LeaseHeldError, LeaseLostError):
            return Delivered(subscriber=name, skipped="another deliverer is at it")
        except Exception as error:  # noqa: BLE001  # nothing that is wrong with one is to hold up the others
            ours = isinstance(error, FmcsaError)
            lines = "" if ours else redact("".join(traceback.format_exception(error)), self._secrets)
            level = logging.WARNING if ours else logging.ERROR
            note(log, level, "delivery_failed", subscriber=name, error=self._text(error), details=lines)
            return Delivered(subscriber=name, error=self._text(error))

    async def _turn(self, document: Mapping[str, Any], last: int, way: Way, stopping: asyncio.Event) -> Delivered | None:
        subscriber = Subscriber.of(document)
        has_all = subscriber.cursor >= last and subscriber.form is SubscriptionForm.EACH
        if has_all or not subscriber.is_due(current().now()):
            parked = subscriber.state is SubscriberState.PARKED
            return self._told(subscriber, 0) if parked or subscriber.why else None
        try:
            channel = await way(subscriber)
        except SettingsError as error:
            channel = ClosedChannel(str(error))
        if channel is None:
            return Delivered(subscriber=subscriber.name, state=subscriber.state, skipped=_NOT_HERE)
        async with held_leases(self._store.leases, new_owner(), self._lease_ttl_s) as held:
            (lease,) = await held.take([document])
            if isinstance(lease, RepositoryError):
                raise lease
            turn = Turn(subscriber, channel, self._store, self._event_log, held, lease, self._park_after, stopping)
            await turn.run()
        if turn.accepted:
            note(log, logging.INFO, "events_delivered", subscriber=subscriber.name, accepted=turn.accepted)
        told = self._told(turn.subscriber, turn.accepted)
        if told.accepted or told.error:
            await emit(EventsDelivered(told))
        return told

    def _told(self, subscriber: Subscriber, accepted: int) -> Delivered:
        return Delivered(
            subscriber=subscriber.name,
            accepted=accepted,
            state=subscriber.state,
            error=subscriber.why,
            next_try=subscriber.next_try,
        )

    def _text(self, error: Exception) -> str:
        return redact(str(error), self._secrets)[:500]

    async def check(self) -> list[Finding]:
        """For `doctor`: those that get nothing although somebody has subscribed. Raises: RepositoryError."""
        found = [Subscriber.of(document) for document in await self._store.all()]
        parked = [subscriber for subscriber in found if subscriber.state is SubscriberState.PARKED]
        if not parked:
            return [Finding("subscribers", True, f"{len(found)}, none of them parked")]
        return [
            Finding(
                f"subscriber {subscriber.name}", False, f"parked since {subscriber.since}: {subscriber.why}",
                f"mend its receiver, then: fmcsa-orchestrator subscribers resume {subscriber.name}",
            )
            for subscriber in parked
        ]  # fmt: skip

    async def subscribers(self) -> Sequence[Subscriber]:
        """All of them. Raises: RepositoryError; SettingsError for a document that is none."""
        return [Subscriber.of(document) for document in await self._store.all()]

    async def add(self, subscriber: Subscriber, *, from_start: bool = False) -> Subscriber:
        """Have it told of what happens from now on, or of all that the log still has.

        Raises: SettingsError where its name is taken, or nothing can be sent to it; RepositoryError.
        """
        await self._reachable(subscriber)
        new = subscriber.begun(0 if from_start else await self._event_log.last(), current().now())
        if not await self._store.add(new.document()):
            raise SettingsError(f"there is a subscriber of the name `{new.name}` already")
        return new

    async def remove(self, name: str) -> None:
        """Tell it nothing any more, and forget how far it was. Raises: SettingsError where there is none; RepositoryError."""
        if not await self._store.remove(name):
            raise _unknown(name)

    async def pause(self, name: str) -> None:
        """Tell it nothing for now. Raises: SettingsError where there is none; RepositoryError."""
        await self._change(name, stood(SubscriberState.PAUSED, current().now()))

    async def resume(self, name: str) -> None:
        """Go on where it was left, at once. Raises: SettingsError where there is none; RepositoryError."""
        await self._change(name, going_well() | stood(SubscriberState.ACTIVE, current().now()))

    async def test(self, name: str, callables: Mapping[str, OnNotice] | None = None) -> Delivered:
        """Send it an event of the type `fmcsa.test`, whatever it wants and however far it is; nothing is written.

        Raises: SettingsError where there is none, or nothing can be sent to it; RepositoryError.
        """
        document = await self._store.find(name)
        if document is None:
            raise _unknown(name)
        subscriber, now = Subscriber.of(document), bson_time(current().now())
        seen = Observation(company_id="test", usdot=0, source="test", at=now, as_of=None)
        event = seen.document(CarrierEvent("test", uuid4().hex, Severity.INFO, after="this is a test; nothing has changed"))
        async with self.channels.opened(callables or {}) as way:
            channel = await way(subscriber)
            if channel is None:
                raise SettingsError(_NOT_HERE)
            verdict = await send_one(channel, lambda: notice_of(event), subscriber)
        is_accepted = verdict == ACCEPTED
        return Delivered(subscriber=name, accepted=int(is_accepted), state=subscriber.state, error=verdict.why)

    async def _change(self, name: str, values: Mapping[str, Any]) -> None:
        if not await self._store.change(name, values):
            raise _unknown(name)

    async def _reachable(self, subscriber: Subscriber) -> None:
        """Raises: SettingsError when nothing could ever be sent to it."""
        if subscriber.kind is not SubscriberKind.CALLABLE:
            async with self.channels.opened({}) as way:
                await way(subscriber)


def _unknown(name: str) -> SettingsError:
    return SettingsError(f"there is no subscriber of the name `{name}`")
