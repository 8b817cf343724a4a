"""One subscriber's turn: under its lease, window after window, each followed by a write of how far it is."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fmcsa_orchestrator.delivery.channel import ACCEPTED, Channel, Verdict
from fmcsa_orchestrator.delivery.in_order import advanced, send_in_order, send_one
from fmcsa_orchestrator.delivery.notice import Digest
from fmcsa_orchestrator.model.subscriber import Subscriber, SubscriberState, SubscriptionForm, going_well, set_back
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.observability.hooks import note
from fmcsa_orchestrator.storage.event_log import EventLog, Wanted
from fmcsa_orchestrator.storage.held_leases import HeldLeases
from fmcsa_orchestrator.storage.leases import Lease, lost_to_another
from fmcsa_orchestrator.storage.subscribers import SubscriberStore

log = logging.getLogger(__name__)

WINDOW = 100  # events that are read, and may be under way or accepted, before it is written how far it is


@dataclass(slots=True)
class Turn:
    """What one subscriber is told now.

    Attributes:
        subscriber: as it was read, and as it is after each write.
        accepted: events so far.
    """

    subscriber: Subscriber
    channel: Channel
    store: SubscriberStore
    event_log: EventLog
    held: HeldLeases
    lease: Lease
    park_after: timedelta
    stopping: asyncio.Event
    accepted: int = 0

    async def run(self) -> None:
        """Until nothing is left, something is not accepted, or it is to stop.

        Raises: RepositoryError; LeaseLostError when somebody else has taken over, or the subscriber is gone.
        """
        while not self.stopping.is_set() and self.subscriber.is_due(current().now()):
            is_digest = self.subscriber.form is SubscriptionForm.DIGEST
            if not await (self._send_digest() if is_digest else self._send_window()):
                return
            document = await self.store.find(self.subscriber.name)
            if document is None:
                return
            self.subscriber = Subscriber.of(document)

    async def _send_window(self) -> bool:
        """Whether there may be more."""
        before = self.subscriber
        last = await self.event_log.last()
        events = await self.event_log.read(before.cursor, WINDOW, _wanted(before))
        waiting = [event for event in events if event["_id"] not in before.ahead]
        sent = await send_in_order(self.channel, waiting, before, self.stopping)
        self.accepted += len(sent.accepted)
        cursor, ahead = advanced(before.cursor, before.ahead, events, sent.accepted)
        is_whole = sent.verdict is None and not self.stopping.is_set()
        if is_whole and len(events) < WINDOW:
            cursor = max(cursor, last)  # what lies between was not wanted
        values: dict[str, Any] = {"cursor": cursor, "ahead": ahead}
        if sent.accepted:
            values["lastAccepted"] = current().now()
        moved = cursor > before.cursor
        if sent.verdict is not None:
            await self._write(values | self._failure(sent.verdict, moved=moved))
        elif moved or sent.accepted:
            await self._write(values | going_well())
        return is_whole and len(events) == WINDOW

    async def _send_digest(self) -> bool:
        """One message, or none where nothing has happened; False, since there is no other until tomorrow."""
        before, now = self.subscriber, current().now()
        day, digest, place = before.day(now), Digest(), before.cursor
        last = await self.event_log.last()
        while events := await self.event_log.read(place, WINDOW, _wanted(before)):
            digest.add(event for event in events if event["_id"] <= last)
            place = events[-1]["_id"]
            if len(events) < WINDOW or place >= last:
                break
        verdict = ACCEPTED
        if digest.count:
            verdict = await send_one(self.channel, lambda: digest.notice(f"{before.name}:{day}"), before)
        if verdict != ACCEPTED:
            await self._write(self._failure(verdict, moved=False))
            return False
        self.accepted += digest.count
        accepted = {"lastAccepted": now} if digest.count else {}
        await self._write({"cursor": max(before.cursor, last), "digestDay": day, **accepted, **going_well()})
        return False

    def _failure(self, verdict: Verdict, *, moved: bool) -> dict[str, Any]:
        return set_back(
            self.subscriber, verdict.why or "", current().now(), self.park_after,
            pause_s=verdict.pause_s, is_gone=verdict.is_gone, moved=moved,
        )  # fmt: skip

    async def _write(self, values: Mapping[str, Any]) -> None:
        name, token = self.subscriber.name, self.lease.token
        if not await self.held.write(lambda: self.store.change(name, values, token)):
            raise lost_to_another()
        self.subscriber = Subscriber.of({**self.subscriber.document(), **values})
        if (why := values.get("why")) is None:
            return
        if self.subscriber.state is SubscriberState.PARKED:
            note(log, logging.ERROR, "subscriber_parked", subscriber=name, reason=why)
        else:
            at = self.subscriber.next_try
            note(
                log, logging.WARNING, "delivery_refused", subscriber=name, attempts=self.subscriber.attempts, reason=why, again=at
            )


def _wanted(subscriber: Subscriber) -> Wanted:
    return Wanted(types=subscriber.types, companies=subscriber.companies, severities=subscriber.severities)
