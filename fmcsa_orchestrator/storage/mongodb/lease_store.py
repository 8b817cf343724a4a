"""Leases in MongoDB documents: each taken by one update, on the condition of the token that was read; many in one bulk."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from fmcsa_orchestrator.model.documents import dig, settable
from fmcsa_orchestrator.model.errors import CompanyNotFoundError, CompanyWriteError, LeaseHeldError, RepositoryError
from fmcsa_orchestrator.model.status import StoredLease
from fmcsa_orchestrator.storage.leases import Lease, values_of_heartbeat, values_of_holder, values_of_nobody
from fmcsa_orchestrator.storage.mongodb.driver import DuplicateKeyError, ServerClock, UpdateOne, asked, bulk, whole


def still(mark: Any) -> Any:
    """The condition that this lies in place of a token as it was read, whatever it is.

    Objects and the like are compared by their kind only: when a token has taken their place the condition fails, as it should.
    """
    if isinstance(mark, list | dict):
        return {"$type": "array" if isinstance(mark, list) else "object"}
    return mark


class MongoLeases:
    """The leases in one collection, in a folder of each document ("" is the document itself).

    Raises, from every method: RepositoryError.
    """

    def __init__(self, collection: Any, clock: ServerClock, folder: str = "") -> None:
        self._collection = collection
        self._clock = clock
        self._folder = folder

    async def acquire(self, name: str, owner: str, ttl_s: float) -> Lease:
        """Take the lease that is a document of its own, made on first use. Raises: LeaseHeldError."""
        document = await asked("cannot take the lease", lambda: self._found_or_made(name))
        (answer,) = await self.take([document], owner, ttl_s)
        if isinstance(answer, RepositoryError):
            raise answer
        return answer

    async def _found_or_made(self, name: str) -> Mapping[str, Any]:
        document: Mapping[str, Any] | None = await self._collection.find_one({"_id": {"$eq": name}})
        if document is None:
            document = {"_id": name}
            with suppress(DuplicateKeyError):  # somebody was first, a moment ago: `take` will tell who
                await self._collection.insert_one(dict(document))
        return document

    async def take(self, documents: Sequence[Mapping[str, Any]], owner: str, ttl_s: float) -> list[Lease | RepositoryError]:
        """Take the leases in documents that were just read; by position, each or why it could not be had."""
        now = await self._clock.now()
        answers: list[Lease | RepositoryError] = []
        operations, asked = [], []
        for position, document in enumerate(documents):
            try:
                stored = StoredLease.within(document, self._folder)
                stored.check_free(now)
                lease = Lease(document["_id"], owner, stored.next_token)
                change = {"$set": settable(document, values_of_holder(self._folder, owner, lease.token, now, ttl_s))}
                unchanged: dict[str, Any] = {f"{self._folder}token": still(stored.mark)}
                if stored.expires_at is not None:
                    unchanged[f"{self._folder}expiresAt"] = stored.expires_at  # nor has the holder come back to life
                operations.append(UpdateOne({"_id": lease.key, **unchanged}, change))
                asked.append(position)
                answers.append(lease)
            except (LeaseHeldError, CompanyWriteError) as error:
                answers.append(error)
        matched, refused = await bulk(self._collection, operations, "cannot take the lease")
        for index, refusal in refused.items():
            answers[asked[index]] = refusal
        if matched + len(refused) < len(operations):
            await self._tell_who(answers, now)
        return answers

    async def _tell_who(self, answers: list[Lease | RepositoryError], now: Any) -> None:
        """Of leases that were asked for: who has those that we did not get."""
        found = await self._stored([answer.key for answer in answers if isinstance(answer, Lease)])
        for position, lease in enumerate(answers):
            if not isinstance(lease, Lease):
                continue
            document = found.get(lease.key)
            if document is None:
                answers[position] = CompanyNotFoundError(f"the document {lease.key!s:.60} was deleted meanwhile")
            elif not self._is_of(document, lease):
                try:
                    StoredLease.within(document, self._folder).check_free(now)
                    answers[position] = StoredLease(self._folder, {}).held()
                except LeaseHeldError as error:
                    answers[position] = error

    async def renew(self, leases: Sequence[Lease], ttl_s: float) -> Collection[Any]:
        """A heartbeat for all of one owner's."""
        keys = [lease.key for lease in leases]
        values = values_of_heartbeat(self._folder, await self._clock.now(), ttl_s)
        condition = {"_id": {"$in": keys}, f"{self._folder}owner": leases[0].owner}
        result = await asked("cannot renew the lease", lambda: self._collection.update_many(condition, {"$set": values}))
        if result.matched_count == len(keys):
            return keys
        found = await self._stored(keys)
        return [lease.key for lease in leases if self._is_of(found.get(lease.key, {}), lease)]

    async def release(self, leases: Sequence[Lease], finished: Sequence[Lease] = ()) -> None:
        """Give back those that their owner still has."""
        done = {lease.key for lease in finished}
        operations = [
            UpdateOne(
                {"_id": lease.key, f"{self._folder}owner": lease.owner},
                {"$set": values_of_nobody(self._folder, lease.token if lease.key in done else None)},
            )
            for lease in leases
        ]
        await bulk(self._collection, operations, "cannot release the lease")

    async def _stored(self, keys: Sequence[Any]) -> dict[Any, Mapping[str, Any]]:
        """The documents with these leases, by key, as far as they are there."""
        fields = {f"{self._folder}{name}": 1 for name in ("owner", "token", "since", "expiresAt")}
        found = await asked("cannot read leases", lambda: whole(self._collection.find({"_id": {"$in": keys}}, fields)))
        return {document["_id"]: document for document in found}

    def _is_of(self, document: Mapping[str, Any], lease: Lease) -> bool:
        return [dig(document, f"{self._folder}{name}") for name in ("owner", "token")] == [lease.owner, lease.token]
