"""The indexes in MongoDB: which there are to be, which are missing, and how these are made, in bounded time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.model.status import LAST_RUN
from fmcsa_orchestrator.observability.hooks import note
from fmcsa_orchestrator.storage.held_leases import together
from fmcsa_orchestrator.storage.mongodb.driver import OPERATION_S, OperationFailure, asked, patience

log = logging.getLogger(__name__)

# A run takes companies by the first: it is sorted by `lastRun`, and all documents that have neither of the two, which may be far
# more than the companies to be synced, stand together in it and are skipped in one step. The second serves who counts them all.
OF_COMPANIES = ((LAST_RUN, "dotNumber"), ("dotNumber",))
OF_ROWS = (("companyId",),)
OF_EVENTS = (("id",), ("data.companyId",))
UNIQUE = frozenset({"id"})  # two hosts that see one change at once tell it once
_DAY_S = 86_400
_NO_SUCH_USER = 18
_LAST_WORD_S = 1.0  # after we have given up, the driver and the server do so, too
_NARROWER = ("sparse", "partialFilterExpression", "hidden", "collation")  # such an index does not serve all queries
_BY_HAND = "run `fmcsa-orchestrator prepare`, let the user create indexes, or create it by hand"
_TTL_RIGHTS = "let the user create, change and drop indexes, on a server that has TTL indexes"

Indexes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Expiry:
    """What MongoDB is to delete by itself.

    Attributes:
        collection: where.
        field: the time from which on is counted; a document without it stays.
        name: of the index.
        days: after how many; None: never.
        what: is deleted, in words.
    """

    collection: Any
    field: str
    name: str
    days: int | None
    what: str


@dataclass(frozen=True, slots=True)
class MongoIndexes:
    """The indexes of some collections, and what is to expire in them.

    Whatever MongoDB refuses, or has not done in time, is told: all works without, but slower. Raises, from every method:
    RepositoryError when the store does not work.
    """

    database: Any
    wanted: Sequence[tuple[Any, Sequence[tuple[str, ...]]]]
    expiries: Sequence[Expiry] = ()

    async def prepare(self, limit_s: float) -> list[Finding]:
        """Make what is missing, then see to what is to expire."""
        until = asyncio.get_running_loop().time() + limit_s
        return [*await self.make(limit_s), *await self.expire(_left_s(until))]

    async def missing(self) -> list[str]:
        """The names of those that are not there; of a collection whose indexes cannot be read, nothing."""
        found = await together(*(_stored(collection, OPERATION_S) for collection, _ in self.wanted))
        return [
            _name(collection, fields)
            for (collection, indexes), stored in zip(self.wanted, found, strict=True)
            for fields in indexes
            if stored is not None and not _is_there(stored, fields)
        ]

    async def make(self, limit_s: float) -> list[Finding]:
        """Make those that are not there, one after another; a finding for each."""
        until = asyncio.get_running_loop().time() + limit_s
        findings = []
        for collection, indexes in self.wanted:
            stored = await _stored(collection, _left_s(until))
            for fields in indexes:
                name = _name(collection, fields)
                if stored is not None and _is_there(stored, fields):
                    findings.append(Finding("index", True, f"{name} is there"))
                    continue
                options = {"unique": True} if UNIQUE.issuperset(fields) else {}
                create = partial(collection.create_index, [(field, 1) for field in fields], **options)
                why_not = await _done(collection, f"cannot create the index {' and '.join(fields)}", create, until)
                text = f"{name} has been made" if why_not is None else f"{name} is missing: all works, but slower ({why_not})"
                findings.append(Finding("index", why_not is None, text, _BY_HAND))
        return findings

    async def expire(self, limit_s: float) -> list[Finding]:
        """See to it that MongoDB deletes what is so many days old, or no longer does; findings where that is wanted."""
        until = asyncio.get_running_loop().time() + limit_s
        findings = []
        for expiry in self.expiries:
            stored = await _stored(expiry.collection, _left_s(until))
            why_not = await self._expire(expiry, (stored or {}).get(expiry.name), until)
            if expiry.days is not None or why_not is not None:
                name = expiry.collection.name
                text = f"{expiry.what} of {name} are deleted after {expiry.days} days"
                if why_not is not None:
                    text = f"{name}: when {expiry.what} are deleted could not be changed ({why_not})"
                findings.append(Finding(expiry.what, why_not is None, text, _TTL_RIGHTS))
        return findings

    async def _expire(self, expiry: Expiry, stored: Mapping[str, Any] | None, until: float) -> RepositoryError | None:
        """Why it could not be done; None where it is."""
        what, collection = f"cannot change how long {expiry.what} are kept", expiry.collection
        if expiry.days is None:
            return None if stored is None else await _done(collection, what, partial(collection.drop_index, expiry.name), until)
        seconds = expiry.days * _DAY_S
        if stored is None:
            create = partial(collection.create_index, [(expiry.field, 1)], name=expiry.name, expireAfterSeconds=seconds)
            return await _done(collection, what, create, until)
        if stored.get("expireAfterSeconds") == seconds:
            return None
        change = {"collMod": collection.name, "index": {"name": expiry.name, "expireAfterSeconds": seconds}}
        return await _done(collection, what, partial(self.database.command, change), until)


async def _stored(collection: Any, limit_s: float) -> Indexes | None:
    """What indexes there are; None where that is not told."""
    try:
        found: Indexes = await asked("cannot read indexes", collection.index_information, limit_s=limit_s)
    except RepositoryError as error:
        if not _concerns_this_only(error):
            raise
        return None
    return found


async def _done(collection: Any, what: str, call: Callable[[], Awaitable[Any]], until: float) -> RepositoryError | None:
    """Do it; else why it could not be done, which is also logged."""
    left_s = _left_s(until)
    if not left_s:
        return RepositoryError("no time was left for it")
    try:
        with patience(left_s + _LAST_WORD_S):  # in place of the limits of the client, which may be shorter
            await asked(what, call, limit_s=left_s)
    except RepositoryError as error:
        if not _concerns_this_only(error):
            raise
        note(log, logging.WARNING, "index_refused", collection=collection.name, reason=error)
        return error
    return None


def _left_s(until: float) -> float:
    return max(0.0, until - asyncio.get_running_loop().time())


def _concerns_this_only(error: RepositoryError) -> bool:
    """MongoDB has refused it, or has not done it in time; all else is the store's, as that it knows no such user."""
    cause = error.__cause__
    return cause is None or (isinstance(cause, OperationFailure) and cause.code != _NO_SUCH_USER)


def _is_there(stored: Indexes, fields: tuple[str, ...]) -> bool:
    return any(
        _begins_with(index["key"], fields) and not any(index.get(option) for option in _NARROWER) for index in stored.values()
    )


def _begins_with(key: Sequence[tuple[str, Any]], fields: tuple[str, ...]) -> bool:
    first = key[: len(fields)]
    return tuple(name for name, _ in first) == fields and all(order in {1, -1} for _, order in first)


def _name(collection: Any, fields: tuple[str, ...]) -> str:
    return f"{collection.name}.{' + '.join(fields)}"
