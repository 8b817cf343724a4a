"""The MongoDB repository, on motor or PyMongo's async API alike; the only file that imports a driver."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from bson import CodecOptions, ObjectId
from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, ConnectionFailure, DocumentTooLarge, OperationFailure, PyMongoError, WriteError

from fmcsa_orchestrator.documents import overlaps
from fmcsa_orchestrator.errors import CompanyNotFoundError, CompanyWriteError, RepositoryError, SettingsError
from fmcsa_orchestrator.models import Company, Document, dig
from fmcsa_orchestrator.redaction import redact
from fmcsa_orchestrator.repository import WRONG_CLOCK, CompanyUpdate
from fmcsa_orchestrator.rows import PROJECTION, plan_rows
from fmcsa_orchestrator.status import STATUS

log = logging.getLogger(__name__)

LAST_RUN = f"{STATUS}.lastRun"
WRITE_ID = f"{STATUS}.writeId"
_HAS_USDOT = {"dotNumber": {"$exists": True, "$nin": [None, ""]}}
_BULK = 1_000  # operations per bulk: about 10 ms of encoding between two turns of the event loop
_AUTH_CODES = {13, 18, 8000}


class MongoCompanyRepository:
    """Companies and their rows in one MongoDB database, given as a motor or a PyMongo-async database object.

    Uses `_id` keys, `$set`, unordered bulks and plain queries only, which MongoDB 4.4 and later and its stand-ins do alike.
    Raises: RepositoryError, CompanyWriteError, CompanyNotFoundError; never an error of the driver.
    """

    def __init__(self, database: Any, *, companies: str = "companies") -> None:
        options = getattr(database, "codec_options", None) or CodecOptions()
        self._options = options.with_options(tz_aware=True)
        self._database = database
        self._companies = self._collection(companies)

    def _collection(self, name: str) -> Any:
        return self._database.get_collection(name, codec_options=self._options)

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

    async def statuses(self, limit: int) -> list[Mapping[str, Any]]:
        """What is known of companies, the longest unattempted first."""
        fields = {"name": 1, "dotNumber": 1, "fmcsaData": 1, "smsBasics": 1}
        with translated("cannot read companies"):
            found: list[Mapping[str, Any]] = (
                await self._companies.find(_HAS_USDOT, fields).sort(LAST_RUN, 1).limit(limit).to_list(limit)
            )
            return found

    async def store_rows(self, company: Company, collection: str, documents: Sequence[Document], at: datetime) -> int:
        """Write the differences, what is new or changed first, what is gone last."""
        rows = self._collection(collection)
        with translated(f"cannot write {collection}"):
            stored = {row["_id"]: row async for row in rows.find({"companyId": company.id}, PROJECTION).batch_size(_BULK)}
        plan = await plan_rows(stored, documents, company.id, company.usdot, at)
        for start in range(0, len(plan.replace), _BULK):
            part = plan.replace[start : start + _BULK]
            with translated(f"cannot write {collection}"):
                await rows.bulk_write([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in part], ordered=False)
        for start in range(0, len(plan.end), _BULK):
            ended = plan.end[start : start + _BULK]
            mark = {"$set": {"current": False, "endedAt": at, "endedBy": ObjectId()}}  # an ObjectId: see `_set`
            with translated(f"cannot write {collection}"):
                await rows.bulk_write([UpdateOne({"_id": row_id}, mark) for row_id in ended], ordered=False)
        return plan.size

    async def save(self, updates: Sequence[CompanyUpdate]) -> Mapping[int, RepositoryError]:
        """One `update_one` for one company; one unordered bulk for several."""
        if len(updates) == 1:
            return await self._save_one(updates[0])
        operations = [UpdateOne({"_id": update.company_id}, _set(update)) for update in updates]
        refused: dict[int, RepositoryError] = {}
        matched = len(updates)
        try:
            with translated("cannot write companies"):
                matched = (await self._companies.bulk_write(operations, ordered=False)).matched_count
        except CompanyWriteError as error:
            if not isinstance(error.__cause__, BulkWriteError):
                raise
            for fault in error.__cause__.details.get("writeErrors", ()):
                refused[fault["index"]] = CompanyWriteError(_safe(f"cannot write the company: {fault.get('errmsg')}"))
            matched = error.__cause__.details.get("nMatched", 0)
        if matched + len(refused) < len(updates):
            refused |= await self._gone(updates)
        return refused

    async def _save_one(self, update: CompanyUpdate) -> Mapping[int, RepositoryError]:
        try:
            with translated("cannot write the company"):
                result = await self._companies.update_one({"_id": update.company_id}, _set(update))
        except CompanyWriteError as error:
            return {0: error}
        return {} if result.matched_count else {0: _deleted(update)}

    async def _gone(self, updates: Sequence[CompanyUpdate]) -> dict[int, RepositoryError]:
        with translated("cannot read companies"):
            ids = [update.company_id for update in updates]
            there = {row["_id"] async for row in self._companies.find({"_id": {"$in": ids}}, {"_id": 1})}
        return {index: _deleted(update) for index, update in enumerate(updates) if update.company_id not in there}


def status_of(company: Mapping[str, Any]) -> Mapping[str, Any]:
    """A company's `syncStatus`, empty where it has none that can be read."""
    found = dig(company, STATUS)
    return found if isinstance(found, Mapping) else {}


def connect(uri: str, *, timeout_ms: int = 5_000) -> Any:
    """A motor client for this URI; a server that is down is given up after `timeout_ms` unless the URI says otherwise.

    Raises: SettingsError for a URI that cannot be read, without repeating it.
    """
    try:
        options: dict[str, Any] = {} if "serverselectiontimeoutms" in uri.lower() else {"serverSelectionTimeoutMS": timeout_ms}
        return AsyncIOMotorClient(uri, tz_aware=True, **options)
    except (PyMongoError, ValueError, TypeError) as error:
        raise SettingsError(f"FMCSA_MONGODB_URI cannot be used: {_safe(str(error), uri)}") from None


def database_of(client: Any, name: str | None) -> Any:
    """The named database, else the one that the URI names, else `fmcsa`. Raises: SettingsError for an impossible name."""
    try:
        return client[name] if name else client.get_default_database("fmcsa")
    except PyMongoError as error:
        raise SettingsError(f"FMCSA_MONGODB_DATABASE cannot be used: {_safe(str(error))}") from None


def _set(update: CompanyUpdate) -> dict[str, Any]:
    """The update, with an id of this write.

    The id tells two writes apart that look alike. It has a second use: with an ObjectId among the values, nx-27017 keeps the
    types of dates and booleans that are set by path, which it otherwise turns into text and numbers.
    """
    values = dict(update.values)
    if not any(overlaps(path, WRITE_ID) for path in values):
        values[WRITE_ID] = ObjectId()
    return {"$set": values}


def _due(since: datetime, now: datetime) -> dict[str, Any]:
    """Companies with a dotNumber, not attempted since.

    Spelled out, since a plain comparison passes over missing values, values of another type, and times that a wrong clock
    has put into the future.
    """
    return {
        **_HAS_USDOT,
        "$or": [
            {LAST_RUN: {"$lt": since}},
            {LAST_RUN: None},
            {LAST_RUN: {"$exists": False}},
            {LAST_RUN: {"$gt": now + WRONG_CLOCK}},
            {LAST_RUN: {"$type": "number"}},
            {LAST_RUN: {"$type": "bool"}},
        ],
    }


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns the driver's errors into ours: this company's data refused, or MongoDB not working."""
    try:
        yield
    except BulkWriteError as error:
        first = (error.details.get("writeErrors") or [{}])[0]
        raise CompanyWriteError(_safe(f"{what}: {first.get('errmsg', 'refused')}")) from error
    except (WriteError, DocumentTooLarge, BSONError, OverflowError) as error:
        raise CompanyWriteError(_safe(f"{what}: {error}")) from error
    except OperationFailure as error:
        remedy = "; check the user, password and rights in FMCSA_MONGODB_URI" if error.code in _AUTH_CODES else ""
        raise RepositoryError(_safe(f"{what}: {error}{remedy}")) from error
    except ConnectionFailure as error:
        raise RepositoryError(_safe(f"{what}: no MongoDB answers; check FMCSA_MONGODB_URI and the server ({error})")) from error
    except PyMongoError as error:
        raise RepositoryError(_safe(f"{what}: {error}")) from error


def _safe(text: str, uri: str = "") -> str:
    return redact(text, (uri,))[:400]


def _deleted(update: CompanyUpdate) -> CompanyNotFoundError:
    return CompanyNotFoundError(f"the company {_shown(update.company_id)} was deleted during its sync")


def _shown(company_id: Any) -> str:
    return (
        f"{company_id!s:.60}" if isinstance(company_id, str | int | ObjectId | UUID) else f"of type {type(company_id).__name__}"
    )
