"""The log of events and the history in memory, for the fakes."""

from collections.abc import Mapping, Sequence
from typing import Any

from fmcsa_orchestrator.model.carrier_events import TYPE_PREFIX
from fmcsa_orchestrator.storage.event_log import BEGINNING, Wanted
from fmcsa_orchestrator.storage.history import HistoryEntry


class InMemoryEventLog:
    """An `EventLog` of one process: `events` in their order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def append(self, documents: Sequence[Mapping[str, Any]]) -> int:
        """Those that are not there."""
        known = {event["id"] for event in self.events}
        new = {document["id"]: document for document in documents if document["id"] not in known}
        last = await self.last()
        self.events += [{"_id": place, **document} for place, document in enumerate(new.values(), max(BEGINNING, last) + 1)]
        return len(new)

    async def read(self, after: int, limit: int, wanted: Wanted) -> list[Mapping[str, Any]]:
        """Those behind that place that are wanted."""
        found: list[Mapping[str, Any]] = [event for event in self.events if event["_id"] > after and _is_wanted(event, wanted)]
        return found[:limit]

    async def latest(self, limit: int, wanted: Wanted, *, after: int = 0) -> list[Mapping[str, Any]]:
        """The last of these."""
        return (await self.read(after, len(self.events), wanted))[-limit:]

    async def last(self) -> int:
        """The number of the last one."""
        return int(self.events[-1]["_id"]) if self.events else 0


class InMemoryHistory:
    """A `History` of one process: `documents` by their `_id`."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    async def keep(self, entries: Sequence[HistoryEntry]) -> None:
        """Write each."""
        self.documents |= {document["_id"]: document for document in (entry.document() for entry in entries)}

    async def of(self, company_id: Any, usdot: int, limit: int = 36) -> list[Mapping[str, Any]]:
        """Those of this company."""
        found: list[Mapping[str, Any]] = [
            row for row in self.documents.values() if row["companyId"] == company_id and row["usdot"] == usdot
        ]
        return sorted(found, key=lambda row: row["asOf"])[-limit:]


def _is_wanted(event: Mapping[str, Any], wanted: Wanted) -> bool:
    data, name = event["data"], event["type"].removeprefix(TYPE_PREFIX)
    return (
        (not wanted.types or any(name == one or name.startswith(f"{one}.") for one in wanted.types))
        and (not wanted.companies or data["companyId"] in wanted.companies)
        and (not wanted.severities or data["severity"] in wanted.severities)
        and (wanted.since is None or event["time"] >= wanted.since)
    )
