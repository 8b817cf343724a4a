"""Leases in memory, for the fakes: the same conditions as in MongoDB, within one process."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fmcsa_orchestrator.model.documents import bson_time, differs, dig, settable, with_values
from fmcsa_orchestrator.model.errors import CompanyNotFoundError, RepositoryError
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
        return self._take(self.documents.setdefault(name, {"_id": name}), owner, ttl_s)

    async def take(self, documents: Sequence[Mapping[str, Any]], owner: str, ttl_s: float) -> list[Lease | RepositoryError]:
        """Take the leases in documents that were just read."""
        answers: list[Lease | RepositoryError] = []
        for document in documents:
            try:
                answers.append(self._take(document, owner, ttl_s))
            except RepositoryError as error:
                answers.append(error)
        return answers

    def _take(self, document: Mapping[str, Any], owner: str, ttl_s: float) -> Lease:
        ours = StoredLease.within(document, self._folder)
        ours.check_free(self.now())
        lease = Lease(document["_id"], owner, ours.next_token)
        values = values_of_holder(self._folder, owner, lease.token, self.now(), ttl_s)
        stored = self.documents.get(document["_id"])
        if stored is None:
            raise CompanyNotFoundError(f"the document {document['_id']!s:.60} was deleted meanwhile")
        theirs = StoredLease.within(stored, self._folder)
        if differs(theirs.mark, ours.mark) or (ours.expires_at is not None and theirs.expires_at != ours.expires_at):
            theirs.check_free(self.now())
            raise StoredLease(self._folder, {}).held()
        self.documents[document["_id"]] = with_values(stored, settable(stored, values))
        return lease

    async def renew(self, leases: Sequence[Lease], ttl_s: float) -> list[Any]:
        """A heartbeat."""
        ours = [lease for lease in leases if self._is_of(lease)]
        for lease in ours:
            values = values_of_heartbeat(self._folder, self.now(), ttl_s)
            self.documents[lease.key] = with_values(self.documents[lease.key], values)
        return [lease.key for lease in ours]

    async def release(self, leases: Sequence[Lease], finished: Sequence[Lease] = ()) -> None:
        """Give them back."""
        for lease in leases:
            stored = self.documents.get(lease.key, {})
            if dig(stored, f"{self._folder}owner") == lease.owner:
                values = values_of_nobody(self._folder, lease.token if lease in finished else None)
                self.documents[lease.key] = with_values(stored, values)

    def _is_of(self, lease: Lease) -> bool:
        stored = self.documents.get(lease.key, {})
        return [dig(stored, f"{self._folder}{name}") for name in ("owner", "token")] == [lease.owner, lease.token]
