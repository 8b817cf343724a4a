"""The log of events in MongoDB.

An event's place is one more than the last place that can be read, and is its `_id`: of two writers that want the same, one is
refused and looks again. So no place is ever given to an event while a lower one is still to be written, and neither a
transaction nor a replica set is needed. For that there is always a last place: the log begins with a document that is no event,
and what is last does not expire (a TTL index goes by `expiring`, which all before it have).
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from fmcsa_orchestrator.model.carrier_events import TYPE_PREFIX
from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.storage.event_log import BEGINNING, Wanted
from fmcsa_orchestrator.storage.mongodb.driver import asked, collection_of, inserted_in_order, whole
from fmcsa_orchestrator.storage.mongodb.indexes import OF_EVENTS, Expiry, MongoIndexes

_TRIES = 200  # times that others may be quicker: each time, one of them has got on
_PART = 500  # events in one command
_WRITING = "cannot write events"


class MongoEventLog:
    """An `EventLog` in one collection, of a motor or PyMongo-async database."""

    def __init__(self, database: Any, collection: str = "fmcsaEvents", *, kept_days: int | None = None) -> None:
        self._events = collection_of(database, collection)
        expiry = Expiry(self._events, "expiring", "fmcsaExpiring", kept_days, "events")
        self._indexes = MongoIndexes(database, [(self._events, OF_EVENTS)], [expiry])
        self._turn = asyncio.Lock()  # collections are written side by side: they would take each other's places
        self._last: int | None = None  # as far as we know; others may be further
        self._staying = _PART  # events that have been the last of all, and have no time to expire at yet: unknown at first

    async def prepare(self, limit_s: float) -> Sequence[Finding]:
        """Its indexes, one of which makes MongoDB delete events after so many days."""
        return await self._indexes.prepare(limit_s)

    async def append(self, documents: Sequence[Mapping[str, Any]]) -> int:
        """In ordered inserts, each as far as it goes before somebody else has taken a place; those of one process in turn."""
        new = 0
        async with self._turn:
            for start in range(0, len(documents), _PART):
                new += await self._append(documents[start : start + _PART])
        return new

    async def _append(self, documents: Sequence[Mapping[str, Any]]) -> int:
        by_id = {document["id"]: document for document in documents}
        new = 0
        for _ in range(_TRIES):
            for known in await self._known(list(by_id)):
                del by_id[known]
            if not by_id:
                return new
            last = self._last or await self._last_place()
            numbered: list[dict[str, Any]] = [
                {"_id": place, **document, "expiring": document["time"]}
                for place, document in enumerate(by_id.values(), last + 1)
            ]
            del numbered[-1]["expiring"]
            taken = await inserted_in_order(self._events, numbered, _WRITING)
            new += taken
            self._last = last + taken if taken else None
            self._staying += bool(taken)
            if 0 < taken < len(numbered):  # it may be the last of all, and was not meant to be
                await asked(_WRITING, partial(self._events.update_one, {"_id": last + taken}, {"$unset": {"expiring": ""}}))
            elif taken and self._staying > _PART:
                await self._let_expire(last + taken, numbered[0]["time"])
        raise RepositoryError(f"{_WRITING}: others were quicker {_TRIES} times in a row")

    async def _last_place(self) -> int:
        """The last one, which is that of the beginning before there is any event."""
        last = await self.last()
        if last == 0:
            await inserted_in_order(self._events, [{"_id": BEGINNING}], _WRITING)
            last = await self.last()
        return last

    async def _let_expire(self, last: int, at: datetime) -> None:
        """All before the last; not each time, since those that stay meanwhile are few."""
        self._staying = 0
        condition = {"_id": {"$lt": last, "$gt": BEGINNING}, "expiring": None}
        await asked(_WRITING, partial(self._events.update_many, condition, {"$set": {"expiring": at}}))

    async def _known(self, ids: Sequence[str]) -> list[str]:
        find = partial(self._events.find, {"id": {"$in": list(ids)}}, {"id": 1})
        return list({row["id"] for row in await asked("cannot read events", lambda: whole(find()))})

    async def read(self, after: int, limit: int, wanted: Wanted) -> list[Mapping[str, Any]]:
        """By `_id`."""
        find = partial(self._events.find, _condition(after, wanted))
        return await asked("cannot read events", lambda: whole(find().sort("_id", 1).limit(limit).batch_size(limit), limit))

    async def latest(self, limit: int, wanted: Wanted, *, after: int = 0) -> list[Mapping[str, Any]]:
        """By `_id`, from the end."""
        find = partial(self._events.find, _condition(after, wanted))
        found = await asked("cannot read events", lambda: whole(find().sort("_id", -1).limit(limit).batch_size(limit), limit))
        return found[::-1]

    async def last(self) -> int:
        """By `_id`, from the end."""
        found = await asked("cannot read events", lambda: whole(self._events.find({}, {"_id": 1}).sort("_id", -1).limit(1), 1))
        return int(found[0]["_id"]) if found else 0


def _condition(after: int, wanted: Wanted) -> dict[str, Any]:
    condition: dict[str, Any] = {"_id": {"$gt": max(after, BEGINNING)}}
    if wanted.types:
        condition["$or"] = [_of_type(name) for name in wanted.types]
    if wanted.companies:
        condition["data.companyId"] = {"$in": list(wanted.companies)}
    if wanted.severities:
        condition["data.severity"] = {"$in": list(wanted.severities)}
    if wanted.since:
        condition["time"] = {"$gte": wanted.since}
    return condition


def _of_type(name: str) -> dict[str, Any]:
    """By equality, or from the name with a dot to the name with what follows a dot in ASCII: no text becomes a pattern."""
    if "." in name:
        return {"type": f"{TYPE_PREFIX}{name}"}
    return {"type": {"$gte": f"{TYPE_PREFIX}{name}.", "$lt": f"{TYPE_PREFIX}{name}/"}}
