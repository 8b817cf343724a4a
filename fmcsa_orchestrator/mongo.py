"""The MongoDB repository, on motor or PyMongo's async API alike; the only file that imports a driver."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fmcsa_orchestrator.driver import (
    BulkWriteError,
    ObjectId,
    ReplaceOne,
    ServerClock,
    UpdateOne,
    collection_of,
    safe_text,
    translated,
)
from fmcsa_orchestrator.errors import CompanyNotFoundError, CompanyWriteError, RepositoryError
from fmcsa_orchestrator.leases import LEASE, TOKEN, Confirm, LeaseStore, lost_to_another, without_a_lease
from fmcsa_orchestrator.models import Company, Document, dig
from fmcsa_orchestrator.mongo_leases import MongoLeases, with_mark
from fmcsa_orchestrator.repository import WRONG_CLOCK, CompanyUpdate
from fmcsa_orchestrator.rows import PROJECTION, plan_rows
from fmcsa_orchestrator.status import STATUS

log = logging.getLogger(__name__)

LAST_RUN = f"{STATUS}.lastRun"
HAS_USDOT = {"dotNumber": {"$exists": True, "$nin": [None, ""]}}
_BULK = 1_000  # operations per bulk: about 10 ms of encoding between two turns of the event loop


class MongoCompanyRepository:
    """Companies and their rows in one MongoDB database, given as a motor or a PyMongo-async database object.

    Uses `_id` keys, `$set`, unordered bulks and plain queries only, which MongoDB 4.4 and later and its stand-ins do alike.
    Raises: RepositoryError, CompanyWriteError, CompanyNotFoundError; never an error of the driver.
    """

    def __init__(self, database: Any, *, companies: str = "companies", leases: str = "fmcsaLeases") -> None:
        clock = ServerClock(database)
        self._database = database
        self._companies = self._collection(companies)
        self.run_name = f"run:{companies}"
        self.run_leases: LeaseStore = MongoLeases(self._collection(leases), clock)
        self.company_leases: LeaseStore = MongoLeases(self._companies, clock, LEASE)

    def _collection(self, name: str) -> Any:
        return collection_of(self._database, name)

    async def prepare(self, collections: Sequence[str]) -> None:
        """Make sure of the indexes. A user without the right to create them gets a warning: all works, but slower."""
        try:
            with translated("cannot create indexes"):
                await self._companies.create_index([(LAST_RUN, 1)])
                for name in collections:
                    await self._collection(name).create_index([("companyId", 1)])
        except CompanyWriteError as error:
            log.warning("index_refused reason=%s", error)

    async def count_due(self, since: datetime, now: datetime) -> int:
        """How many companies are to be attempted."""
        with translated("cannot count companies"):
            count: int = await self._companies.count_documents(_due(since, now))
            return count

    async def take_due(self, since: datetime, now: datetime, limit: int, without: Sequence[Any]) -> list[Mapping[str, Any]]:
        """The next ones, the longest unattempted first.

        A fresh query each time: a cursor over the key that the run itself moves would see companies twice, and one left
        idle for long is closed by the server.
        """
        condition = _due(since, now)
        if without:
            condition["_id"] = {"$nin": list(without)}
        with translated("cannot read companies"):
            found: list[Mapping[str, Any]] = await self._companies.find(condition).sort(LAST_RUN, 1).limit(limit).to_list(limit)
            return found

    async def count_current(self, source: str, version: str) -> int:
        """How many hold this version; the source's name has been checked to be fit for a path."""
        with translated("cannot count companies"):
            count: int = await self._companies.count_documents({f"{STATUS}.sources.{source}.version": version})
            return count

    async def find_company(self, company_id: Any) -> Mapping[str, Any]:
        """The company with this `_id`; a 24-digit hex string is tried as an ObjectId first, then as it is."""
        candidates: list[Any] = []
        if isinstance(company_id, str) and ObjectId.is_valid(company_id):
            candidates.append(ObjectId(company_id))
        if isinstance(company_id, str | int | ObjectId | UUID) and not isinstance(company_id, bool):
            candidates.append(company_id)
        for candidate in candidates:
            with translated("cannot read companies"):
                try:
                    document: Mapping[str, Any] | None = await self._companies.find_one({"_id": {"$eq": candidate}})
                except OverflowError:  # an int that no document can have as its id
                    document = None
            if document is not None:
                return document
        raise CompanyNotFoundError(f"no company has the _id {_shown(company_id)}")

    async def store_rows(
        self,
        company: Company,
        collection: str,
        documents: Sequence[Document],
        at: datetime,
        confirm: Confirm = without_a_lease,
    ) -> int:
        """Write the differences, what is new or changed first, what is gone last; `confirm` goes before each bulk."""
        rows = self._collection(collection)
        with translated(f"cannot write {collection}"):
            stored = {row["_id"]: row async for row in rows.find({"companyId": company.id}, PROJECTION).batch_size(_BULK)}
        plan = await plan_rows(stored, documents, company.id, company.usdot, at)
        for start in range(0, len(plan.replace), _BULK):
            part = plan.replace[start : start + _BULK]
            await confirm()
            with translated(f"cannot write {collection}"):
                await rows.bulk_write([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in part], ordered=False)
        for start in range(0, len(plan.end), _BULK):
            ended = plan.end[start : start + _BULK]
            mark = {"$set": {"current": False, "endedAt": at, "endedBy": ObjectId()}}  # an ObjectId: see `with_mark`
            await confirm()
            with translated(f"cannot write {collection}"):
                await rows.bulk_write([UpdateOne({"_id": row_id}, mark) for row_id in ended], ordered=False)
        return plan.size

    async def save(self, updates: Sequence[CompanyUpdate]) -> Mapping[int, RepositoryError]:
        """One `update_one` for one company; one unordered bulk for several. Each asks for the token that was read."""
        if len(updates) == 1:
            return await self._save_one(updates[0])
        operations = [UpdateOne(_condition(update), _change(update)) for update in updates]
        refused: dict[int, RepositoryError] = {}
        matched = len(updates)
        try:
            with translated("cannot write companies"):
                matched = (await self._companies.bulk_write(operations, ordered=False)).matched_count
        except CompanyWriteError as error:
            if not isinstance(error.__cause__, BulkWriteError):
                raise
            for fault in error.__cause__.details.get("writeErrors", ()):
                refused[fault["index"]] = CompanyWriteError(safe_text(f"cannot write the company: {fault.get('errmsg')}"))
            matched = error.__cause__.details.get("nMatched", 0)
        if matched + len(refused) < len(updates):
            refused |= await self._unmatched(updates)
        return refused

    async def _save_one(self, update: CompanyUpdate) -> Mapping[int, RepositoryError]:
        try:
            with translated("cannot write the company"):
                result = await self._companies.update_one(_condition(update), _change(update))
        except CompanyWriteError as error:
            return {0: error}
        return {} if result.matched_count else await self._unmatched([update]) or {0: lost_to_another()}

    async def _unmatched(self, updates: Sequence[CompanyUpdate]) -> dict[int, RepositoryError]:
        """Why some of these updates found no document: deleted, or in somebody else's hands by now."""
        with translated("cannot read companies"):
            ids = [update.company_id for update in updates]
            found = self._companies.find({"_id": {"$in": ids}}, {"_id": 1, "fmcsaData": 1})
            tokens = {row["_id"]: dig(row, TOKEN) async for row in found}
        refused: dict[int, RepositoryError] = {}
        for index, update in enumerate(updates):
            if update.company_id not in tokens:
                refused[index] = CompanyNotFoundError(f"the company {_shown(update.company_id)} was deleted during its sync")
            elif tokens[update.company_id] != update.token:
                refused[index] = lost_to_another()
        return refused


def _due(since: datetime, now: datetime) -> dict[str, Any]:
    """Companies with a dotNumber, not attempted since.

    Spelled out, since a plain comparison passes over missing values, values of another type, and times that a wrong clock
    has put into the future.
    """
    return {
        **HAS_USDOT,
        "$or": [
            {LAST_RUN: {"$lt": since}},
            {LAST_RUN: None},
            {LAST_RUN: {"$exists": False}},
            {LAST_RUN: {"$gt": now + WRONG_CLOCK}},
            {LAST_RUN: {"$type": "number"}},
            {LAST_RUN: {"$type": "bool"}},
        ],
    }


def _condition(update: CompanyUpdate) -> dict[str, Any]:
    return {"_id": update.company_id, TOKEN: update.token}


def _change(update: CompanyUpdate) -> dict[str, Any]:
    return {"$set": with_mark(update.values, f"{STATUS}.")}


def _shown(company_id: Any) -> str:
    return (
        f"{company_id!s:.60}" if isinstance(company_id, str | int | ObjectId | UUID) else f"of type {type(company_id).__name__}"
    )
