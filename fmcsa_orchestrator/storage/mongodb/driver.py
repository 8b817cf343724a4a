"""The MongoDB driver: connection, the server's clock, errors turned into ours."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from typing import Any, Literal, TypeVar
from uuid import UUID

from bson import Binary, Decimal128, ObjectId, encode
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from pymongo import AsyncMongoClient, ReadPreference, ReplaceOne, UpdateOne, WriteConcern
from pymongo import timeout as patience
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    CursorNotFound,
    DocumentTooLarge,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteError,
)
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_chain, wait_fixed

from fmcsa_orchestrator.model.documents import bson_time
from fmcsa_orchestrator.model.errors import CompanyWriteError, MalformedPayloadError, RepositoryError, SettingsError
from fmcsa_orchestrator.observability.redaction import redact

__all__ = [
    "DuplicateKeyError",
    "ObjectId",
    "OperationFailure",
    "PyMongoError",
    "ReplaceOne",
    "ServerClock",
    "UpdateOne",
    "aggregated",
    "asked",
    "bulk",
    "close_client",
    "collection_of",
    "connect",
    "database_of",
    "encoded_size",
    "inserted_in_order",
    "open_database",
    "patience",
    "possible_ids",
    "translated",
    "whole",
]

T = TypeVar("T")

OPERATION_S = 120.0  # what one operation may take, with all its repetitions; a count without an index takes a minute
CLOSE_S = 2.0  # what it may take to tell the server that we leave
PAUSES_S = (0.25, 0.5, *(1.0,) * 2, *(2.0,) * 9)  # between repetitions; an election takes about twelve seconds
SELECTION_S = 30.0  # how long a server is looked for: longer than an election
HASTY_SELECTION_S = 5.0  # the same, where somebody waits at a terminal

_AUTH_CODES = {13, 18, 8000}
# What MongoDB says of one document: a bad value or type, a path that leads nowhere, a rule of the collection, a second of its
# kind, too large. Anything else, as a full disk or a rate that is exceeded, is of the server, and meets every company alike.
_TOO_LARGE = {10334, 17419, 17420, 7655103}  # the last is 17420 of the newest servers
_DATA_CODES = {None, 2, 9, 14, 15, 28, 40, 52, 57, 121, 11000, *_TOO_LARGE}  # None: of mocks; MongoDB always has one
_ID_TYPES = (str, int, float, bytes, datetime, ObjectId, UUID, Decimal128)  # Binary is bytes
_DUPLICATE = 11000
# No primary at the moment, or one that is going, and for a mongos the same seen from afar: it passes.
_ELECTION_CODES = {6, 7, 89, 91, 189, 9001, 10058, 10107, 11600, 11602, 13435, 13436}
_TRUST = timedelta(minutes=1)  # how long a reading of the server's clock serves


def connect(uri: str, driver: Literal["motor", "pymongo"] = "motor", *, selection_s: float = SELECTION_S) -> Any:
    """This driver's client for this URI. What the URI says of the driver's time limits holds, else these do.

    `asked` gives up after `OPERATION_S` in any case: a URI can make that less, not more.

    A server is looked for during `selection_s`. A connection that gives no answer for `OPERATION_S` is given up by the driver as
    well: motor's threads would wait on when we do not any more. (Its `timeoutMS` would take the place of `selection_s`, too.)

    Raises: SettingsError for a URI that cannot be read, without repeating it, and for a driver that is not installed.
    """
    client_class = AsyncMongoClient if driver == "pymongo" else _motor_client()
    limits = {"serverSelectionTimeoutMS": selection_s, "socketTimeoutMS": OPERATION_S}
    given = set(re.findall(r"(\w+)=", uri.lower()))
    options: dict[str, Any] = {
        name: round(seconds * 1000) for name, seconds in limits.items() if not given & {name.lower(), "timeoutms"}
    }
    try:
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
async def open_database(
    uri: str, name: str | None, driver: Literal["motor", "pymongo"] = "motor", *, selection_s: float = SELECTION_S
) -> AsyncIterator[Any]:
    """A database through a client of its own, closed at the end. Raises: SettingsError as `connect` and `database_of`."""
    client = connect(uri, driver, selection_s=selection_s)
    try:
        yield database_of(client, name)
    finally:
        await close_client(client)


async def close_client(client: Any) -> None:
    """Close a client of either driver, whatever state the server is in.

    Motor's waits for the server in the thread that calls it, which must not be the loop's.
    """
    with patience(CLOSE_S):  # a thread goes by it as well
        await (client.close() if isinstance(client, AsyncMongoClient) else asyncio.to_thread(client.close))


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
    return await whole(cursor)


async def whole(cursor: Any, limit: int | None = None) -> list[Mapping[str, Any]]:
    """All that a cursor still finds, or so many."""
    found: list[Mapping[str, Any]] = await cursor.to_list(limit)
    return found


async def asked(what: str, call: Callable[[], Awaitable[T]], *, limit_s: float = OPERATION_S) -> T:
    """MongoDB's answer to an operation that may be done twice; every one of ours passes here.

    It is repeated while MongoDB has no primary, or has lost the connection or the cursor, so that a run survives an election.
    What has not been answered is not repeated: it may still be under way.

    Raises: RepositoryError, also when there is no answer in `limit_s`; CompanyWriteError.
    """

    async def attempt() -> T:  # drivers' methods are not coroutine functions, all of them
        return await call()

    waits = wait_chain(*(wait_fixed(seconds) for seconds in PAUSES_S))
    attempts = AsyncRetrying(
        stop=stop_after_attempt(len(PAUSES_S) + 1),
        wait=waits,
        retry=retry_if_exception(_passes),
        sleep=pause_between,
        reraise=True,
    )
    limit = asyncio.timeout(limit_s)
    try:
        with translated(what):
            async with limit:
                return await attempts(attempt)
    except TimeoutError:
        if not limit.expired():
            raise
        raise RepositoryError(f"{what}: MongoDB has given no answer for {limit_s:.0f} s") from None


async def pause_between(seconds: float) -> None:
    """Between two repetitions."""
    await asyncio.sleep(seconds)


def _passes(error: BaseException) -> bool:
    """Whether this is of a moment, and the operation at its end: done or not, it can be done again."""
    if isinstance(error, ServerSelectionTimeoutError | NetworkTimeout):  # that was all the time there is
        return False
    if isinstance(error, BulkWriteError):
        faults = [*error.details.get("writeErrors", ()), *error.details.get("writeConcernErrors", ())]
        return any(fault.get("code") in _ELECTION_CODES for fault in faults)
    if isinstance(error, OperationFailure):
        return isinstance(error, CursorNotFound) or error.code in _ELECTION_CODES
    return isinstance(error, AutoReconnect)


async def bulk(collection: Any, operations: Sequence[Any], what: str) -> tuple[int, dict[int, CompanyWriteError]]:
    """Write these, each for itself: how many found their document, and by position what was refused.

    One that cannot even be sent fails alone: the others are written without it. Raises: RepositoryError when the store does not
    work.
    """
    if not operations:
        return 0, {}
    try:
        return (await asked(what, lambda: collection.bulk_write(operations, ordered=False))).matched_count, {}
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


async def inserted_in_order(collection: Any, documents: Sequence[Mapping[str, Any]], what: str) -> int:
    """Insert these one after another, until one has a key that is taken; how many were. Raises: RepositoryError."""
    try:
        await asked(what, lambda: collection.insert_many(documents, ordered=True))
    except CompanyWriteError as error:
        cause = error.__cause__
        faults = cause.details.get("writeErrors", ()) if isinstance(cause, BulkWriteError) else ()
        if [fault.get("code") for fault in faults] != [_DUPLICATE]:
            raise
        return int(cause.details["nInserted"])  # type: ignore[union-attr]  # it has faults: it is a BulkWriteError
    return len(documents)


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
        hello = await asked("cannot ask MongoDB for its time", lambda: self._database.command("hello"))
        return bson_time(hello["localTime"])


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns the driver's errors into ours: this company's data refused, or MongoDB not working."""
    try:
        yield
    except BulkWriteError as error:
        refused, unsafe = error.details.get("writeErrors", ()), error.details.get("writeConcernErrors", ())
        # What is written, but not to a majority, a primary that fails now may lose.
        of_the_store = [*unsafe, *(fault for fault in refused if fault.get("code") not in _DATA_CODES)]
        kind = RepositoryError if of_the_store else CompanyWriteError
        first = (of_the_store or refused or [{}])[0]
        raise kind(safe_text(f"{what}: {first.get('errmsg', 'refused')}")) from error
    except WriteError as error:
        kind = CompanyWriteError if error.code in _DATA_CODES else RepositoryError
        raise kind(safe_text(f"{what}: {error}")) from error
    except (DocumentTooLarge, BSONError, OverflowError, UnicodeError) as error:
        raise CompanyWriteError(safe_text(f"{what}: {error}")) from error
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
