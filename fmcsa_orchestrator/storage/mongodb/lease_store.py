"""Leases in MongoDB documents: each step one `update_one`, on the condition of the token that was read."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fmcsa_orchestrator.model.documents import settable, with_values
from fmcsa_orchestrator.model.errors import CompanyNotFoundError
from fmcsa_orchestrator.model.status import StoredLease
from fmcsa_orchestrator.storage.leases import Lease, values_of_heartbeat, values_of_holder, values_of_nobody
from fmcsa_orchestrator.storage.mongodb.driver import DuplicateKeyError, ServerClock, translated


class MongoLeases:
    """The leases in one collection, in a folder of each document ("" is the document itself).

    Raises, from every method: RepositoryError; CompanyWriteError where a document is such that no lease can be put in it.
    """

    def __init__(self, collection: Any, clock: ServerClock, folder: str = "") -> None:
        self._collection = collection
        self._clock = clock
        self._folder = folder

    async def acquire(self, name: str, owner: str, ttl_s: float) -> Lease:
        """Take the lease that is a document of its own, made on first use. Raises: LeaseHeldError."""
        with translated("cannot take the lease"):
            document = await self._collection.find_one({"_id": {"$eq": name}})
            if document is None:
                document = {"_id": name}
                with suppress(DuplicateKeyError):  # somebody was first, a moment ago: `take` will tell who
                    await self._collection.insert_one(dict(document))
        lease, _ = await self.take(document, owner, ttl_s)
        return lease

    async def take(self, document: Mapping[str, Any], owner: str, ttl_s: float) -> tuple[Lease, dict[str, Any]]:
        """Take the lease in a document that was just read: the lease, and the document as it is then.

        Raises: LeaseHeldError when somebody holds it, or has held it since the document was read.
        """
        now = await self._clock.now()
        stored = StoredLease.within(document, self._folder)
        stored.check_free(now)
        token = stored.token
        lease = Lease(document["_id"], owner, (token or 0) + 1)
        values = values_of_holder(self._folder, owner, lease.token, now, ttl_s)
        with translated("cannot take the lease"):
            result = await self._collection.update_one(
                {"_id": document["_id"], f"{self._folder}token": token},
                {"$set": settable(document, values)},
            )
            if not result.matched_count:
                found = await self._collection.find_one({"_id": {"$eq": document["_id"]}})
                if found is None:
                    raise CompanyNotFoundError(f"the document {document['_id']!s:.60} was deleted meanwhile")
                StoredLease.within(found, self._folder).check_free(now)
                raise StoredLease(self._folder, {}).held()
        return lease, with_values(document, values)

    async def renew(self, lease: Lease, ttl_s: float) -> bool:
        """A heartbeat."""
        values = values_of_heartbeat(self._folder, await self._clock.now(), ttl_s)
        with translated("cannot renew the lease"):
            result = await self._collection.update_one(
                {"_id": lease.key, f"{self._folder}token": lease.token, f"{self._folder}owner": lease.owner},
                {"$set": values},
            )
        return bool(result.matched_count)

    async def release(self, key: Any, owner: str) -> None:
        """Give it back."""
        with translated("cannot release the lease"):
            await self._collection.update_one(
                {"_id": key, f"{self._folder}owner": owner}, {"$set": values_of_nobody(self._folder)}
            )
