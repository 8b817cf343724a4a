"""Which row documents to write: a company's rows as upstream has them against what is stored. No I/O."""

import asyncio
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from fmcsa_orchestrator.model.carrier_events import RowChange
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.model.documents import as_time, content_hash
from fmcsa_orchestrator.model.errors import ImplausibleEmptyError, MalformedPayloadError

# What the diff needs to know of a stored row.
PROJECTION = {"companyId": 1, "hash": 1, "current": 1, "firstSeen": 1, "usdot": 1, "expectedUntil": 1}
RESERVED = frozenset({"_id", "companyId", "usdot", "current", "firstSeen", "lastChanged", "endedAt", "expectedUntil", "hash"})
# So many rows that ought to be there still do not all vanish at once: a correction removes one or two.
IMPLAUSIBLE_LOSS = 5
SLICE = 500  # rows compared between two turns of the event loop
_BUCKETS = 2**16 - 1

_PLAIN = re.compile(r"-?[0-9]+|[0-9a-f]{24}")  # how an int and an ObjectId look; ids of other types are marked
_MARKS = ('"', "<")


@dataclass(frozen=True, slots=True)
class Tell:
    """How a company's changes in one collection are told.

    Attributes:
        of_row: makes the events of a row that is new, other, or gone.
        group_of: what a row tells of, by its key, where several tell of one thing.
    """

    of_row: Callable[[RowChange], Sequence[Mapping[str, Any]]]
    group_of: Callable[[str], str] | None = None


@dataclass(slots=True)
class RowPlan:
    """What to write of one company's rows in one collection.

    Attributes:
        company_id: whose.
        replace: whole documents to put in place.
        end: ids of rows that are gone upstream.
        reason: why, where it is not simply that.
        size: how many rows are touched.
        refused: why some of it was not written, once that has been tried.
        tell: how that is told; None where nothing is to be told.
        groups: what else tells of the same as a row.
    """

    company_id: Any
    replace: list[dict[str, Any]] = field(default_factory=list)
    end: list[str] = field(default_factory=list)
    reason: str | None = None
    size: int = 0
    refused: Exception | None = None
    tell: Tell | None = None
    groups: "RowGroups | None" = None


def scope_of(company_id: Any) -> str:
    """What the `_id` of each of a company's rows begins with.

    Two companies never share one, even with ids such as 7, "7" and "7:1", a UUID and its text, or bytes of two BSON kinds.
    """
    text = str(company_id).replace("%", "%25").replace(":", "%3A")
    is_plain = _PLAIN.fullmatch(text) is not None
    if isinstance(company_id, str):
        text = f'"{text}"' if is_plain or text.startswith(_MARKS) else text
    elif not is_plain:
        kind = getattr(company_id, "subtype", "")  # of a Binary: bytes that look alike may stand for different things
        text = f"<{type(company_id).__name__}{kind} {text}>"
    return f"{text}:"


async def plan_rows(
    stored: Mapping[str, Mapping[str, Any]],
    documents: Sequence[Document],
    company_id: Any,
    usdot: int,
    at: datetime,
    spared: tuple[str, ...] = (),
) -> RowPlan:
    """Compare all of a company's rows by content hash; `stored` maps `_id` to the projected row.

    None whose `_id` begins as one of `spared` is taken for gone.

    Raises: ImplausibleEmptyError when nothing is left of rows that ought to be; MalformedPayloadError as `compared`.
    """  # a coroutine, since hashing many rows would hold up the event loop
    if not documents:
        check_plausible(expected_rows(stored.values(), usdot, at))
    plan, seen, remaining = RowPlan(company_id), SeenIds(), iter(documents)
    while part := list(islice(remaining, SLICE)):
        plan.replace += compared(stored, part, company_id, usdot, at, seen)
        if len(part) == SLICE:
            await asyncio.sleep(0)
    plan.end = gone(stored, seen, spared)
    plan.size = len(plan.replace) + len(plan.end)
    return plan


def compared(
    stored: Mapping[str, Mapping[str, Any]],
    documents: Sequence[Document],
    company_id: Any,
    usdot: int,
    at: datetime,
    seen: "SeenIds",
) -> list[dict[str, Any]]:
    """The row documents to put in place, of these; `seen` takes all their ids, and has those of the ones before.

    Raises: MalformedPayloadError for an id that has come before; as `check_document`.
    """
    scope = scope_of(company_id)
    replace = []
    for document in documents:
        check_document(document)
        row_id = scope + document.id
        if not seen.add(row_id):
            raise MalformedPayloadError(f"two rows have the id {document.id!r:.80}", field="_id")
        digest = content_hash(document.content)
        old = stored.get(row_id)
        if old is None or old.get("hash") != digest or not old.get("current") or old.get("usdot") != usdot:
            replace.append(_row(row_id, document, company_id, usdot, digest, old, at))
    return replace


def check_document(document: Any) -> None:
    """Raises: TypeError for what is no document; MalformedPayloadError for an id that is no text, or a name of ours."""
    if not isinstance(document, Document):
        raise TypeError(f"documents holds a {type(document).__name__}, not a Document")
    row_id, content, until = _parts(document)
    if not isinstance(row_id, str):
        raise MalformedPayloadError(f"a row's id must be text, not {type(row_id).__name__}", field="_id")
    if not isinstance(content, Mapping):
        raise TypeError(f"the content of row {row_id!r:.80} is a {type(content).__name__}, not a mapping")
    if until is not None and not isinstance(until, datetime):
        raise TypeError(f"expected_until of row {row_id!r:.80} is a {type(until).__name__}, not a time")
    if not RESERVED.isdisjoint(content):
        name = min(RESERVED.intersection(content))
        raise MalformedPayloadError(f"a row's content may not have a field {name}", field=name)


async def check_all(documents: Sequence[Document]) -> None:
    """All of them as `check_document`, a slice between two turns of the event loop."""
    remaining = iter(documents)
    while part := list(islice(remaining, SLICE)):
        for document in part:
            check_document(document)
        await asyncio.sleep(0)


def _parts(document: Document) -> tuple[Any, Any, Any]:
    """These as whatever they are: what their types are declared to be is to be seen yet."""
    return document.id, document.content, document.expected_until


def gone(stored: Mapping[str, Mapping[str, Any]], seen: "SeenIds", spared: tuple[str, ...] = ()) -> list[str]:
    """The ids of stored rows that upstream has no more."""
    return [
        row_id
        for row_id, row in stored.items()
        if row.get("current") and row_id not in seen and not (spared and row_id.startswith(spared))
    ]


class RowGroups:
    """How many rows of a company tell of one thing, as the vehicles of a crash do: those that are stored, and upstream's."""

    def __init__(self, group_of: Callable[[str], str], company_id: Any) -> None:
        self._group_of = group_of
        self._scope = scope_of(company_id)
        self._before: Counter[str] = Counter()
        self._after: Counter[str] = Counter()

    def add_stored(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Count those that are current."""
        self._before.update(self._group_of(row["_id"].removeprefix(self._scope)) for row in rows if row.get("current"))

    async def add_upstream(self, documents: Sequence[Document]) -> None:
        """Count all that upstream has."""
        remaining = iter(documents)
        while part := list(islice(remaining, SLICE)):
            self._after.update(self._group_of(document.id) for document in part)
            await asyncio.sleep(0)

    def of(self, change: RowChange) -> RowChange:
        """The change, with what is known of the others."""
        group = self._group_of(change.key)
        before, after = self._before[group] - (change.before is not None), self._after[group] - (change.after is not None)
        return replace(change, others_before=before > 0, others_after=after > 0)


class SeenIds:
    """The ids of rows that have come, by their 64-bit hashes in many short arrays: a large carrier has hundreds of thousands.

    A set of them would take four times the memory. That two of a million ids share a hash happens once in some 40 million times.
    """

    __slots__ = ("_hashes",)

    def __init__(self) -> None:
        self._hashes: defaultdict[int, array[int]] = defaultdict(partial(array, "q"))

    def add(self, row_id: str) -> bool:
        """One more has come; whether it is new."""
        mark = hash(row_id)
        bucket = self._hashes[mark & _BUCKETS]
        if mark in bucket:
            return False
        bucket.append(mark)
        return True

    def __contains__(self, row_id: str) -> bool:
        mark = hash(row_id)
        return mark in self._hashes.get(mark & _BUCKETS, ())


def _row(
    row_id: str, document: Document, company_id: Any, usdot: int, digest: str, old: Mapping[str, Any] | None, at: datetime
) -> dict[str, Any]:
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


def expected_rows(stored: Iterable[Mapping[str, Any]], usdot: int, at: datetime) -> int:
    """How many of the stored rows upstream ought to have still, by its own rules."""
    return sum(
        1
        for row in stored
        if row.get("current")
        and row.get("usdot") == usdot
        and ((until := as_time(row.get("expectedUntil"))) is None or until > at)
    )


def check_plausible(expected: int) -> None:
    """Raises: ImplausibleEmptyError where upstream has no row, and so many ought to be there."""
    if expected >= IMPLAUSIBLE_LOSS:
        raise ImplausibleEmptyError(f"upstream has no rows, but {expected} that are stored should still be there; they are kept")
