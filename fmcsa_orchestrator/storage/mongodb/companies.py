"""The MongoDB repository, on motor or PyMongo's async API alike."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.errors import CompanyNotFoundError, RepositoryError, SettingsError
from fmcsa_orchestrator.model.status import LAST_RUN, LEASE, STATUS, TOKEN
from fmcsa_orchestrator.storage.leases import LeaseStore, lost_to_another
from fmcsa_orchestrator.storage.mongodb.driver import (
    DuplicateKeyError,
    ObjectId,
    PyMongoError,
    ReplaceOne,
    ServerClock,
    UpdateOne,
    asked,
    bulk,
    collection_of,
    encoded_size,
    possible_ids,
    whole,
)
from fmcsa_orchestrator.storage.mongodb.indexes import OF_COMPANIES, OF_ROWS, Expiry, MongoIndexes
from fmcsa_orchestrator.storage.mongodb.lease_store import MongoLeases, still
from fmcsa_orchestrator.storage.repository import PREPARE_S, WRONG_CLOCK, CompanyUpdate, Ended, RowWrite
from fmcsa_orchestrator.storage.row_diff import PROJECTION, SeenIds

# `$ne` and `$not` say what one `$nin` would; the embedded store answers these twenty times quicker.
HAS_USDOT = {"dotNumber": {"$exists": True, "$ne": "", "$not": {"$eq": None}}}
_CLOCKS_APART = timedelta(seconds=30)  # that much is no harm
EXPIRY = "fmcsaEndedRows"  # the name of the index by which MongoDB deletes rows that have ended
_CHECK_S = 30.0  # what indexes may take that are missing, in a check-up
_BATCH = 5_000  # of stored rows, in one answer of the server
_STATUS_FIELDS = {"dotNumber": 1, "name": 1, STATUS: 1}


class MongoCompanyRepository:
    """Companies and their rows in one MongoDB database, given as a motor or a PyMongo-async database object.

    Uses `_id` keys, `$set`, unordered bulks and plain queries only, as MongoDB has had them since 4.4.

    Args:
        database: the database.
        companies: the collection of companies.
        leases: the collection in which the lease of a run is.
        ended_rows_kept_days: days after which MongoDB is to delete rows that upstream has no more; None: never.

    Raises:
        SettingsError: from the constructor, where rows would be deleted at once.
        RepositoryError: or CompanyWriteError, CompanyNotFoundError; never an error of the driver.
    """

    def __init__(
        self,
        database: Any,
        *,
        companies: str = "companies",
        leases: str = "fmcsaLeases",
        ended_rows_kept_days: int | None = None,
    ) -> None:
        if ended_rows_kept_days is not None and ended_rows_kept_days < 1:
            raise SettingsError("ended_rows_kept_days is a number of days, at least 1")
        self._clock = clock = ServerClock(database)
        self._database = database
        self._ended_rows_kept_days = ended_rows_kept_days
        self._companies = self._collection(companies)
        self.run_name = f"run:{companies}"
        self._leases = self._collection(leases)
        self.run_leases: LeaseStore = MongoLeases(self._leases, clock)
        self.company_leases: LeaseStore = MongoLeases(self._companies, clock, LEASE)

    def _collection(self, name: str) -> Any:
        return collection_of(self._database, name)

    def _indexes(self, collections: Sequence[str]) -> MongoIndexes:
        rows = [self._collection(name) for name in collections]
        wanted = [(self._companies, OF_COMPANIES), *((collection, OF_ROWS) for collection in rows)]
        days = self._ended_rows_kept_days
        expiries = [Expiry(collection, "endedAt", EXPIRY, days, "ended rows") for collection in rows]
        return MongoIndexes(self._database, wanted, expiries)

    async def prepare(self, collections: Sequence[str], limit_s: float = PREPARE_S) -> Sequence[Finding]:
        """Make the indexes that are missing, and see to it that ended rows are deleted when they are due, or no longer.

        Without the right to do so, or the time, all works, but slower: that is a finding, and a warning in the log.
        """
        return await self._indexes(collections).prepare(limit_s)

    async def missing_indexes(self, collections: Sequence[str]) -> Sequence[str]:
        """Those that are not there, as `companies.dotNumber`; one short command per collection, side by side."""
        return await self._indexes(collections).missing()

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
        findings += await self._indexes(collections).make(_CHECK_S)
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
        """How many hold this version; the source's name has been checked to be fit for a path. Others are not even looked at."""
        condition = {**HAS_USDOT, f"{STATUS}.sources.{source}.version": version}
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

    async def whole_rows(self, collection: str, rows: Sequence[str]) -> list[Mapping[str, Any]]:
        """By `_id`."""
        find = partial(self._collection(collection).find, {"_id": {"$in": list(rows)}})
        return await asked(f"cannot read {collection}", lambda: whole(find().batch_size(len(rows)), len(rows)))

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
