"""Where the rows of carriers are kept while a file is read: as they are, those of large carriers packed."""

import asyncio
import json
import pickle
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from typing import Any, TypeVar, overload

from fmcsa_orchestrator.clients.json_rows import decode_rows
from fmcsa_orchestrator.model.company import OddRow
from fmcsa_orchestrator.model.errors import MalformedPayloadError
from fmcsa_orchestrator.sources.soda.columns import Content, RowParser

T = TypeVar("T")
Parsed = tuple[int, Content | OddRow]

SLICE = 500  # rows of a carrier handled between two turns of the event loop, and packed together: some 30 to 70 bytes each
ODD_ROWS = 100  # of one carrier, at most, that are kept aside; with more, or where half of all are odd, none is believed


async def slices(items: Iterable[T], size: int = SLICE) -> AsyncIterator[list[T]]:
    """The items in slices, with a turn of the event loop after each that is full."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
        if len(part) == size:
            await asyncio.sleep(0)


class KeptRows(Sequence[Content]):
    """The rows of one carrier, in one order. Those that are packed are made anew whenever they are asked for.

    Attributes:
        packed: so many times SLICE rows, which come first.
        plain: the others, fewer than SLICE.
        odd: rows besides, that could not be understood; one more than ODD_ROWS at most.
    """

    __slots__ = ("odd", "packed", "plain")

    def __init__(self) -> None:
        self.packed: list[bytes] = []
        self.plain: list[Content] = []
        self.odd: list[OddRow] = []

    def set_aside(self, row: OddRow) -> None:
        """Keep one that could not be understood."""
        if len(self.odd) <= ODD_ROWS:
            self.odd.append(row)

    def fault(self) -> MalformedPayloadError | None:
        """What its odd rows amount to; None where all could be understood."""
        if not self.odd:
            return None
        first, number = self.odd[0], len(self.odd)
        words = f"{'over ' if number > ODD_ROWS else ''}{min(number, ODD_ROWS)} of {len(self) + number} rows"
        return MalformedPayloadError(f"{words} cannot be understood, the first for its {first.error}", field=first.field)

    def is_believed(self) -> bool:
        """Whether what was understood is worth something beside what was not."""
        return len(self.odd) <= min(ODD_ROWS, max(0, len(self) - 1))

    def judged(self) -> "KeptRows | MalformedPayloadError":
        """Itself, or why it is not to be believed."""
        return self if self.is_believed() else self.fault() or self

    def append(self, row: Content) -> None:
        """Keep one more."""
        self.plain.append(row)
        if len(self.plain) == SLICE:
            self.packed.append(_pack(self.plain))
            self.plain.clear()

    def join(self, later: "KeptRows") -> None:
        """Keep what another keeps."""
        self.packed += later.packed
        for odd in later.odd:
            self.set_aside(odd)
        for row in later.plain:
            self.append(row)

    def __len__(self) -> int:
        return len(self.packed) * SLICE + len(self.plain)

    def __iter__(self) -> Iterator[Content]:
        return chain(chain.from_iterable(map(_unpack, self.packed)), self.plain)

    @overload
    def __getitem__(self, index: int) -> Content: ...
    @overload
    def __getitem__(self, index: slice) -> list[Content]: ...
    def __getitem__(self, index: int | slice) -> Content | list[Content]:
        numbers = range(len(self))[index]
        if isinstance(numbers, int):
            return self[numbers : numbers + 1][0]
        rows: list[Content] = []
        for place, part in groupby(numbers, lambda number: number // SLICE):
            found = _unpack(self.packed[place]) if place < len(self.packed) else self.plain
            rows += [found[number % SLICE] for number in part]
        return rows


def _pack(rows: list[Content]) -> bytes:
    return zlib.compress(pickle.dumps(rows, pickle.HIGHEST_PROTOCOL), 1)


def _unpack(packed: bytes) -> list[Content]:
    rows: list[Content] = pickle.loads(zlib.decompress(packed))  # noqa: S301  # our own, and it never left the memory
    return rows


class RowKeeper:
    """Keeps the rows of the carriers that were asked for; those that cannot be understood, aside.

    `column` is the one that says whose a row is.
    """

    def __init__(self, keys: Iterable[int], parse: RowParser, column: str = "dot_number") -> None:
        self.by_key: dict[int, KeptRows] = {key: KeptRows() for key in keys}
        self._parse = parse
        self._column = column

    def understood(self) -> dict[int, KeptRows | MalformedPayloadError]:
        """The rows of each carrier, or why they are not to be believed."""
        return {key: rows.judged() for key, rows in self.by_key.items()}

    def decode(self, array: bytes) -> list[Parsed]:
        """Whose rows a JSON array has, and what each says, or why that cannot be understood.

        Raises: ValueError when it is not JSON; MalformedPayloadError for a row that is nobody's.
        """
        try:
            key = self._parse.key
            return [(row.pop(key), row) for row in self._parse.all(array)]
        except ValueError:  # a row does not fit, or it is no JSON
            return [self._decode_row(row) for row in decode_rows(array)]

    def _decode_row(self, row: Mapping[str, Any]) -> Parsed:
        try:
            content = self._parse(row)
        except MalformedPayloadError as error:
            try:
                return int(row[self._column]), self._odd(row, error)
            except (KeyError, ValueError, TypeError, OverflowError):
                raise MalformedPayloadError(f"a row without a {self._column}", field=self._column) from None
        return content.pop(self._parse.key), content  # which stands in every document already

    def add(self, rows: Sequence[Parsed]) -> None:
        """Keep rows as decoded. Raises: MalformedPayloadError for one of a carrier that was not asked for."""
        for key, content in rows:
            kept = self.by_key.get(key)
            if kept is None:
                raise MalformedPayloadError("a row of a carrier that was not asked for", field=self._column)
            if isinstance(content, OddRow):
                kept.set_aside(content)
            else:
                kept.append(content)

    def join(self, later: "RowKeeper") -> None:
        """Keep what another keeps of the same carriers."""
        for key, rows in later.by_key.items():
            self.by_key[key].join(rows)

    def _odd(self, row: Mapping[str, Any], error: MalformedPayloadError) -> OddRow:
        """The row as it came, but for what is private; which documents it may stand for is known by what their ids begin with."""
        beginning = row.get(self._parse.begins_with) if self._parse.begins_with else None
        concerns = beginning if isinstance(beginning, str) else ""
        shown = {column: value for column, value in row.items() if column not in self._parse.private}
        return OddRow(json.dumps(shown)[: OddRow.LONGEST], f"{error!s:.300}", error.field, concerns)
