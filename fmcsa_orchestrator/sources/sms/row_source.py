"""What the sources that keep one document per row of an SMS file have in common."""

import asyncio
from array import array
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableSequence, Sequence
from datetime import datetime
from itertools import count
from math import ceil
from typing import Any, ClassVar, overload

from fmcsa_orchestrator.model.company import Company, Document, Finding, SourceReport
from fmcsa_orchestrator.model.documents import content_hash
from fmcsa_orchestrator.model.errors import SourceError, StaleUpstreamError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.sources.base import BaseSource
from fmcsa_orchestrator.sources.sms.columns import Content, two_years_after
from fmcsa_orchestrator.sources.sms.file import CarrierRows, SmsFile, check_newer, unless_all_stale
from fmcsa_orchestrator.sources.sms.kept_rows import SLICE, KeptRows, slices

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


async def documents_of(rows: Sequence[Content], key_of: Callable[[Content], str], *, first: str = ":1") -> Sequence[Document]:
    """A document per row; its id is its key and an ordinal from 1, with 1 written as `first`, among the rows that share the key.

    The ordinal follows the rows' content, not the order of the answer, which changes with every monthly file.
    """
    ordinals = await _ordinals(rows, key_of)

    def make(row: Content, ordinal: int) -> Document:
        return Document(key_of(row) + (first if ordinal == 1 else f":{ordinal}"), row, two_years_after(row["inspectedOn"]))

    documents = RowDocuments(rows, ordinals, make)
    return documents if len(rows) >= SLICE else list(documents)


async def _ordinals(rows: Sequence[Content], key_of: Callable[[Content], str]) -> Sequence[int]:
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
                    groups[key].append((content_hash(row), number))
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


class RowSource(BaseSource):
    """A batch source over one SMS file: `documents` makes of the rows documents, `summarize` the value of its one field."""

    name: str
    owns: tuple[str, ...]
    collection: str
    registry = "sms"
    revision: ClassVar[int]

    def __init__(
        self,
        file: SmsFile,
        batch_size: int,
        documents: Callable[[Sequence[Content]], Awaitable[Sequence[Document]]],
        summarize: Callable[[Sequence[Content]], Awaitable[dict[str, Any]]],
    ) -> None:
        self.batch_size = batch_size
        self.file = file
        self._documents = documents
        self._summarize = summarize

    async def version(self) -> str:
        """The file's last replacement, and our own revision of reading it."""
        return f"r{self.revision}:{await self.file.version()}"

    async def check(self) -> Sequence[Finding]:
        """Whether the file is there, with the columns that are needed."""
        return [await self.file.check()]

    def wait_s(self) -> float:
        """The portal's."""
        return self.file.soda.wait_s

    def estimate(self, companies: int) -> Mapping[str, int]:
        """One request for the version, and one per batch."""
        return {"soda": 1 + ceil(companies / self.batch_size)}

    async def fetch(self, company: Company) -> SourceReport:
        """Every row of one carrier, page by page."""
        report = (await self._reports([company], await self.file.read([company.usdot])))[company.usdot]
        if isinstance(report, SourceError):
            raise report
        return report

    async def fetch_many(self, companies: Sequence[Company]) -> Mapping[UsdotNumber, SourceReport | SourceError]:
        """The rows of many carriers in few requests; very large carriers are left to be fetched alone."""
        return await self._reports(companies, await self.file.read_small([company.usdot for company in companies]))

    async def _reports(self, companies: Sequence[Company], read: CarrierRows) -> dict[UsdotNumber, SourceReport | SourceError]:
        reports: dict[UsdotNumber, SourceReport | SourceError] = {}
        since = 0  # rows since the event loop had its turn
        for company in companies:
            rows = read.by_usdot.get(company.usdot)
            if isinstance(rows, SourceError):
                reports[company.usdot] = rows
            elif rows is not None:
                reports[company.usdot] = await self._believed(company, rows, read)
                since += len(rows)
                if since >= SLICE:
                    since = 0
                    await asyncio.sleep(0)
        return unless_all_stale(reports)

    async def _believed(self, company: Company, rows: KeptRows, read: CarrierRows) -> SourceReport | StaleUpstreamError:
        """What the rows say of this carrier, or why that is not believed: what is stored of it is newer.

        Raises: ImplausibleEmptyError where the whole file is empty.
        """
        try:
            check_newer(company, self.name, read.as_of)
        except StaleUpstreamError as error:
            return error
        if not rows:
            await self.file.confirm_empty(company, self.name, read)
        return await self._report(rows, read.as_of)

    async def _report(self, rows: KeptRows, as_of: datetime | None) -> SourceReport:
        summary = await self._summarize(rows)
        return SourceReport(
            fields={self.owns[0]: summary},
            documents=await self._documents(rows),
            data_as_of=as_of,
            message=None if rows else "none on record",
            incomplete=rows.fault(),
            odd_rows=rows.odd,
        )
