"""What has changed about a carrier: an event as a source tells it, and as it is stored, in the form of CloudEvents 1.0."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from pydantic_core import to_json

from fmcsa_orchestrator.model.documents import bson_time, canonical

SCHEMA_VERSION = 1  # of `data`: fields are only ever added
TYPE_PREFIX = "fmcsa."


class Severity(StrEnum):
    """How much somebody who watches the carrier is to be alarmed; in order."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place in the order, from 0."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """One change, as a source tells it.

    Attributes:
        type: as the catalogue names it, such as "violation.added".
        key: what it is about, natural and unique within the carrier: a row's id, or a field's path. Rows that tell of one
            thing, as the vehicles of a crash do, give the same, with the same values.
        severity: how alarming it is.
        before: what was there; None where there was nothing.
        after: what is there now; None where it is gone.
        occurred_on: upstream's own date of it; None where it has none.
        data: what else is known, by name.
    """

    type: str
    key: str
    severity: Severity
    before: Any = None
    after: Any = None
    occurred_on: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that is new, other, or gone.

    Attributes:
        key: the document's id, without the company's.
        before: its content as it was; None where it is new, or has come back.
        after: its content now; None where upstream has it no more, before its time.
        others_before: whether there were other rows of its group, as the source's `row_group` has it.
        others_after: whether there are others now.
    """

    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    others_before: bool = False
    others_after: bool = False


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What a source owns in the company's document, before and after.

    Attributes:
        before: dotted path -> value.
        after: the same paths.
        document: the whole document as it is now, for what depends on more than the source's own fields.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """Where and when events were seen.

    Attributes:
        company_id: what is in the company's `_id`.
        usdot: its USDOT number.
        source: the name of the source that tells them.
        at: when we saw them.
        as_of: the time of upstream's own data; None where it does not tell.
        since: the time of the data that was stored before, against which it is a change. A sync that was killed leaves that as
            it was: the next one sees the same change, whatever upstream has put out meanwhile.
    """

    company_id: Any
    usdot: int
    source: str
    at: datetime
    as_of: datetime | None
    since: datetime | None = None

    def document(self, event: CarrierEvent) -> dict[str, Any]:
        """The event as it is stored, less its place in the log; the same change of what was stored has the same `id`."""
        return {
            "specversion": "1.0",
            "id": self._id(event),
            "source": f"/fmcsa/{self.source}",
            "type": f"{TYPE_PREFIX}{event.type}",
            "subject": f"usdot/{self.usdot}",
            "time": bson_time(self.at),
            "datacontenttype": "application/json",
            "data": {
                **event.data,
                "schemaVersion": SCHEMA_VERSION,
                "companyId": self.company_id,
                "usdot": self.usdot,
                "occurredOn": event.occurred_on,
                "observedAt": bson_time(self.at),
                "dataAsOf": self.as_of,
                "severity": event.severity.value,
                "before": event.before,
                "after": event.after,
                "evidence": {"source": self.source, "key": event.key},
            },
        }

    def _id(self, event: CarrierEvent) -> str:
        what = [self.company_id, self.usdot, self.source, event.type, event.key, event.before, event.after, self.since]
        return blake2b(to_json(canonical(what)), digest_size=16).hexdigest()
