"""Events, prepared for people. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.carrier_events import TYPE_PREFIX
from fmcsa_orchestrator.model.documents import as_object, as_time
from fmcsa_orchestrator.model.text import printable

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class EventView:
    """One event, with its words fit to be shown."""

    place: int
    type: str
    severity: str
    carrier: str
    company: str
    seen: datetime | None
    occurred_on: datetime | None
    what: str


def event_view(event: Mapping[str, Any]) -> EventView:
    """As the store has it."""
    data = as_object(event.get("data"))
    place = event.get("_id")
    return EventView(
        place=place if isinstance(place, int) else 0,
        type=_words(event.get("type")).removeprefix(TYPE_PREFIX),
        severity=_words(data.get("severity")),
        carrier=f"USDOT {_words(data.get('usdot'))}",
        company=_words(data.get("companyId")),
        seen=as_time(event.get("time")),
        occurred_on=as_time(data.get("occurredOn")),
        what=_what(data.get("before"), data.get("after"), _words(as_object(data.get("evidence")).get("key"))),
    )


def _what(before: Any, after: Any, key: str) -> str:
    """What it is about, and what is other than it was: of objects, the fields that differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        changed = [
            f"{printable(str(name))} {_words(before.get(name))} → {_words(value)}"
            for name, value in after.items()
            if before.get(name) != value
        ]
        return f"{key}: {', '.join(changed)}"[:_LONGEST]
    if isinstance(before, dict) or isinstance(after, dict):
        told = before if isinstance(before, dict) else after
        facts = [f"{printable(str(name))} {_words(value)}" for name, value in told.items() if value not in (None, 0, False, "")]
        return f"{key}: {', '.join(facts)}"[:_LONGEST]
    return f"{key}: {_words(before)} → {_words(after)}"[:_LONGEST]


def _words(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return "-" if value is None else printable(str(value))[:80]
