"""What is asked of the store of subscribers: few documents, each with a lease in it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fmcsa_orchestrator.storage.leases import LeaseStore


class SubscriberStore(Protocol):
    """Where subscribers are, and how far each of them is.

    Attributes:
        leases: where the leases of single subscribers are: who delivers to one holds it.

    Raises:
        RepositoryError: from every method, when the store does not work.
    """

    leases: LeaseStore

    async def all(self) -> Sequence[Mapping[str, Any]]:
        """All of them, by name."""

    async def find(self, name: str) -> Mapping[str, Any] | None:
        """One by its name; None where there is none."""

    async def add(self, document: Mapping[str, Any]) -> bool:
        """Put it there; False where its name is taken."""

    async def remove(self, name: str) -> bool:
        """Take it away; False where there is none."""

    async def change(self, name: str, values: Mapping[str, Any], token: int | None = None) -> bool:
        """Set these fields; False where it is gone, or its lease has not this token any more."""
