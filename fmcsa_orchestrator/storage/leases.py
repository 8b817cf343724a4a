"""Leases: who may work on something, until when, and what becomes of one who was too slow.

A lease lies in the document that it protects: in the company for a sync, in `fmcsaLeases` for a run. Whoever takes it raises
`token` by one, on the condition that it is still what was read; every write then asks for that same token. One who was overtaken
holds an older token, and MongoDB refuses the write by itself, whatever the slow one believes of the time.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from fmcsa_orchestrator.model.documents import bson_time, dig
from fmcsa_orchestrator.model.errors import CompanyWriteError, LeaseHeldError, LeaseLostError, RepositoryError

TTL_S = 30.0  # after so many seconds without a heartbeat a holder may be taken over
_TEXT_LIMIT = 200
RELEASE_S = 5.0  # what giving back may take
TAKE_S = 1.0  # what taking may still take after we have been cancelled: a lease that arrives later has to run out
_FIELDS = ("owner", "since", "heartbeatAt", "expiresAt")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lease:
    """Ours: what is leased, and the token that our writes carry."""

    key: Any
    owner: str
    token: int


class LeaseStore(Protocol):
    """Where leases are kept: in documents of their own, or in those that they protect.

    Raises, from every method: RepositoryError.
    """

    async def acquire(self, name: str, owner: str, ttl_s: float) -> Lease:
        """Take the lease that is a document of its own. Raises: LeaseHeldError, naming the holder."""

    async def take(self, document: Mapping[str, Any], owner: str, ttl_s: float) -> tuple[Lease, dict[str, Any]]:
        """Take the lease in a document that was just read: the lease, and the document as it is then.

        Raises: LeaseHeldError when somebody holds it, or has held it since the document was read; CompanyWriteError.
        """

    async def renew(self, lease: Lease, ttl_s: float) -> bool:
        """Hold it for another `ttl_s` seconds from now; False when somebody else has it."""

    async def release(self, key: Any, owner: str) -> None:
        """Give it back, if this owner has it."""


def new_owner() -> str:
    """A name for one holder: host, process, and what tells it from any other in that process."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


def token_of(document: Mapping[str, Any], folder: str) -> int | None:
    """The token in a document; None where nobody has ever taken it.

    Raises: CompanyWriteError for anything but a whole number: it is to become part of a query.
    """
    token = dig(document, f"{folder}token")
    if token is None or (isinstance(token, int) and not isinstance(token, bool)):
        return token
    raise CompanyWriteError(f"{folder}token is of type {type(token).__name__}, not a whole number; remove it from the document")


def check_free(document: Mapping[str, Any], folder: str, now: datetime) -> None:
    """Raises: LeaseHeldError when somebody holds the document's lease."""
    expires_at = dig(document, f"{folder}expiresAt")
    if isinstance(expires_at, datetime) and bson_time(expires_at) > now:
        raise held_by(dig(document, f"{folder}owner"), dig(document, f"{folder}since"))


def held_by(owner: Any = None, since: Any = None) -> LeaseHeldError:
    """The error that names the holder, as far as it is known."""
    owner = owner[:_TEXT_LIMIT] if isinstance(owner, str) else None
    since = bson_time(since) if isinstance(since, datetime) else None
    who = f"by {owner}" if owner else "elsewhere"
    when = f", since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    return LeaseHeldError(f"a sync is under way {who}{when}", owner=owner, since=since)


def lost_to_another() -> LeaseLostError:
    """The error of one who was overtaken."""
    return LeaseLostError("another sync has taken over meanwhile; nothing more is written, its result stands")


def taken(folder: str, owner: str, token: int | None, now: datetime, ttl_s: float) -> dict[str, Any]:
    """Path -> value for taking a lease."""
    return {f"{folder}owner": owner, f"{folder}since": now, f"{folder}token": (token or 0) + 1} | prolonged(folder, now, ttl_s)


def prolonged(folder: str, now: datetime, ttl_s: float) -> dict[str, Any]:
    """Path -> value for a heartbeat."""
    return {f"{folder}heartbeatAt": now, f"{folder}expiresAt": now + timedelta(seconds=ttl_s)}


def returned(folder: str) -> dict[str, Any]:
    """Path -> value for giving a lease back: nobody has it. The token stays, so that the next one is higher."""
    return {f"{folder}{field}": None for field in _FIELDS}


def finished(folder: str, token: int) -> dict[str, Any]:
    """Path -> value for giving a lease back with the work done."""
    return {**returned(folder), f"{folder}finishedToken": token}


async def released(leases: LeaseStore, key: Any, owner: str) -> None:
    """Give a lease back, whatever state the store is in, and though we be cancelled; where that fails, it runs out by itself."""

    async def give_back() -> None:
        with suppress(RepositoryError, TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await leases.release(key, owner)

    await to_its_end(give_back(), RELEASE_S)


async def to_its_end(call: Awaitable[T], patience_s: float) -> T:
    """The call's result. A cancellation passes only when the call has ended, or after `patience_s` seconds.

    Raises: what the call raises.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=patience_s)
        if not task.cancel() and not task.cancelled():
            task.exception()  # it concerns nobody any more
        raise
