"""Leases in memory, for the fakes: the same conditions as in MongoDB, within one process."""

from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

from fmcsa_orchestrator.model.documents import bson_time, dig, settable, with_values
from fmcsa_orchestrator.model.errors import CompanyNotFoundError
from fmcsa_orchestrator.model.status import StoredLease
from fmcsa_orchestrator.storage.leases import Lease, values_of_heartbeat, values_of_holder, values_of_nobody


class InMemoryLeases:
    """The leases in a dict of documents, in a folder of each ("" is the document itself); `now` is the server's clock."""

    def __init__(
        self,
        documents: MutableMapping[Any, Mapping[str, Any]],
        folder: str = "",
        now: Callable[[], datetime] = lambda: bson_time(datetime.now(UTC)),
    ) -> None:
        self.now = now
        self.documents = documents
        self._folder = folder

    async def acquire(self, name: str, owner: str, ttl_s: float) -> Lease:
        """Take the lease that is a document of its own."""
        document = self.documents.setdefault(name, {"_id": name})
        return (await self.take(document, owner, ttl_s))[0]

    async def take(self, document: Mapping[str, Any], owner: str, ttl_s: float) -> tuple[Lease, dict[str, Any]]:
        """Take the lease in a document that was just read."""
        ours = StoredLease.within(document, self._folder)
        ours.check_free(self.now())
        lease = Lease(document["_id"], owner, (ours.token or 0) + 1)
        values = values_of_holder(self._folder, owner, lease.token, self.now(), ttl_s)
        stored = self.documents.get(document["_id"])
        if stored is None:
            raise CompanyNotFoundError(f"the document {document['_id']!s:.60} was deleted meanwhile")
        theirs = StoredLease.within(stored, self._folder)
        if theirs.token != ours.token:
            theirs.check_free(self.now())
            raise StoredLease(self._folder, {}).held()
        self.documents[document["_id"]] = with_values(stored, settable(stored, values))
        return lease, with_values(document, values)

    async def renew(self, lease: Lease, ttl_s: float) -> bool:
        """A heartbeat."""
        stored = self.documents.get(lease.key, {})
        if StoredLease.within(stored, self._folder).token != lease.token or dig(stored, f"{self._folder}owner") != lease.owner:
            return False
        self.documents[lease.key] = with_values(stored, values_of_heartbeat(self._folder, self.now(), ttl_s))
        return True

    async def release(self, key: Any, owner: str) -> None:
        """Give it back."""
        stored = self.documents.get(key, {})
        if dig(stored, f"{self._folder}owner") == owner:
            self.documents[key] = with_values(stored, values_of_nobody(self._folder))
