"""Sends events so that none of a company goes out before the earlier one of that company was accepted."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fmcsa_orchestrator.delivery.channel import ACCEPTED, Channel, Verdict
from fmcsa_orchestrator.delivery.notice import Notice, notice_of
from fmcsa_orchestrator.model.subscriber import Subscriber
from fmcsa_orchestrator.observability.hooks import note, watched

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sent:
    """What has become of some events.

    Attributes:
        accepted: the places of those that were.
        verdict: the first that was not accepted; None where all were that were sent.
    """

    accepted: set[int] = field(default_factory=set)
    verdict: Verdict | None = None


async def send_one(channel: Channel, make: Callable[[], Notice], subscriber: Subscriber) -> Verdict:
    """Make the notice and send it, and have it told to whoever measures. A bug on the way is this notice's failure."""
    with watched("delivery", {"kind": subscriber.kind.value}, subscriber=subscriber.name) as activity:
        try:
            verdict = await channel.send(make())
        except Exception as error:  # noqa: BLE001  # an event of a host's own source may be anything at all
            lines = "".join(traceback.format_exception(error))
            note(log, logging.ERROR, "delivery_failed", subscriber=subscriber.name, error=type(error).__name__, details=lines)
            verdict = Verdict(f"unexpected: {type(error).__name__}", of_notice=True)
        activity.outcome = "ok" if verdict == ACCEPTED else "refused"
    return verdict


async def send_in_order(
    channel: Channel, events: Sequence[Mapping[str, Any]], subscriber: Subscriber, stopping: asyncio.Event
) -> Sent:
    """Each company's one after another, the companies side by side as far as the channel allows.

    One that is not accepted ends its company's; where that says something of the receiver, no more is sent at all.
    """
    sent, is_over = Sent(), False
    free = asyncio.Semaphore(channel.parallel)
    lanes: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        lanes.setdefault(repr(event["data"].get("companyId")), []).append(event)

    async def send_lane(lane: Sequence[Mapping[str, Any]]) -> None:
        nonlocal is_over
        for event in lane:
            async with free:
                if is_over or stopping.is_set():
                    return
                verdict = await send_one(channel, partial(notice_of, event), subscriber)
            if verdict != ACCEPTED:
                is_over = is_over or not verdict.of_notice
                sent.verdict = _worse(sent.verdict, verdict)
                return
            sent.accepted.add(event["_id"])

    async with asyncio.TaskGroup() as group:
        for lane in lanes.values():
            group.create_task(send_lane(lane))
    return sent


def _worse(one: Verdict | None, other: Verdict) -> Verdict:
    """Of two refusals the one that says more of the receiver."""
    return other if one is None or (one.of_notice and not other.of_notice) or other.is_gone else one


def advanced(cursor: int, ahead: Sequence[int], events: Sequence[Mapping[str, Any]], accepted: set[int]) -> tuple[int, list[int]]:
    """The place up to which all is accepted now, and the places behind it that are, too."""
    done = accepted | set(ahead)
    for event in events:
        if event["_id"] not in done:
            break
        cursor = event["_id"]
    return cursor, sorted(place for place in done if place > cursor)
