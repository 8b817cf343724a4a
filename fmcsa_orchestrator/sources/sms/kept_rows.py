"""Where the rows of carriers are kept while a file is read: as they are, those of large carriers packed."""

import asyncio
import pickle
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from typing import Any, TypeVar, overload

from fmcsa_orchestrator.clients.json_rows import decode_rows
from fmcsa_orchestrator.model.errors import MalformedPayloadError
from fmcsa_orchestrator.sources.sms.columns import Content, RowParser

T = TypeVar("T")
Parsed = tuple[int, Content | MalformedPayloadError]

SLICE = 500  # rows of a carrier handled between two turns of the event loop, and packed together: some 30 to 70 bytes each


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
    """

    __slots__ = ("packed", "plain")

    def __init__(self) -> None:
        self.packed: list[bytes] = []
        self.plain: list[Content] = []

    def append(self, row: Content) -> None:
        """Keep one more."""
        self.plain.append(row)
        if len(self.plain) == SLICE:
            self.packed.append(_pack(self.plain))
            self.plain.clear()

    def join(self, later: "KeptRows") -> None:
        """Keep what another keeps."""
        self.packed += later.packed
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


class CarrierKeeper:
    """Keeps the rows of the carriers that were asked for; of one whose rows cannot be understood, the error instead."""

    def __init__(self, usdots: Iterable[int], parse: RowParser) -> None:
        self.by_usdot: dict[int, KeptRows | MalformedPayloadError] = {usdot: KeptRows() for usdot in usdots}
        self._parse = parse

    def decode(self, array: bytes) -> list[Parsed]:
        """Whose rows a JSON array has, and what each says, or why that cannot be understood.

        Raises: ValueError when it is not JSON; MalformedPayloadError for a row that is nobody's.
        """
        try:
            return [(row.pop("usdot"), row) for row in self._parse.all(array)]
        except ValueError:  # a row does not fit, or it is no JSON
            return [self._decode_row(row) for row in decode_rows(array)]

    def _decode_row(self, row: Mapping[str, Any]) -> Parsed:
        try:
            content = self._parse(row)
        except MalformedPayloadError as error:
            try:
                return int(row["dot_number"]), error
            except (KeyError, ValueError, TypeError, OverflowError):
                raise MalformedPayloadError("a row without a dot_number", field="dot_number") from None
        return content.pop("usdot"), content  # which stands in every document already

    def add(self, rows: Sequence[Parsed]) -> None:
        """Keep rows as decoded. Raises: MalformedPayloadError for one of a carrier that was not asked for."""
        for usdot, content in rows:
            kept = self.by_usdot.get(usdot)
            if kept is None:
                raise MalformedPayloadError("a row of a carrier that was not asked for", field="dot_number")
            if isinstance(content, MalformedPayloadError):
                self.by_usdot[usdot] = content
            elif isinstance(kept, KeptRows):
                kept.append(content)

    def join(self, later: "CarrierKeeper") -> None:
        """Keep what another keeps of the same carriers."""
        for usdot, rows in later.by_usdot.items():
            kept = self.by_usdot[usdot]
            if isinstance(rows, MalformedPayloadError):
                self.by_usdot[usdot] = rows
            elif isinstance(kept, KeptRows):
                kept.join(rows)
