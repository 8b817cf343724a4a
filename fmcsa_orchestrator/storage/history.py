"""What is asked of the store that keeps something of each SMS run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from fmcsa_orchestrator.storage.row_diff import scope_of


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What is kept of one company and one run.

    Attributes:
        company_id: what is in the company's `_id`.
        usdot: its USDOT number.
        as_of: the day of the run's files.
        at: when we read them.
        content: what is kept.
    """

    company_id: Any
    usdot: int
    as_of: datetime
    at: datetime
    content: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """As it is stored: one for each company, carrier and day, written again when it is read again."""
        return {
            "_id": f"{scope_of(self.company_id)}{self.usdot}:{self.as_of:%Y-%m-%d}",
            "companyId": self.company_id,
            "usdot": self.usdot,
            "asOf": self.as_of,
            "readAt": self.at,
            **self.content,
        }


class History(Protocol):
    """Entries by company and run.

    Raises:
        RepositoryError: from every method, when the store does not work.
    """

    async def keep(self, entries: Sequence[HistoryEntry]) -> None:
        """Write these, in place of what is there of the same company, carrier and day."""

    async def of(self, company_id: Any, usdot: int, limit: int = 36) -> list[Mapping[str, Any]]:
        """The last so many of this company and carrier, the oldest first."""
