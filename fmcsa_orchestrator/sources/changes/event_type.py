"""What a type of event is, for the catalogue of them, and what all that make events have in common."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, Severity


@dataclass(frozen=True, slots=True)
class EventType:
    """One type.

    Attributes:
        name: with a dot: what it is about, and what has happened.
        severity: how alarming it mostly is.
        says: what has happened, and what is told of it.
        opposite: the type that takes it back, if there is one.
    """

    name: str
    severity: Severity
    says: str
    opposite: str | None = None

    def event(self, key: str, *, severity: Severity | None = None, **more: Any) -> CarrierEvent:
        """One of it; `more` are other attributes of `CarrierEvent`."""
        return CarrierEvent(self.name, key, severity or self.severity, **more)


def picked(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """These fields of a row."""
    return {name: row.get(name) for name in names}
