"""Fakes for tests of host apps and of this library: a source by function, a repository in memory."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from inspect import isawaitable
from itertools import islice
from typing import Any

from fmcsa_orchestrator.model.company import Company, Finding, SourceReport
from fmcsa_orchestrator.model.documents import differs, dig, settable, with_values
from fmcsa_orchestrator.model.errors import CompanyNotFoundError, CompanyWriteError, RepositoryError
from fmcsa_orchestrator.model.status import LEASE, STATUS, StoredLease
from fmcsa_orchestrator.storage.leases import LeaseStore, lost_to_another
from fmcsa_orchestrator.storage.repository import PREPARE_S, WRONG_CLOCK, CompanyUpdate, Ended, RowWrite
from fmcsa_orchestrator.testing.memory_leases import InMemoryLeases

Fetch = Callable[[Company], SourceReport | Awaitable[SourceReport]]


class FakeSource:
    """A source that answers by a function, and remembers for whom it was asked."""

    def __init__(self, name: str, fetch: Fetch, *, owns: Iterable[str] = (), collection: str | None = None) -> None:
        self.name = name
        self.owns = tuple(owns)
        self.collection = collection
        self.asked: list[Company] = []
        self._fetch = fetch

    async def fetch(self, company: Company) -> SourceReport:
        """What the function gives, awaited where need be."""
        self.asked.append(company)
        answer = self._fetch(company)
        return await answer if isawaitable(answer) else answer


class InMemoryRepository:
    """A `CompanyRepository` of dicts: `companies` by `_id`, `rows` by collection, then company, then `_id`.

    `surveys` are by collection, then `_id`. As strict as MongoDB where it matters: a path through null is refused. It never
    yields to other tasks, so it proves nothing about concurrency.
    """

    def __init__(self, companies: Iterable[Mapping[str, Any]] = ()) -> None:
        oldest_first = sorted(companies, key=lambda company: str(_last_run(company) or ""))
        self.companies: dict[Any, Mapping[str, Any]] = {company["_id"]: company for company in oldest_first}
        self.rows: defaultdict[str, defaultdict[Any, dict[str, dict[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
        self.surveys: defaultdict[str, dict[Any, Mapping[str, Any]]] = defaultdict(dict)
        self.saves = 0
        self.run_name = "run"
        self._last_run: Mapping[str, Any] | None = None
        self.run_leases: LeaseStore = InMemoryLeases({})
        self.company_leases: LeaseStore = InMemoryLeases(self.companies, LEASE)

    async def prepare(self, collections: Sequence[str], limit_s: float = PREPARE_S) -> Sequence[Finding]:  # noqa: ARG002  # same
        """Nothing to prepare."""
        return []

    async def missing_indexes(self, collections: Sequence[str]) -> Sequence[str]:  # noqa: ARG002  # same
        """Nothing is missing."""
        return []

    async def check(self, collections: Sequence[str]) -> Sequence[Finding]:
        """Memory works."""
        held = f"{len(self.companies)} in memory, and {len(collections)} collections of rows"
        return [Finding("companies", bool(self.companies), held)]

    async def record_run(self, facts: Mapping[str, Any]) -> None:
        """Keep it."""
        self._last_run = {**(self._last_run or {}), **facts}

    async def last_run(self) -> Mapping[str, Any] | None:
        """What was kept."""
        return self._last_run

    async def last_survey(self, collection: str) -> Mapping[str, Any] | None:
        """The one that was read last."""
        return max(self.surveys[collection].values(), key=lambda document: document["readAt"], default=None)

    async def keep_survey(self, collection: str, document: Mapping[str, Any]) -> None:
        """Keep it."""
        self.surveys[collection][document["_id"]] = document

    async def count_due(self, since: datetime, now: datetime) -> int:
        """How many are due."""
        return sum(1 for company in self.companies.values() if _is_due(company, since, now))

    async def take_due(
        self, since: datetime, now: datetime, limit: int, without: Sequence[Any], *, after: datetime | None = None
    ) -> list[Mapping[str, Any]]:
        """The next ones; `save` puts a company at the end."""
        fitting = (
            company
            for key, company in self.companies.items()
            if _is_due(company, since, now) and key not in without and not _is_before(_last_run(company), after)
        )
        return list(islice(fitting, limit))

    async def count_current(self, source: str, version: str) -> int:
        """How many hold this version."""
        path = f"{STATUS}.sources.{source}.version"
        return sum(1 for company in self.companies.values() if _has_number(company) and dig(company, path) == version)

    async def find_company(self, company_id: Any) -> Mapping[str, Any]:
        """By `_id`, as it is."""
        try:
            return self.companies[company_id]
        except (KeyError, TypeError):
            raise CompanyNotFoundError(f"no company has the _id {company_id!r:.60}") from None

    def check_fields(self, values: Mapping[str, Any]) -> int:  # noqa: ARG002  # as the protocol has it
        """Memory holds anything, of any size."""
        return 0

    async def find_companies(self, company_ids: Sequence[Any]) -> list[Mapping[str, Any]]:
        """Those that are there."""
        return [self.companies[company_id] for company_id in company_ids if company_id in self.companies]

    async def stored_rows(
        self, collection: str, *, companies: Sequence[Any] = (), rows: Sequence[str] = ()
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """All there is of them, a company at a time."""
        wanted = set(rows)
        for company_id, stored in list(self.rows[collection].items()):
            if part := [row for row in stored.values() if company_id in companies or row["_id"] in wanted]:
                yield part

    async def whole_rows(self, collection: str, rows: Sequence[str]) -> list[Mapping[str, Any]]:
        """Those that are there."""
        return [stored[key] for stored in self.rows[collection].values() for key in rows if key in stored]

    async def write_rows(self, collection: str, rows: Sequence[RowWrite], at: datetime) -> Mapping[int, RepositoryError]:
        """Write each; nothing is refused."""
        for row in rows:
            if not isinstance(row, Ended):
                self.rows[collection][row["companyId"]][row["_id"]] = dict(row)
                continue
            for stored in self.rows[collection].values():
                if row.row_id in stored:
                    stored[row.row_id] = {**stored[row.row_id], **row.mark(at)}
        return {}

    async def distrust(self, company_ids: Sequence[Any], sources: Sequence[str]) -> None:
        """Forget the versions."""
        for company_id in company_ids:
            document = self.companies.get(company_id)
            if document is not None:
                unknown = {f"{STATUS}.sources.{source}.version": None for source in sources}
                self.companies[company_id] = with_values(document, settable(document, unknown))

    async def save(self, updates: Sequence[CompanyUpdate]) -> Mapping[int, RepositoryError]:
        """Apply each update, or refuse it."""
        self.saves += 1
        refused: dict[int, RepositoryError] = {}
        for index, update in enumerate(updates):
            document = self.companies.get(update.company_id)
            if document is None:
                refused[index] = CompanyNotFoundError(f"the company {update.company_id} was deleted during its sync")
            elif differs(StoredLease.within(document, LEASE).mark, update.token):
                refused[index] = lost_to_another()
            elif settable(document, update.values) != update.values:
                refused[index] = CompanyWriteError("cannot create a field in null")
            else:
                del self.companies[update.company_id]
                self.companies[update.company_id] = with_values(document, update.values)
        return refused

    def current_rows(self, collection: str, company_id: Any) -> list[dict[str, Any]]:
        """A company's rows that upstream still has."""
        return [row for row in self.rows[collection][company_id].values() if row["current"]]


def _last_run(company: Mapping[str, Any]) -> Any:
    return dig(company, f"{STATUS}.lastRun")


def _is_before(last_run: Any, after: datetime | None) -> bool:
    return after is not None and isinstance(last_run, datetime) and last_run < after


def _is_due(company: Mapping[str, Any], since: datetime, now: datetime) -> bool:
    last_run = _last_run(company)
    is_done = isinstance(last_run, datetime) and since <= last_run <= now + WRONG_CLOCK
    return _has_number(company) and not is_done


def _has_number(company: Mapping[str, Any]) -> bool:
    return company.get("dotNumber") not in (None, "")
