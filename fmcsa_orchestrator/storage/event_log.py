"""What is asked of the log of carriers' events: it keeps each once, in one order that everybody sees alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

BEGINNING = 10**12  # the place before that of the first event: all have as many digits, and sort as text as well


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events.

    Attributes:
        types: as the catalogue names them; a part before the dot, as "violation", stands for all that begin with it. Empty: all.
        companies: what is in the `_id` of the companies. Empty: all.
        severities: empty: all.
        since: only those seen since then.
    """

    types: Sequence[str] = ()
    companies: Sequence[Any] = ()
    severities: Sequence[str] = ()
    since: datetime | None = None


class EventLog(Protocol):
    """Events with a place in one order, their `_id`, an int that only grows.

    When an event can be read, so can all that have a lower place: a cursor never passes over one that is stored late.

    Raises:
        RepositoryError: from every method, when the store does not work.
    """

    async def append(self, documents: Sequence[Mapping[str, Any]]) -> int:
        """Put these at the end, in their order, less those whose `id` is there already; how many were new."""

    async def read(self, after: int, limit: int, wanted: Wanted) -> list[Mapping[str, Any]]:
        """The next events behind this place, in order."""

    async def latest(self, limit: int, wanted: Wanted, *, after: int = 0) -> list[Mapping[str, Any]]:
        """The last so many events behind this place, in order."""

    async def last(self) -> int:
        """The place of the last event; 0 where there is none."""
