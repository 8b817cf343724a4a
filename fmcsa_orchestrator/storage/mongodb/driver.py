"""The MongoDB driver: connection, the server's clock, errors turned into ours."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from typing import Any, Literal
from uuid import UUID

from bson import Binary, Decimal128, ObjectId, encode
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from pymongo import AsyncMongoClient, ReadPreference, ReplaceOne, UpdateOne, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WriteError,
)

from fmcsa_orchestrator.model.documents import bson_time
from fmcsa_orchestrator.model.errors import CompanyWriteError, MalformedPayloadError, RepositoryError, SettingsError
from fmcsa_orchestrator.observability.redaction import redact

__all__ = [
    "DuplicateKeyError",
    "ObjectId",
    "OperationFailure",
    "ReplaceOne",
    "ServerClock",
    "UpdateOne",
    "aggregated",
    "bulk",
    "close_client",
    "collection_of",
    "connect",
    "database_of",
    "encoded_size",
    "open_database",
    "possible_ids",
    "translated",
]

_AUTH_CODES = {13, 18, 8000}
# What MongoDB says of one document: a bad value or type, a path that leads nowhere, a rule of the collection, a second of its
# kind, too large. Anything else, as a full disk or a rate that is exceeded, is of the server, and meets every company alike.
_DATA_CODES = {None, 2, 9, 14, 15, 28, 40, 52, 57, 121, 10334, 11000, 17419, 17420}  # None: of mocks; MongoDB always has one
_ID_TYPES = (str, int, float, bytes, datetime, ObjectId, UUID, Decimal128)  # Binary is bytes
_DUPLICATE = 11000
_TRUST = timedelta(minutes=1)  # how long a reading of the server's clock serves


def connect(uri: str, driver: Literal["motor", "pymongo"] = "motor", *, timeout_ms: int = 5_000) -> Any:
    """This driver's client for this URI; a server that is down is given up after `timeout_ms` unless the URI says otherwise.

    Raises: SettingsError for a URI that cannot be read, without repeating it, and for a driver that is not installed.
    """
    client_class = AsyncMongoClient if driver == "pymongo" else _motor_client()
    try:
        options: dict[str, Any] = {} if "serverselectiontimeoutms" in uri.lower() else {"serverSelectionTimeoutMS": timeout_ms}
        return client_class(uri, tz_aware=True, **options)
    except (PyMongoError, ValueError, TypeError) as error:
        raise SettingsError(f"FMCSA_MONGODB_URI cannot be used: {safe_text(str(error), uri)}") from None


def _motor_client() -> Any:
    """Motor's client class; imported here, so that whoever does not use motor need not have it."""
    try:
        from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415  # only where it is wanted
    except ImportError:
        raise SettingsError("motor is not installed: install it, or set FMCSA_MONGODB_DRIVER to pymongo") from None
    return AsyncIOMotorClient


@asynccontextmanager
async def open_database(uri: str, name: str | None, driver: Literal["motor", "pymongo"] = "motor") -> AsyncIterator[Any]:
    """A database through a client of its own, closed at the end. Raises: SettingsError as `connect` and `database_of`."""
    client = connect(uri, driver)
    try:
        yield database_of(client, name)
    finally:
        await close_client(client)


async def close_client(client: Any) -> None:
    """Close a client of either driver: with motor that is a plain call, with PyMongo a coroutine."""
    closing = client.close()
    if isawaitable(closing):
        await closing


def database_of(client: Any, name: str | None) -> Any:
    """The named database, else the one that the URI names, else `fmcsa`. Raises: SettingsError for an impossible name."""
    try:
        return client[name] if name else client.get_default_database("fmcsa")
    except PyMongoError as error:
        raise SettingsError(f"FMCSA_MONGODB_DATABASE cannot be used: {safe_text(str(error))}") from None


def collection_of(database: Any, name: str) -> Any:
    """A collection of a motor or PyMongo-async database, giving plain objects, and times with their zone.

    Whatever the connection says, it is read from the primary and written to a majority: a lease seen on a replica that lags
    behind, or lost with a primary that fails, is none.
    """
    options = database.codec_options.with_options(document_class=dict, tz_aware=True, tzinfo=None)
    if isinstance(options, CodecOptions):  # mongomock has its own, which refuse this
        # A date that Python does not have, as the year 10000, comes as a DatetimeMS, which is no time to us, and not as an error.
        options = options.with_options(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    return database.get_collection(
        name,
        codec_options=options,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority"),
    )


def possible_ids(database: Any, given: Any) -> list[Any]:
    """What a document that is asked for by this may have as its `_id`; nothing for what no host takes for one."""
    if isinstance(given, bool) or not isinstance(given, _ID_TYPES):
        return []
    found: list[Any] = [ObjectId(given)] if isinstance(given, str) and ObjectId.is_valid(given) else []
    found.append(given)
    if isinstance(given, UUID) and database.codec_options.uuid_representation == UuidRepresentation.UNSPECIFIED:
        # Such a client writes none by itself, and reads them as binary: of today's kind, or of the one that old drivers wrote.
        found += [Binary.from_uuid(given, kind) for kind in (UuidRepresentation.STANDARD, UuidRepresentation.PYTHON_LEGACY)]
    return found


def encoded_size(values: Mapping[str, Any]) -> int:
    """The bytes that these take. Raises: MalformedPayloadError, naming the path, for a value that MongoDB cannot hold."""
    try:
        return len(encode(values))
    except (BSONError, OverflowError, UnicodeEncodeError, ValueError, TypeError):
        for path, value in values.items():
            try:
                encode({"value": value})
            except (BSONError, OverflowError, UnicodeEncodeError, ValueError, TypeError) as error:
                text = safe_text(f"MongoDB cannot hold what is given for {path}: {error}")
                raise MalformedPayloadError(text, field=path) from error
        raise


async def aggregated(collection: Any, pipeline: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of a small aggregation: motor gives its cursor at once, PyMongo's async API by a coroutine."""
    cursor = collection.aggregate(pipeline)
    cursor = await cursor if isawaitable(cursor) else cursor
    found: list[Mapping[str, Any]] = await cursor.to_list(None)
    return found


async def bulk(collection: Any, operations: Sequence[Any], what: str) -> tuple[int, dict[int, CompanyWriteError]]:
    """Write these, each for itself: how many found their document, and by position what was refused.

    One that cannot even be sent fails alone: the others are written without it. Raises: RepositoryError when the store does not
    work.
    """
    if not operations:
        return 0, {}
    try:
        with translated(what):
            return (await collection.bulk_write(operations, ordered=False)).matched_count, {}
    except CompanyWriteError as error:
        if isinstance(error.__cause__, BulkWriteError):
            details = error.__cause__.details
            return details.get("nMatched", 0), {fault["index"]: _refusal(fault, what) for fault in details.get("writeErrors", ())}
        if len(operations) == 1:
            return 0, {0: error}
    half = len(operations) // 2
    matched, refused = await bulk(collection, operations[:half], what)
    others, more = await bulk(collection, operations[half:], what)
    return matched + others, refused | {half + index: error for index, error in more.items()}


def _refusal(fault: Mapping[str, Any], what: str) -> CompanyWriteError:
    """One operation's, with its cause where that is a document that is there already."""
    refusal = CompanyWriteError(safe_text(f"{what}: {fault.get('errmsg')}"))
    if fault.get("code") == _DUPLICATE:
        refusal.__cause__ = DuplicateKeyError(str(fault.get("errmsg")), _DUPLICATE)
    return refusal


class ServerClock:
    """The time as the server has it, so that hosts whose clocks differ, or jump, agree on when a lease ends.

    Read from `hello`, then carried on by this process's steady clock.
    """

    def __init__(self, database: Any) -> None:
        self._database = database
        self._read_at = 0.0
        self._time: datetime | None = None

    async def now(self) -> datetime:
        """Now. Raises: RepositoryError when the server does not answer."""
        passed = timedelta(seconds=time.monotonic() - self._read_at)
        if self._time is None or passed > _TRUST:
            self._time = await self._ask()
            self._read_at = time.monotonic()
            return self._time
        return self._time + passed

    async def difference(self) -> timedelta:
        """How far this machine's clock is ahead of the server's. Raises: RepositoryError."""
        asked_at = datetime.now(UTC)
        return asked_at - await self._ask()

    async def _ask(self) -> datetime:
        with translated("cannot ask MongoDB for its time"):
            hello = await self._database.command("hello")
        return bson_time(hello["localTime"])


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns the driver's errors into ours: this company's data refused, or MongoDB not working."""
    try:
        yield
    except BulkWriteError as error:
        faults = error.details.get("writeErrors", ())
        # Written, but not to a majority: a primary that fails now may lose it.
        of_the_store = [fault for fault in faults if fault.get("code") not in _DATA_CODES] or error.details.get(
            "writeConcernErrors"
        )
        first = (of_the_store or faults or [{}])[0]
        kind = RepositoryError if of_the_store else CompanyWriteError
        raise kind(safe_text(f"{what}: {first.get('errmsg', 'refused')}")) from error
    except (DocumentTooLarge, BSONError, OverflowError, UnicodeError) as error:
        raise CompanyWriteError(safe_text(f"{what}: {error}")) from error
    except WriteError as error:
        kind = CompanyWriteError if error.code in _DATA_CODES else RepositoryError
        raise kind(safe_text(f"{what}: {error}")) from error
    except OperationFailure as error:
        remedy = "; check the user, password and rights in FMCSA_MONGODB_URI" if error.code in _AUTH_CODES else ""
        raise RepositoryError(safe_text(f"{what}: {error}{remedy}")) from error
    except ConnectionFailure as error:
        reason = str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]
        raise RepositoryError(
            safe_text(f"{what}: no MongoDB answers; check FMCSA_MONGODB_URI and the server ({reason})")
        ) from error
    except PyMongoError as error:
        raise RepositoryError(safe_text(f"{what}: {error}")) from error


def safe_text(text: str, uri: str = "") -> str:
    """The text without credentials, of a length fit for a document."""
    return redact(text, (uri,))[:400]
