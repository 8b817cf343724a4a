"""What a subscriber is sent: an event, or a digest of many, as JSON and as text. Pure functions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from fmcsa_orchestrator.model.carrier_events import TYPE_PREFIX, Severity
from fmcsa_orchestrator.model.text import printable

_KEPT = 100  # events that a digest tells one by one, the most severe of them
_VALUE_LIMIT = 300  # characters of a value in a text
_OF_THE_STORE = {"_id", "expiring"}
_ENVELOPE = {
    "schemaVersion",
    "companyId",
    "usdot",
    "occurredOn",
    "observedAt",
    "dataAsOf",
    "severity",
    "before",
    "after",
    "evidence",
}


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
    data = document["data"]
    title = f"[{data.get('severity')}] {_name(document)}: USDOT {data.get('usdot')}"
    lines = [f"company: {_words(data.get('companyId'))}", *_lines(document)]
    return Notice(str(document["id"]), printable(title), "\n".join(map(printable, lines)), (cloud_event(document),))


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
        by_carrier: dict[str, list[Mapping[str, Any]]] = {}
        for document in self._kept:
            data = document["data"]
            by_carrier.setdefault(f"USDOT {data.get('usdot')} (company {_words(data.get('companyId'))})", []).append(document)
        lines = []
        for carrier, documents in by_carrier.items():
            lines += [carrier, *(_entry(document) for document in documents), ""]
        if self.count > len(self._kept):
            lines.append(f"and {self.count - len(self._kept)} more that are less severe; all: fmcsa-orchestrator events")
        text = "\n".join(map(printable, lines)).strip()
        return Notice(notice_id, title, text, tuple(map(cloud_event, self._kept)))


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _name(document: Mapping[str, Any]) -> str:
    return str(document["type"]).removeprefix(TYPE_PREFIX)


def _rank(document: Mapping[str, Any]) -> int:
    severity = document["data"].get("severity")
    return Severity(severity).rank if severity in set(Severity) else -1


def _entry(document: Mapping[str, Any]) -> str:
    return f"  [{document['data'].get('severity')}] {_name(document)}: {'; '.join(_lines(document))}"


def _lines(document: Mapping[str, Any]) -> list[str]:
    """What an event tells, a line each."""
    data = document["data"]
    occurred_on = data.get("occurredOn")
    lines = [] if occurred_on is None else [f"on: {_words(occurred_on)}"]
    lines += [f"{name}: {_words(data[name])}" for name in ("before", "after") if data.get(name) is not None]
    return lines + [f"{name}: {_words(value)}" for name, value in data.items() if name not in _ENVELOPE and value is not None]


def _words(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if value.hour == value.minute == 0 else f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, Mapping):
        value = ", ".join(f"{name} {_words(part)}" for name, part in value.items() if part is not None)
    elif isinstance(value, list | tuple):
        value = ", ".join(map(_words, value))
    text = str(value)
    return text if len(text) <= _VALUE_LIMIT else f"{text[: _VALUE_LIMIT - 1]}…"
