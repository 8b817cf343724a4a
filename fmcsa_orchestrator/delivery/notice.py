"""What a subscriber is sent: an event, or a digest of many, as JSON and as text. Pure functions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.report.feed import EventView, event_view

_KEPT = 100  # events that a digest tells one by one, the most severe of them
_OF_THE_STORE = {"_id", "expiring"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What a subscriber is sent, once or several times over.

    Attributes:
        id: the same however often it is sent: the event's `id`, or of a digest its subscriber and day.
        title: a line for people.
        text: lines for people.
        events: the event, as a CloudEvents object; of a digest at most a hundred, the most severe ones.
    """

    id: str
    title: str
    text: str
    events: tuple[Mapping[str, Any], ...]

    def body(self) -> bytes:
        """The event as JSON; an id that JSON does not have, such as an ObjectId, is text."""
        return to_json(self.events[0], fallback=str, inf_nan_mode="null")


def cloud_event(document: Mapping[str, Any]) -> dict[str, Any]:
    """The event as it is told to others: without what is the store's."""
    return {name: value for name, value in document.items() if name not in _OF_THE_STORE}


def notice_of(document: Mapping[str, Any]) -> Notice:
    """That of one event."""
    view = event_view(document)
    title = f"[{view.severity}] {view.type}: {view.carrier}"
    return Notice(str(document["id"]), title, f"{_entry(view)}\ncompany: {view.company}", (cloud_event(document),))


class Digest:
    """Many events, of which only counts are kept, and the most severe ones.

    Attributes:
        count: of all.
    """

    def __init__(self) -> None:
        self.count = 0
        self._severities: Counter[str] = Counter()
        self._carriers: set[Any] = set()
        self._kept: list[Mapping[str, Any]] = []

    def add(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Take these in."""
        new = list(documents)
        self.count += len(new)
        self._severities.update(str(document["data"].get("severity")) for document in new)
        self._carriers.update(document["data"].get("usdot") for document in new)
        self._kept = sorted([*self._kept, *new], key=lambda document: (-_rank(document), document["_id"]))[:_KEPT]

    def notice(self, notice_id: str) -> Notice:
        """All of it, carrier by carrier in the order of the most severe event of each."""
        counts = [f"{self._severities[name]} {name}" for name in reversed(Severity) if self._severities[name]]
        title = f"FMCSA: {_number(self.count, 'change')} at {_number(len(self._carriers), 'carrier')} ({', '.join(counts)})"
        by_carrier: dict[str, list[str]] = {}
        for view in map(event_view, self._kept):
            by_carrier.setdefault(f"{view.carrier} (company {view.company})", []).append(f"  [{view.severity}] {_entry(view)}")
        parts = ["\n".join([carrier, *entries]) for carrier, entries in by_carrier.items()]
        if self.count > len(self._kept):
            parts.append(f"and {self.count - len(self._kept)} more that are less severe; all: fmcsa-orchestrator events")
        return Notice(notice_id, title, "\n\n".join(parts), tuple(map(cloud_event, self._kept)))


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _rank(document: Mapping[str, Any]) -> int:
    severity = document["data"].get("severity")
    return next((known.rank for known in Severity if known == severity), -1)


def _entry(view: EventView) -> str:
    when = "" if view.occurred_on is None else f", {view.occurred_on:%Y-%m-%d}"
    return f"{view.type}{when}: {view.what}"
