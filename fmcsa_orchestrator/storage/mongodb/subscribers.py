"""The subscribers in MongoDB: a small collection, each document with its lease."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from fmcsa_orchestrator.model.subscriber import LEASE_FOLDER
from fmcsa_orchestrator.storage.leases import LeaseStore
from fmcsa_orchestrator.storage.mongodb.driver import ServerClock, asked, collection_of, inserted_in_order, whole
from fmcsa_orchestrator.storage.mongodb.lease_store import MongoLeases

_READING, _WRITING = "cannot read subscribers", "cannot write a subscriber"


class MongoSubscribers:
    """A `SubscriberStore` in one collection, of a motor or PyMongo-async database."""

    def __init__(self, database: Any, collection: str = "fmcsaSubscribers") -> None:
        self._subscribers = collection_of(database, collection)
        self.leases: LeaseStore = MongoLeases(self._subscribers, ServerClock(database), LEASE_FOLDER)

    async def all(self) -> Sequence[Mapping[str, Any]]:
        """By `_id`."""
        return await asked(_READING, lambda: whole(self._subscribers.find({}).sort("_id", 1)))

    async def find(self, name: str) -> Mapping[str, Any] | None:
        """By `_id`."""
        found: Mapping[str, Any] | None = await asked(_READING, partial(self._subscribers.find_one, {"_id": {"$eq": name}}))
        return found

    async def add(self, document: Mapping[str, Any]) -> bool:
        """One insert."""
        return await inserted_in_order(self._subscribers, [dict(document)], _WRITING) == 1

    async def remove(self, name: str) -> bool:
        """One delete."""
        result = await asked(_WRITING, partial(self._subscribers.delete_one, {"_id": {"$eq": name}}))
        return bool(result.deleted_count)

    async def change(self, name: str, values: Mapping[str, Any], token: int | None = None) -> bool:
        """One update, on the condition of the token."""
        condition: dict[str, Any] = {"_id": {"$eq": name}} | ({} if token is None else {f"{LEASE_FOLDER}token": token})
        result = await asked(_WRITING, partial(self._subscribers.update_one, condition, {"$set": dict(values)}))
        return bool(result.matched_count)
