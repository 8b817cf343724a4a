"""The MongoDB repository, on motor or PyMongo's async API alike."""

import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.errors import CompanyNotFoundError, RepositoryError
from fmcsa_orchestrator.model.status import LAST_RUN, LEASE, STATUS, TOKEN
from fmcsa_orchestrator.observability.hooks import note
from fmcsa_orchestrator.storage.leases import LeaseStore, lost_to_another
from fmcsa_orchestrator.storage.mongodb.driver import (
    DuplicateKeyError,
    ObjectId,
    OperationFailure,
    PyMongoError,
    ReplaceOne,
    ServerClock,
    UpdateOne,
    asked,
    bulk,
    collection_of,
    encoded_size,
    patience,
    possible_ids,
    whole,
)
from fmcsa_orchestrator.storage.mongodb.lease_store import MongoLeases, still
from fmcsa_orchestrator.storage.repository import WRONG_CLOCK, CompanyUpdate, Ended, RowWrite
from fmcsa_orchestrator.storage.row_diff import PROJECTION, SeenIds

log = logging.getLogger(__name__)

# `$ne` and `$not` say what one `$nin` would; the embedded store answers these twenty times quicker.
HAS_USDOT = {"dotNumber": {"$exists": True, "$ne": "", "$not": {"$eq": None}}}
# A run takes companies by the first: it is sorted by `lastRun`, and all documents that have neither of the two, which may be far
# more than the companies to be synced, stand together in it and are skipped in one step. The second serves who counts them all.
_COMPANY_INDEXES = ((LAST_RUN, "dotNumber"), ("dotNumber",))
_ROW_INDEX = ("companyId",)
_CLOCKS_APART = timedelta(seconds=30)  # that much is no harm
_INDEX_S = 600.0  # on a large collection an index is built for minutes
_BATCH = 5_000  # of stored rows, in one answer of the server
_STATUS_FIELDS = {"dotNumber": 1, "name": 1, STATUS: 1}


class MongoCompanyRepository:
    """Companies and their rows in one MongoDB database, given as a motor or a PyMongo-async database object.

    Uses `_id` keys, `$set`, unordered bulks and plain queries only, as MongoDB has had them since 4.4.

    Raises:
        RepositoryError: or CompanyWriteError, CompanyNotFoundError; never an error of the driver.
    """

    def __init__(self, database: Any, *, companies: str = "companies", leases: str = "fmcsaLeases") -> None:
        self._clock = clock = ServerClock(database)
        self._database = database
        self._companies = self._collection(companies)
        self.run_name = f"run:{companies}"
        self._leases = self._collection(leases)
        self.run_leases: LeaseStore = MongoLeases(self._leases, clock)
        self.company_leases: LeaseStore = MongoLeases(self._companies, clock, LEASE)

    def _collection(self, name: str) -> Any:
        return collection_of(self._database, name)

    async def prepare(self, collections: Sequence[str]) -> None:
        """Make sure of the indexes. A user without the right to create them gets a warning: all works, but slower."""
        for collection, fields in self._indexes(collections):
            try:
                await self._create_index(collection, fields)
            except RepositoryError as error:
                if not isinstance(error.__cause__, OperationFailure):  # it is not refused: nobody answers
                    raise
                note(log, logging.WARNING, "index_refused", collection=collection.name, reason=error)

    async def _create_index(self, collection: Any, fields: tuple[str, ...]) -> None:
        await self._clock.now()  # a server that is not there is given up sooner than one that is at work
        with patience(_INDEX_S):
            create = partial(collection.create_index, [(field, 1) for field in fields])
            await asked(f"cannot create the index {' and '.join(fields)}", create, limit_s=_INDEX_S)

    def _indexes(self, collections: Sequence[str]) -> list[tuple[Any, tuple[str, ...]]]:
        """Each collection with the fields of an index that it is to have."""
        of_rows = [(self._collection(name), _ROW_INDEX) for name in collections]
        return [*((self._companies, fields) for fields in _COMPANY_INDEXES), *of_rows]

    async def check(self, collections: Sequence[str]) -> Sequence[Finding]:
        """For `doctor`: the server, its clock, the indexes, and whether there are companies to sync."""
        server = await self._clock.difference()
        findings = [
            Finding("MongoDB", True, "answers"),
            Finding(
                "clock",
                abs(server) < _CLOCKS_APART,
                f"this machine's is {server.total_seconds():+.1f} s from MongoDB's",
                "set this machine's clock by NTP: ages and Retry-After dates are told by it",
            ),
        ]
        await self.prepare(collections)
        for collection, fields in self._indexes(collections):
            indexes = await asked("cannot read indexes", collection.index_information)
            is_there = any(tuple(name for name, _ in index["key"])[: len(fields)] == fields for index in indexes.values())
            names = f"{collection.name}.{' + '.join(fields)}"
            text = f"{names} is {'there' if is_there else 'missing: all works, but slower the more documents'}"
            findings.append(Finding("index", is_there, text, "let the user create indexes, or create it by hand"))
        number = await asked("cannot count companies", partial(self._companies.count_documents, HAS_USDOT))
        found = f"{number} in {self._companies.name} have a dotNumber"
        remedy = "give your companies a dotNumber, or set FMCSA_COMPANIES_COLLECTION and FMCSA_MONGODB_DATABASE"
        return [*findings, Finding("companies", number > 0, found, remedy)]

    async def record_run(self, facts: Mapping[str, Any]) -> None:
        """In the document of the run's lease."""
        # Field by field: what this run does not know is kept from an earlier one.
        change = {"$set": {f"lastRun.{name}": value for name, value in facts.items()}}
        await asked("cannot write the run's document", partial(self._leases.update_one, {"_id": self.run_name}, change))

    async def last_run(self) -> Mapping[str, Any] | None:
        """From the same document."""
        found = await asked("cannot read the run's document", partial(self._leases.find_one, {"_id": self.run_name}))
        facts = (found or {}).get("lastRun")
        return facts if isinstance(facts, Mapping) else None

    async def last_survey(self, collection: str) -> Mapping[str, Any] | None:
        """By its time; there is one document a month."""

        def call() -> Awaitable[list[Mapping[str, Any]]]:
            return whole(self._collection(collection).find({}).sort("readAt", -1).limit(1), 1)

        return next(iter(await asked("cannot read a survey", call)), None)

    async def keep_survey(self, collection: str, document: Mapping[str, Any]) -> None:
        """As a whole."""
        replace = partial(self._collection(collection).replace_one, {"_id": document["_id"]}, dict(document), upsert=True)
        await asked("cannot keep a survey", replace)

    async def count_due(self, since: datetime, now: datetime) -> int:
        """How many companies are to be attempted."""
        count: int = await asked("cannot count companies", partial(self._companies.count_documents, _due(since, now)))
        return count

    async def take_due(
        self, since: datetime, now: datetime, limit: int, without: Sequence[Any], *, after: datetime | None = None
    ) -> list[Mapping[str, Any]]:
        """The next ones, the least recently attempted first.

        A fresh query each time: a cursor over the key that the run itself moves would see companies twice, and one left
        idle for long is closed by the server.
        """
        # By `$and`, so that a server looks at the index that all parts can use before it leaves out these few.
        parts: list[dict[str, Any]] = [{"_id": {"$nin": list(without)}}] if without else []
        if after is not None:
            parts.append({LAST_RUN: {"$not": {"$lt": after}}})  # the negation, so that those without a time are in
        condition = {"$and": [*parts, _due(since, now)]} if parts else _due(since, now)

        def call() -> Awaitable[list[Mapping[str, Any]]]:
            found = self._companies.find(condition, _STATUS_FIELDS).sort(LAST_RUN, 1).limit(limit).batch_size(limit)
            return whole(found, limit)

        return await asked("cannot read companies", call)

    async def find_companies(self, company_ids: Sequence[Any]) -> list[Mapping[str, Any]]:
        """By `_id`."""
        condition, size = {"_id": {"$in": list(company_ids)}}, len(company_ids)
        return await asked("cannot read companies", lambda: whole(self._companies.find(condition).batch_size(size), size))

    async def count_current(self, source: str, version: str) -> int:
        """How many hold this version; the source's name has been checked to be fit for a path."""
        condition = {f"{STATUS}.sources.{source}.version": version}
        count: int = await asked("cannot count companies", partial(self._companies.count_documents, condition))
        return count

    async def find_company(self, company_id: Any) -> Mapping[str, Any]:
        """The company with this `_id`; a 24-digit hex string is tried as an ObjectId first, then as it is."""
        for candidate in possible_ids(self._database, company_id):
            document = await asked("cannot read companies", partial(self._find_one, candidate))
            if document is not None:
                return document
        raise CompanyNotFoundError(f"no company has the _id {_shown(company_id)}")

    async def _find_one(self, company_id: Any) -> Mapping[str, Any] | None:
        try:
            document: Mapping[str, Any] | None = await self._companies.find_one({"_id": {"$eq": company_id}})
        except (OverflowError, ValueError):  # an int, or a UUID, that this client cannot even send
            return None
        return document

    def check_fields(self, values: Mapping[str, Any]) -> int:
        """Tried before anything is written: one bad value would cost the company its whole update."""
        return encoded_size(values)

    async def stored_rows(
        self, collection: str, *, companies: Sequence[Any] = (), rows: Sequence[str] = ()
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """By the index of `companyId`, or by `_id`. When the cursor is lost they are read anew, less those that were given."""
        condition = {"companyId": {"$in": list(companies)}} if companies else {"_id": {"$in": list(rows)}}
        cursor: Any = None

        async def next_part() -> list[Mapping[str, Any]]:
            nonlocal cursor
            cursor = cursor or self._collection(collection).find(condition, PROJECTION).batch_size(_BATCH)
            try:
                return await whole(cursor, _BATCH)
            except PyMongoError:
                cursor = None
                raise

        given = SeenIds()
        while part := await asked(f"cannot read {collection}", next_part):
            if new := [row for row in part if given.add(row["_id"])]:
                yield new

    async def write_rows(self, collection: str, rows: Sequence[RowWrite], at: datetime) -> Mapping[int, RepositoryError]:
        """In one unordered bulk; by `_id` and company, since a collection that is sharded by company may want both."""
        operations = [
            UpdateOne({"_id": row.row_id}, {"$set": row.mark(at)})
            if isinstance(row, Ended)
            else ReplaceOne({"_id": row["_id"], "companyId": row["companyId"]}, row, upsert=True)
            for row in rows
        ]
        what, stored = f"cannot write {collection}", self._collection(collection)
        _, refused = await bulk(stored, operations, what)
        # Rows that are there, but have lost their company, as by a restore, are found by their `_id` alone.
        strays = {
            index: ReplaceOne({"_id": row["_id"]}, row)
            for index, row in enumerate(rows)
            if index in refused and not isinstance(row, Ended) and isinstance(refused[index].__cause__, DuplicateKeyError)
        }
        found, _ = await bulk(stored, list(strays.values()), what)
        is_mended = found == len(strays)  # else it is another index, of the host's own, that they break
        return {index: error for index, error in refused.items() if not (is_mended and index in strays)}

    async def distrust(self, company_ids: Sequence[Any], sources: Sequence[str]) -> None:
        """Without asking for a token: whatever has been written since, it is only read once more."""
        unknown = {f"{STATUS}.sources.{source}.version": None for source in sources}
        condition = {"_id": {"$in": list(company_ids)}}
        await asked("cannot write the companies", partial(self._companies.update_many, condition, {"$set": unknown}))

    async def save(self, updates: Sequence[CompanyUpdate]) -> Mapping[int, RepositoryError]:
        """One unordered bulk, in which each update asks for the token that was read."""
        operations = [
            UpdateOne({"_id": update.company_id, TOKEN: still(update.token)}, {"$set": update.values}) for update in updates
        ]
        matched, refused = await bulk(self._companies, operations, "cannot write the company")
        return refused if matched + len(refused) >= len(updates) else {**await self._unmatched(updates), **refused}

    async def _unmatched(self, updates: Sequence[CompanyUpdate]) -> dict[int, RepositoryError]:
        """Why some of these updates found no document: deleted, or in somebody else's hands by now."""
        condition = {"_id": {"$in": [update.company_id for update in updates]}}
        found = await asked("cannot read companies", lambda: whole(self._companies.find(condition, {TOKEN: 1})))
        tokens = {row["_id"]: dig(row, TOKEN) for row in found}
        return {
            index: lost_to_another()
            if update.company_id in tokens
            else CompanyNotFoundError(f"the company {_shown(update.company_id)} was deleted during its sync")
            for index, update in enumerate(updates)
            if update.company_id not in tokens or tokens[update.company_id] != update.token
        }


def _due(since: datetime, now: datetime) -> dict[str, Any]:
    """Companies with a dotNumber, not attempted since.

    The negation also finds those without a time, or with something else in its place; no comparison would. A time in the future
    is from a wrong clock.
    """
    return {**HAS_USDOT, "$or": [{LAST_RUN: {"$not": {"$gte": since}}}, {LAST_RUN: {"$gt": now + WRONG_CLOCK}}]}


def _shown(company_id: Any) -> str:
    return (
        f"{company_id!s:.60}" if isinstance(company_id, str | int | ObjectId | UUID) else f"of type {type(company_id).__name__}"
    )
