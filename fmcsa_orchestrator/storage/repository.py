"""What the orchestrator asks of a store: the protocol, and the two values that pass through it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from fmcsa_orchestrator.model.company import Company, Document, Finding
from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.storage.leases import LeaseStore

WRONG_CLOCK = timedelta(minutes=5)  # an attempt further in the future than this was stamped by a wrong clock

Write = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


async def plainly(call: Callable[[], Awaitable[Any]]) -> Any:
    """The `Write` of one who needs no lease."""
    return await call()


@dataclass(frozen=True, slots=True)
class CompanyUpdate:
    """One company's `$set`: its fields and its status together.

    Attributes:
        company_id: what is in `_id`.
        values: dotted path -> value.
        token: it is written only while the document's lease still has this one.
    """

    company_id: Any
    values: Mapping[str, Any]
    token: int | None = None


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

    async def prepare(self, collections: Sequence[str]) -> None:
        """Make sure of the indexes, for the companies and for these row collections."""

    async def check(self, collections: Sequence[str]) -> Sequence[Finding]:
        """For `doctor`: whether the store works, and whether the companies are such that they can be synced."""

    async def record_run(self, facts: Mapping[str, Any]) -> None:
        """Keep what became of the run that has just ended, in place of the one before."""

    async def last_run(self) -> Mapping[str, Any] | None:
        """What was kept of the last run that has ended; None before the first."""

    async def count_due(self, since: datetime, now: datetime) -> int:
        """How many companies have a dotNumber and were not attempted since."""

    async def take_due(self, since: datetime, now: datetime, limit: int, without: Sequence[Any]) -> list[Mapping[str, Any]]:
        """The documents of the next such companies, the least recently attempted first; `without` leaves ids out."""

    async def count_current(self, source: str, version: str) -> int:
        """How many companies hold this source's data at this version."""

    async def find_company(self, company_id: Any) -> Mapping[str, Any]:
        """One company's document.

        Raises:
            CompanyNotFoundError: for an id of a useless type too.
        """

    def check_fields(self, values: Mapping[str, Any]) -> None:
        """Raises: MalformedPayloadError, naming the path, for a value that the store cannot hold."""

    async def store_rows(
        self,
        company: Company,
        collection: str,
        documents: Sequence[Document],
        at: datetime,
        write: Write = plainly,
    ) -> int:
        """Make the company's rows in a collection equal to these, writing only differences; how many were written.

        Rows that are gone are kept and marked. Every write goes through `write`, whose LeaseLostError passes.

        Raises:
            ImplausibleEmptyError: when nothing is left of rows that ought to be; nothing is written.
            MalformedPayloadError: when two rows claim one id; nothing is written.
        """

    async def distrust(self, company_id: Any, sources: Sequence[str]) -> None:
        """Forget which versions a company's data is of, so that the next sync reads it again, whoever has its lease."""

    async def save(self, updates: Sequence[CompanyUpdate]) -> Mapping[int, RepositoryError]:
        """Write these updates, each whole or not at all; what was refused, by position.

        CompanyNotFoundError: it is gone. LeaseLostError: its token is no longer the update's.
        """
