"""One document per row of a dataset, with an id that stays the same from edition to edition."""

import asyncio
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from datetime import datetime
from itertools import count
from math import ceil
from typing import overload

from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.model.documents import content_hash
from fmcsa_orchestrator.sources.soda.columns import Content
from fmcsa_orchestrator.sources.soda.kept_rows import SLICE, slices

_SLOTS = 16  # per row, of a byte each: so few rows seem to share a key with others that they do not share it with
SORTED_AT_ONCE = 100_000  # rows whose hashes are held at once, in some 20 MB


class RowDocuments(Sequence[Document]):
    """A document of each row, made whenever it is asked for, since all of a large carrier's would fill the memory."""

    __slots__ = ("_make", "_ordinals", "_rows")

    def __init__(self, rows: Sequence[Content], ordinals: Sequence[int], make: Callable[[Content, int], Document]) -> None:
        self._rows = rows
        self._ordinals = ordinals
        self._make = make

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Document]:
        return map(self._make, self._rows, self._ordinals)

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> list[Document]: ...
    def __getitem__(self, index: int | slice) -> Document | list[Document]:
        if isinstance(index, slice):
            return list(map(self._make, self._rows[index], self._ordinals[index]))
        return self._make(self._rows[index], self._ordinals[index])


async def documents_of(
    rows: Sequence[Content],
    key_of: Callable[[Content], str],
    *,
    first: str = "",
    until: Callable[[Content], datetime | None] = lambda _: None,
    order_of: Callable[[Content], str] = content_hash,
) -> Sequence[Document]:
    """A document per row; its id is its key and an ordinal from 1, with 1 written as `first`, among the rows that share the key.

    The ordinal follows `order_of` a row, by default its content, not the order of the answer, which changes with every edition.
    `until` is when upstream will drop a row by its own rules.
    """
    ordinals = await _ordinals(rows, key_of, order_of)

    def make(row: Content, ordinal: int) -> Document:
        return Document(key_of(row) + (first if ordinal == 1 else f":{ordinal}"), row, until(row))

    documents = RowDocuments(rows, ordinals, make)
    return documents if len(rows) >= SLICE else list(documents)


async def _ordinals(
    rows: Sequence[Content], key_of: Callable[[Content], str], order_of: Callable[[Content], str]
) -> Sequence[int]:
    """The ordinal of each row, without holding the rows.

    First a count, by hash, of the keys that more than one row may have; then those rows alone are brought in order, a part of
    the keys at a time.
    """
    slots = _SLOTS * len(rows) + 1
    counts = bytearray(slots)  # 0, 1, or 2 for more
    alike = 0
    async for part in slices(rows):
        for row in part:
            slot = hash(key_of(row)) % slots
            if counts[slot]:
                alike += 3 - counts[slot]  # with the second row comes the first
                counts[slot] = 2
            else:
                counts[slot] = 1
    ordinals = array("I", [1]) * len(rows)
    turns = ceil(alike / SORTED_AT_ONCE)
    for turn in range(turns):
        groups: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        numbers = count()
        async for part in slices(rows):
            for row, number in zip(part, numbers, strict=False):
                key = key_of(row)
                slot = hash(key) % slots
                if counts[slot] == 2 and slot % turns == turn:
                    groups[key].append((order_of(row), number))
        await _number(groups, ordinals)
    return ordinals


async def _number(groups: dict[str, list[tuple[str, int]]], ordinals: MutableSequence[int]) -> None:
    """Note each row's place among those that share its key. Empties the groups, whose memory is given back bit by bit."""
    done = 0
    while groups:
        _, group = groups.popitem()
        for ordinal, (_, number) in enumerate(sorted(group), 1):
            ordinals[number] = ordinal
        done += len(group)
        if done >= SLICE:
            done = 0
            await asyncio.sleep(0)
