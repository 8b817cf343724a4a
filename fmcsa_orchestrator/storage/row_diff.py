"""Which row documents to write: a company's rows as upstream has them against what is stored. No I/O."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.model.documents import bson_time, content_hash
from fmcsa_orchestrator.model.errors import ImplausibleEmptyError, MalformedPayloadError

# What the diff needs to know of a stored row.
PROJECTION = {"hash": 1, "current": 1, "firstSeen": 1, "usdot": 1, "expectedUntil": 1}
RESERVED = frozenset({"_id", "companyId", "usdot", "current", "firstSeen", "lastChanged", "endedAt", "expectedUntil", "hash"})
# So many rows that ought to be there still do not all vanish at once: a correction removes one or two.
IMPLAUSIBLE_LOSS = 5
_SLICE = 500  # rows compared between two turns of the event loop

_PLAIN = re.compile(r"-?[0-9]+|[0-9a-f]{24}")  # how an int and an ObjectId look; ids of other types are marked
_MARKS = ('"', "<")


@dataclass(slots=True)
class RowPlan:
    """What to write: whole documents to put in place, ids of rows that are gone upstream."""

    replace: list[dict[str, Any]] = field(default_factory=list)
    end: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many rows are touched."""
        return len(self.replace) + len(self.end)


def scope_of(company_id: Any) -> str:
    """What the `_id` of each of a company's rows begins with.

    Two companies never share one, even with ids such as 7, "7" and "7:1", or a UUID and its text.
    """
    text = str(company_id).replace("%", "%25").replace(":", "%3A")
    is_plain = _PLAIN.fullmatch(text) is not None
    if isinstance(company_id, str):
        text = f'"{text}"' if is_plain or text.startswith(_MARKS) else text
    elif not is_plain:
        text = f"<{type(company_id).__name__} {text}>"
    return f"{text}:"


async def plan_rows(
    stored: Mapping[str, Mapping[str, Any]], documents: Sequence[Document], company_id: Any, usdot: int, at: datetime
) -> RowPlan:
    """Compare by content hash; `stored` maps `_id` to the projected row.

    Raises: ImplausibleEmptyError when nothing is left of rows that ought to be; MalformedPayloadError when two rows claim
    one id, or a row's content uses a name of ours.
    """  # a coroutine, since hashing a large carrier's rows would hold up the event loop
    if not documents:
        _check_plausible(stored.values(), usdot, at)
    plan = RowPlan()
    scope = scope_of(company_id)
    seen = set()
    for number, document in enumerate(documents):
        if number % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        if not isinstance(document.id, str):
            raise MalformedPayloadError(f"a row's id must be text, not {type(document.id).__name__}", field="_id")
        row_id = scope + document.id
        if row_id in seen:
            raise MalformedPayloadError(f"two rows have the id {document.id!r:.80}", field="_id")
        seen.add(row_id)
        digest = content_hash(document.content)
        old = stored.get(row_id)
        if old is None or old.get("hash") != digest or not old.get("current") or old.get("usdot") != usdot:
            plan.replace.append(_row(row_id, document, company_id, usdot, digest, old, at))
    plan.end = [row_id for row_id, old in stored.items() if row_id not in seen and old.get("current")]
    return plan


def _row(
    row_id: str, document: Document, company_id: Any, usdot: int, digest: str, old: Mapping[str, Any] | None, at: datetime
) -> dict[str, Any]:
    if not RESERVED.isdisjoint(document.content):
        name = min(RESERVED.intersection(document.content))
        raise MalformedPayloadError(f"a row's content may not have a field {name}", field=name)
    return {
        "_id": row_id,
        "companyId": company_id,
        "usdot": int(usdot),
        "current": True,
        "firstSeen": (old or {}).get("firstSeen") or at,
        "lastChanged": at,
        "expectedUntil": document.expected_until,
        "hash": digest,
        **document.content,
    }


def _check_plausible(stored: Iterable[Mapping[str, Any]], usdot: int, at: datetime) -> None:
    expected = sum(
        1
        for row in stored
        if row.get("current")
        and row.get("usdot") == usdot
        and (row.get("expectedUntil") is None or bson_time(row["expectedUntil"]) > at)
    )
    if expected >= IMPLAUSIBLE_LOSS:
        raise ImplausibleEmptyError(f"upstream has no rows, but {expected} that are stored should still be there; they are kept")
