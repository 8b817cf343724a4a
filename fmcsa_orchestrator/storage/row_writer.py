"""The rows of a few companies on their way into the store: read together, compared company by company, written together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from fmcsa_orchestrator.model.carrier_events import RowChange
from fmcsa_orchestrator.model.company import Company, Document, OddRow
from fmcsa_orchestrator.model.documents import as_time, content_hash
from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.storage.event_log import EventLog
from fmcsa_orchestrator.storage.held_leases import HeldLeases, together
from fmcsa_orchestrator.storage.repository import CompanyRepository, Ended, RowWrite
from fmcsa_orchestrator.storage.row_diff import (
    RowGroups,
    RowPlan,
    SeenIds,
    Tell,
    check_all,
    check_plausible,
    compared,
    expected_rows,
    gone,
    plan_rows,
    scope_of,
)

LARGE = 10_000  # rows of one carrier in one collection, above which no more than a bulk of them is held
BULK = 1_000  # rows per bulk: some 10 ms of encoding between two turns of the event loop

Writes = Sequence[tuple[RowPlan, RowWrite]]


class RowWriter:
    """Makes companies' rows equal to what their sources have read, writing only differences.

    Rows that are gone upstream are kept and marked. What is to be told of a row is in the log before the row is written: a sync
    that ends between the two tells it again, which the log takes for the same.

    Raises: RepositoryError when the store does not work; LeaseLostError.
    """

    def __init__(self, repository: CompanyRepository, held: HeldLeases, at: datetime, event_log: EventLog | None = None) -> None:
        self._repository = repository
        self._event_log = event_log
        self._held = held
        self.at = at
        self._stored: dict[tuple[str, Any], dict[str, Mapping[str, Any]]] = {}
        self._plans: dict[str, list[RowPlan]] = {}
        self._untold: set[int] = set()  # plans that could not be told of: nothing more of them is written

    async def read(self, collections: Mapping[str, Sequence[Any]]) -> None:
        """Read what is stored of companies, by their ids: one query per collection, side by side."""
        await together(*(self._read(collection, ids) for collection, ids in collections.items()))

    async def _read(self, collection: str, company_ids: Sequence[Any]) -> None:
        self._stored |= {(collection, company_id): {} for company_id in company_ids}
        async for part in self._repository.stored_rows(collection, companies=company_ids):
            for row in part:
                self._stored[collection, row["companyId"]][row["_id"]] = row

    async def add(
        self,
        company: Company,
        collection: str,
        documents: Sequence[Document],
        odd_rows: Sequence[OddRow] = (),
        tell: Tell | None = None,
    ) -> RowPlan:
        """Compare a company's rows with what is stored. What differs is written with all others, by `flush`.

        What an odd row may stand for is not taken for gone. Of a large carrier it is written at once, bulk by bulk.

        Raises: ImplausibleEmptyError when nothing is left of rows that ought to be: nothing is written. MalformedPayloadError
        when two rows claim one id: of that carrier nothing more is.
        """
        key = collection, company.id
        if len(documents) > LARGE or (key not in self._stored and company.status.most_rows > LARGE):
            return await self._add_large(company, collection, documents, odd_rows, tell)
        if key not in self._stored:
            await self._read(collection, [company.id])
        stored, spared = self._stored.pop(key), _spared(company, odd_rows)
        plan = await plan_rows(stored, documents, company.id, company.usdot, self.at, spared)
        plan.tell = tell
        if plan.size and tell is not None and tell.group_of is not None:
            plan.groups = RowGroups(tell.group_of, company.id)
            plan.groups.add_stored(stored.values())
            await plan.groups.add_upstream(documents)
        self._plans.setdefault(collection, []).append(plan)
        return plan

    async def set_aside(self, company: Company, collection: str, source: str, odd_rows: Sequence[OddRow]) -> RowPlan:
        """Keep a source's odd rows, by what they say; those that it had before and has no more are marked like any row."""
        scope = f"{scope_of(company.id)}{source}:"
        found = self._repository.stored_rows(collection, companies=[company.id])
        stored = {row["_id"]: row async for part in found for row in part if row["_id"].startswith(scope)}
        documents = {}
        for row in odd_rows:
            content = {"source": source, "raw": row.raw, "error": row.error, "field": row.field}
            documents[row.raw] = Document(f"{source}:{content_hash({'raw': row.raw})}", content)
        plan, seen = RowPlan(company.id), SeenIds()
        plan.replace = compared(stored, list(documents.values()), company.id, company.usdot, self.at, seen)
        plan.end = gone(stored, seen)
        self._plans.setdefault(collection, []).append(plan)
        return plan

    async def end(self, company: Company, collection: str, reason: str) -> RowPlan:
        """All rows of a carrier that is no longer there."""
        found = self._repository.stored_rows(collection, companies=[company.id])
        plan = RowPlan(company.id, end=[row["_id"] async for part in found for row in part if row.get("current")], reason=reason)
        plan.size = len(plan.end)
        self._plans.setdefault(collection, []).append(plan)
        return plan

    async def _add_large(
        self,
        company: Company,
        collection: str,
        documents: Sequence[Document],
        odd_rows: Sequence[OddRow],
        tell: Tell | None,
    ) -> RowPlan:
        if not documents:
            all_rows = self._repository.stored_rows(collection, companies=[company.id])
            check_plausible(sum([expected_rows(part, company.usdot, self.at) async for part in all_rows]))
        await check_all(documents)  # of the first bulk nothing can be taken back when the last one is found to be no good
        plan, scope, seen, remaining = RowPlan(company.id, tell=tell), scope_of(company.id), SeenIds(), iter(documents)
        if tell is not None and tell.group_of is not None:
            plan.groups = RowGroups(tell.group_of, company.id)
            async for stored in self._repository.stored_rows(collection, companies=[company.id]):
                plan.groups.add_stored(stored)
            await plan.groups.add_upstream(documents)
        while documents_in_hand := list(islice(remaining, BULK)):
            ids = [f"{scope}{document.id}" for document in documents_in_hand]
            found = self._repository.stored_rows(collection, rows=ids)
            old = {row["_id"]: row async for part in found for row in part}
            await self._write(collection, plan, compared(old, documents_in_hand, company.id, company.usdot, self.at, seen))
        async for stored in self._repository.stored_rows(collection, companies=[company.id]):
            ended = gone({row["_id"]: row for row in stored}, seen, _spared(company, odd_rows))
            for start in range(0, len(ended), BULK):
                await self._write(collection, plan, [Ended(row_id) for row_id in ended[start : start + BULK]])
        return plan

    async def _write(self, collection: str, plan: RowPlan, rows: Sequence[RowWrite]) -> None:
        if rows:
            self._held.touched.add(plan.company_id)
            writes: Writes = [(plan, row) for row in rows]
            await self._tell({collection: writes})
            await self._write_bulk(collection, writes)
            plan.size += len(rows)

    async def flush(self) -> None:
        """Write all that is planned; of what is refused, the plan says so. The collections side by side."""
        planned = {collection: self._planned(plans) for collection, plans in self._plans.items()}
        await self._tell(planned)
        await together(*(self._flush(collection, writes) for collection, writes in planned.items()))

    def _planned(self, plans: Sequence[RowPlan]) -> Writes:
        """What is new or changed first, what is gone last."""
        self._held.touched.update([plan.company_id for plan in plans if plan.size])
        writes: list[tuple[RowPlan, RowWrite]] = [(plan, row) for plan in plans for row in plan.replace]
        return writes + [(plan, Ended(row_id, plan.reason)) for plan in plans for row_id in plan.end]

    async def _flush(self, collection: str, writes: Writes) -> None:
        for start in range(0, len(writes), BULK):
            await self._write_bulk(collection, writes[start : start + BULK])

    async def _write_bulk(self, collection: str, writes: Writes) -> None:
        async def call() -> None:  # by now we know whose leases are lost
            ours = [(plan, row) for plan, row in writes if self._is_ours(plan) and id(plan) not in self._untold]
            await self._try(collection, ours)

        await self._held.write(call)

    def _is_ours(self, plan: RowPlan) -> bool:
        return plan.company_id not in self._held.lost

    async def _tell(self, planned: Mapping[str, Writes]) -> None:
        """Log what is to be told of all these rows, before any of them is written. A plan of which that cannot be said waits."""
        event_log, telling = self._event_log, {}
        for collection, writes in planned.items():
            if told := [(plan, row) for plan, row in writes if plan.tell is not None]:
                telling[collection] = told
        if event_log is None or not telling:
            return

        async def call() -> None:
            found = await together(*(self._events_of(collection, writes) for collection, writes in telling.items()))
            if events := [event for part in found for event in part]:
                await event_log.append(events)

        await self._held.write(call)

    async def _events_of(self, collection: str, writes: Writes) -> list[Mapping[str, Any]]:
        there = [_id_of(row) for _, row in writes if isinstance(row, Ended) or row["firstSeen"] != self.at]
        old = {row["_id"]: row for row in await self._repository.whole_rows(collection, there)} if there else {}
        events: list[Mapping[str, Any]] = []
        for plan, row in writes:
            try:
                if plan.tell is not None and self._is_ours(plan) and id(plan) not in self._untold:
                    events += plan.tell.of_row(self._change(plan, row, old.get(_id_of(row))))
            except Exception as error:  # noqa: BLE001  # a source's function may raise anything
                plan.refused = error
                self._untold.add(id(plan))
        return events

    def _change(self, plan: RowPlan, row: RowWrite, old: Mapping[str, Any] | None) -> RowChange:
        """What becomes of a row; one that is past its time is not missed."""
        before = old if old is not None and old.get("current") else None
        key = _id_of(row).removeprefix(scope_of(plan.company_id))
        if not isinstance(row, Ended):
            change = RowChange(key, before, row)
        else:
            until = None if before is None else as_time(before.get("expectedUntil"))
            change = RowChange(key, None if until is not None and until <= self.at else before, None)
        return change if plan.groups is None else plan.groups.of(change)

    async def _try(self, collection: str, writes: Writes) -> None:
        """Write these; rows that break the store's driver are those of one company, found by writing each by itself."""
        try:
            refused = await self._repository.write_rows(collection, [row for _, row in writes], self.at)
        except RepositoryError:
            raise
        except Exception as error:  # noqa: BLE001  # a source's rows may hold anything at all
            plans = {id(plan): plan for plan, _ in writes}
            for plan in plans.values():
                if len(plans) == 1:
                    plan.refused = error
                else:
                    await self._try(collection, [write for write in writes if write[0] is plan])
        else:
            for position, refusal in refused.items():
                writes[position][0].refused = refusal


def _id_of(row: RowWrite) -> str:
    return row.row_id if isinstance(row, Ended) else str(row["_id"])


def _spared(company: Company, odd_rows: Sequence[OddRow]) -> tuple[str, ...]:
    """How the ids of rows begin that odd ones may stand for."""
    scope = scope_of(company.id) if odd_rows else ""
    return tuple({scope + row.concerns for row in odd_rows})
