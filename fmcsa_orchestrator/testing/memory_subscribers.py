"""The subscribers in memory, for the fakes."""

from collections.abc import Mapping, Sequence
from typing import Any

from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.subscriber import LEASE_FOLDER
from fmcsa_orchestrator.testing.memory_leases import InMemoryLeases


class InMemorySubscribers:
    """A `SubscriberStore` of one process: `documents` by name."""

    def __init__(self) -> None:
        self.documents: dict[Any, Mapping[str, Any]] = {}
        self.leases = InMemoryLeases(self.documents, LEASE_FOLDER)

    async def all(self) -> Sequence[Mapping[str, Any]]:
        """In the order of their names."""
        return [self.documents[name] for name in sorted(self.documents)]

    async def find(self, name: str) -> Mapping[str, Any] | None:
        """The one of this name."""
        return self.documents.get(name)

    async def add(self, document: Mapping[str, Any]) -> bool:
        """Unless it is there."""
        return self.documents.setdefault(document["_id"], document) is document

    async def remove(self, name: str) -> bool:
        """If it is there."""
        return self.documents.pop(name, None) is not None

    async def change(self, name: str, values: Mapping[str, Any], token: int | None = None) -> bool:
        """If it is there, and its lease has this token."""
        stored = self.documents.get(name)
        if stored is None or (token is not None and dig(stored, f"{LEASE_FOLDER}token") != token):
            return False
        self.documents[name] = {**stored, **values}
        return True
