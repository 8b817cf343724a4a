"""The history in MongoDB: one collection, by natural ids."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from fmcsa_orchestrator.storage.history import HistoryEntry
from fmcsa_orchestrator.storage.mongodb.driver import ReplaceOne, asked, bulk, collection_of, whole


class MongoHistory:
    """A `History` in one collection, of a motor or PyMongo-async database."""

    def __init__(self, database: Any, collection: str = "fmcsaHistory") -> None:
        self._history = collection_of(database, collection)

    async def keep(self, entries: Sequence[HistoryEntry]) -> None:
        """In one unordered bulk; one that is refused is only missed in what is looked back on."""
        documents = [entry.document() for entry in entries]
        writes = [ReplaceOne({"_id": row["_id"], "companyId": row["companyId"]}, row, upsert=True) for row in documents]
        await bulk(self._history, writes, "cannot write the history")

    async def of(self, company_id: Any, usdot: int, limit: int = 36) -> list[Mapping[str, Any]]:
        """By the index of `companyId`."""
        find = partial(self._history.find, {"companyId": company_id, "usdot": usdot})
        found = await asked("cannot read the history", lambda: whole(find().sort("asOf", -1).limit(limit), limit))
        return found[::-1]
