"""What the sources that keep one document per row of an SMS file have in common."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any, ClassVar

from fmcsa_orchestrator.model.company import Company, Document, Finding, SourceReport
from fmcsa_orchestrator.model.documents import content_hash
from fmcsa_orchestrator.model.errors import SourceError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.sources.base import BaseSource
from fmcsa_orchestrator.sources.sms.file import CarrierRows, Content, SmsFile, check_newer, slices


async def numbered(rows: Sequence[Content], key_of: Callable[[Content], str]) -> AsyncIterator[tuple[str, int, Content]]:
    """Each row with its key, and an ordinal from 1 among the rows that share the key.

    The ordinal follows the rows' content, not the order of the answer, which changes with every monthly file.
    """
    alike: defaultdict[str, list[Content]] = defaultdict(list)
    async for part in slices(rows):
        for row in part:
            alike[key_of(row)].append(row)
    async for groups in slices(list(alike.items())):
        for key, group in groups:
            for ordinal, row in enumerate(group if len(group) == 1 else sorted(group, key=content_hash), 1):
                yield key, ordinal, row


class RowSource(BaseSource):
    """A batch source over one SMS file: `documents` makes of the rows documents, `summarize` the value of its one field."""

    name: str
    owns: tuple[str, ...]
    collection: str
    revision: ClassVar[int]

    def __init__(
        self,
        file: SmsFile,
        batch_size: int,
        documents: Callable[[Sequence[Content]], Awaitable[list[Document]]],
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
        for company in companies:
            rows = read.by_usdot.get(company.usdot)
            if isinstance(rows, SourceError):
                reports[company.usdot] = rows
            elif rows is not None:
                check_newer(company, self.name, read.as_of)
                if not rows:
                    await self.file.confirm_empty(company, self.name, read)
                reports[company.usdot] = await self._report(rows, read.as_of)
        return reports

    async def _report(self, rows: Sequence[Content], as_of: datetime | None) -> SourceReport:
        summary = await self._summarize(rows)
        return SourceReport(
            fields={self.owns[0]: summary},
            documents=await self._documents(rows),
            data_as_of=as_of,
            message=None if rows else "none on record",
        )
