"""What a source has to tell of one company's changes in one sync, as events ready for the log."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, Observation, RowChange
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.rules import AlertRules

RowEvents = Callable[[RowChange], Iterable[CarrierEvent]]
FieldEvents = Callable[[FieldChange, AlertRules], Iterable[CarrierEvent]]


@dataclass(frozen=True, slots=True)
class Teller:
    """One source's events of one company.

    A first success is the baseline: of it nothing is told, and there is no teller. Of a read that is not whole it tells what is
    stored of it, and nothing of what could not be read.

    Raises: from every method, whatever the source's function raises.
    """

    seen: Observation
    row_events: RowEvents
    field_events: FieldEvents
    rules: AlertRules

    def of_row(self, change: RowChange) -> list[dict[str, Any]]:
        """Of a row that is new, other, or gone; a row of another carrier, whose number the company had before, tells nothing."""
        if change.before is not None and change.before.get("usdot") != self.seen.usdot:
            change = RowChange(change.key, None, change.after)
        if change.before is None and change.after is None:
            return []
        return [self.seen.document(event) for event in self.row_events(change)]

    def of_fields(self, before: Mapping[str, Any], after: Mapping[str, Any], document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Of the source's own fields: the document as it was, the values by path, the document as it is now."""
        change = FieldChange({path: dig(before, path) for path in after}, after, document)
        return [self.seen.document(event) for event in self.field_events(change, self.rules)]
