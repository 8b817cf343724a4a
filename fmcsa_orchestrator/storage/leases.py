"""Leases: who may work on something, until when, and what becomes of one who was too slow.

A lease lies in the document that it protects: in the company for a sync, in `fmcsaLeases` for a run. Whoever takes it raises
`token` by one, on the condition that it is still what was read; every write then asks for that same token. One who was overtaken
holds an older token, and MongoDB refuses the write by itself, whatever the slow one believes of the time.
"""

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from fmcsa_orchestrator.model.errors import LeaseLostError, RepositoryError

TTL_S = 30.0  # after so many seconds without a heartbeat a holder may be taken over
_FIELDS = ("owner", "since", "heartbeatAt", "expiresAt")


@dataclass(frozen=True, slots=True)
class Lease:
    """Ours: what is leased, and the token that our writes carry."""

    key: Any
    owner: str
    token: int


class LeaseStore(Protocol):
    """Where leases are kept: in documents of their own, or in those that they protect.

    Raises, from every method: RepositoryError when the store does not work.
    """

    async def acquire(self, name: str, owner: str, ttl_s: float) -> Lease:
        """Take the lease that is a document of its own. Raises: LeaseHeldError, naming the holder."""

    async def take(self, documents: Sequence[Mapping[str, Any]], owner: str, ttl_s: float) -> Sequence[Lease | RepositoryError]:
        """Take the leases in documents that were just read; by position, each or why it could not be had.

        LeaseHeldError: somebody holds it, or has held it since the document was read. CompanyNotFoundError: the document is gone.
        CompanyWriteError: it is such that no lease can be put in it.
        """

    async def renew(self, leases: Sequence[Lease], ttl_s: float) -> Collection[Any]:
        """Hold them for another `ttl_s` seconds from now; the keys of those that are still their owner's."""

    async def release(self, leases: Sequence[Lease], finished: Sequence[Lease] = ()) -> None:
        """Give back those that their owner still has; of the finished ones it is noted that they came to their end."""


def new_owner() -> str:
    """A name for one holder: host, process, and what tells it from any other in that process."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


def lost_to_another() -> LeaseLostError:
    """The error of one who was overtaken."""
    return LeaseLostError("another sync has taken over meanwhile; nothing more is written, its result stands")


def values_of_holder(folder: str, owner: str, token: int, now: datetime, ttl_s: float) -> dict[str, Any]:
    """Path -> value for taking a lease under the paths that begin with `folder`."""
    return {f"{folder}owner": owner, f"{folder}since": now, f"{folder}token": token, **values_of_heartbeat(folder, now, ttl_s)}


def values_of_heartbeat(folder: str, now: datetime, ttl_s: float) -> dict[str, Any]:
    """Path -> value for holding it longer."""
    return {f"{folder}heartbeatAt": now, f"{folder}expiresAt": now + timedelta(seconds=ttl_s)}


def values_of_nobody(folder: str, finished: int | None = None) -> dict[str, Any]:
    """Path -> value for giving it back. The token stays, so that the next one is higher.

    `finished`: the token of one who came to the end of the work.
    """
    values: dict[str, Any] = {f"{folder}{field}": None for field in _FIELDS}
    return values if finished is None else {**values, f"{folder}finishedToken": finished}
