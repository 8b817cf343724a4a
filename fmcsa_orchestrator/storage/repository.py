"""What the orchestrator asks of a store: the protocol, and the two values that pass through it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.storage.leases import LeaseStore

PREPARE_S = 600.0  # what making indexes may take where one asks for it: on a large collection they are built for minutes
WRONG_CLOCK = timedelta(minutes=5)  # an attempt further in the future than this was stamped by a wrong clock

# What a company's document may come to with what sources add: MongoDB's 16 MB, less what the status may need.
LARGEST_DOCUMENT = 16 * 2**20 - 64 * 2**10


@dataclass(frozen=True, slots=True)
class Ended:
    """A row that is to be marked as gone; `reason` tells why, where it is not simply that upstream has it no more."""

    row_id: str
    reason: str | None = None

    def mark(self, at: datetime) -> dict[str, Any]:
        """The fields to set."""
        return {"current": False, "endedAt": at} | ({} if self.reason is None else {"endedReason": self.reason})


RowWrite = Mapping[str, Any] | Ended  # a whole row to put in place, or the end of one


@dataclass(frozen=True, slots=True)
class CompanyUpdate:
    """One company's `$set`: its fields and its status together.

    Attributes:
        company_id: what is in `_id`.
        values: dotted path -> value.
        token: it is written only while the document's lease still has this one; of a company that cannot be leased whatever
            lies in its place.
    """

    company_id: Any
    values: Mapping[str, Any]
    token: Any = None


class CompanyRepository(Protocol):
    """Where companies are, and where what was read of them goes.

    Attributes:
        run_name: the name of the lease that lets one run at a time go over these companies.
        run_leases: where that lease is.
        company_leases: where those of single companies are.

    Raises:
        RepositoryError: from every method, when the store does not work, so that the run has to stop.
        CompanyWriteError: when it refuses just this company's data.
    """

    run_name: str
    run_leases: LeaseStore
    company_leases: LeaseStore

    async def prepare(self, collections: Sequence[str], limit_s: float = PREPARE_S) -> Sequence[Finding]:
        """Make what indexes are missing, for the companies and for these row collections, in so many seconds; a finding of each.

        What is refused, or takes longer, is a finding, and no error: all works without.
        """

    async def missing_indexes(self, collections: Sequence[str]) -> Sequence[str]:
        """Names of indexes that `prepare` would make, for the log; found without making any."""

    async def check(self, collections: Sequence[str]) -> Sequence[Finding]:
        """For `doctor`: whether the store works, and whether the companies are such that they can be synced."""

    async def record_run(self, facts: Mapping[str, Any]) -> None:
        """Keep what became of the run that has just ended, in place of the one before."""

    async def last_run(self) -> Mapping[str, Any] | None:
        """What was kept of the last run that has ended; None before the first."""

    async def last_survey(self, collection: str) -> Mapping[str, Any] | None:
        """Of the documents that `keep_survey` has put there, the one that was read last; None before the first."""

    async def keep_survey(self, collection: str, document: Mapping[str, Any]) -> None:
        """Keep a document that has an `_id` and the time `readAt`, in place of one with the same `_id`."""

    async def count_due(self, since: datetime, now: datetime) -> int:
        """How many companies have a dotNumber and were not attempted since."""

    async def take_due(
        self, since: datetime, now: datetime, limit: int, without: Sequence[Any], *, after: datetime | None = None
    ) -> list[Mapping[str, Any]]:
        """The next such companies, the least recently attempted first; `without` leaves ids out.

        `after` leaves out those whose last attempt was before it: they have been looked at, and left as they are.

        Of each `_id`, `dotNumber`, `name` and `fmcsaData.syncStatus`: nothing else is needed of one that is current.
        """

    async def find_companies(self, company_ids: Sequence[Any]) -> list[Mapping[str, Any]]:
        """The whole documents of these companies, as far as they are there, in any order."""

    async def count_current(self, source: str, version: str) -> int:
        """How many companies that have a dotNumber hold this source's data at this version."""

    async def find_company(self, company_id: Any) -> Mapping[str, Any]:
        """One company's document.

        Raises:
            CompanyNotFoundError: for an id of a useless type too.
        """

    def check_fields(self, values: Mapping[str, Any]) -> int:
        """How many bytes these take in the store; 0 where that does not matter.

        Raises: MalformedPayloadError, naming the path, for a value that the store cannot hold.
        """

    def stored_rows(
        self, collection: str, *, companies: Sequence[Any] = (), rows: Sequence[str] = ()
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """What `row_diff.PROJECTION` names, of all rows of these companies, or of the rows that have these ids; in parts."""

    async def whole_rows(self, collection: str, rows: Sequence[str]) -> list[Mapping[str, Any]]:
        """The whole of the rows that have these ids, as far as they are there, in any order."""

    async def write_rows(self, collection: str, rows: Sequence[RowWrite], at: datetime) -> Mapping[int, RepositoryError]:
        """Write each of these, in place of what is stored; what was refused, by position."""

    async def distrust(self, company_ids: Sequence[Any], sources: Sequence[str]) -> None:
        """Forget which versions the data of companies is of, so that the next sync reads it again, whoever has their leases."""

    async def save(self, updates: Sequence[CompanyUpdate]) -> Mapping[int, RepositoryError]:
        """Write these updates, each whole or not at all; what was refused, by position.

        CompanyNotFoundError: it is gone. LeaseLostError: its token is no longer the update's.
        """
