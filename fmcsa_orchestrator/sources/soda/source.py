"""What the sources over datasets of the open data portal have in common: one, or several that are read for the same carriers."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, ClassVar, TypeVar

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.model.company import Company, Document, Finding, SourceReport
from fmcsa_orchestrator.model.errors import MalformedPayloadError, SourceError, StaleUpstreamError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.model.results import Outcome
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.sources.base import BaseSource
from fmcsa_orchestrator.sources.soda.file import CarrierRows, SodaFile, check_newer, unless_all_stale
from fmcsa_orchestrator.sources.soda.kept_rows import SLICE, KeptRows

T = TypeVar("T")


async def side_by_side(requests: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The answers, in order: asked for at once where somebody waits, one after the other in a run. One that fails ends them all.

    Raises: what the first of them to fail raises.
    """
    if current().is_background:
        return [await request for request in requests]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(request) for request in requests]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


class SodaSource(BaseSource):
    """A batch source over datasets: its version, its cost and its check are those of its files.

    Attributes:
        revision: raised when the reading changes: every company is then due again.
        mark: tells apart the versions of a source that reads more, or less, by a setting.
    """

    name: str
    revision: ClassVar[int]
    mark: str = ""

    def __init__(self, soda: SodaClient, files: Sequence[SodaFile], batch_size: int) -> None:
        self.batch_size = batch_size
        self.files = files
        self._soda = soda

    async def version(self) -> str:
        """The files' last replacements, and our own revision of reading them."""
        return f"r{self.revision}{self.mark}:{','.join(await side_by_side(file.version() for file in self.files))}"

    async def check(self) -> Sequence[Finding]:
        """Whether the files are there, with the columns that are needed."""
        return [await file.check() for file in self.files]

    def wait_s(self) -> float:
        """The portal's."""
        return self._soda.wait_s

    def estimate(self, companies: int) -> Mapping[str, int]:
        """For each file, one request for the version and one per batch."""
        return {"soda": len(self.files) * (1 + ceil(companies / self.batch_size))}

    async def fetch(self, company: Company) -> SourceReport:
        """Every row of one carrier, page by page."""
        report = (await self.reports([company], await self.read([company.usdot], alone=True)))[company.usdot]
        if isinstance(report, SourceError):
            raise report
        return report

    async def fetch_many(self, companies: Sequence[Company]) -> Mapping[UsdotNumber, SourceReport | SourceError]:
        """The rows of many carriers in few requests; very large carriers are left to be fetched alone."""
        return await self.reports(companies, await self.read([company.usdot for company in companies]))

    async def read(self, usdots: Sequence[UsdotNumber], *, alone: bool = False) -> Sequence[CarrierRows]:
        """What the files have of these carriers: all of it where one is read `alone`, else what few requests can have.

        In the order of the files; a source that reads the last ones by what the first has gives fewer.
        """
        return await side_by_side(file.read(usdots) if alone else file.read_small(usdots) for file in self.files)

    async def reports(
        self, companies: Sequence[Company], reads: Sequence[CarrierRows]
    ) -> dict[UsdotNumber, SourceReport | SourceError]:
        """What each file has of each carrier, as reports; a carrier that was left out of some file is left out."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Found:
    """What a source's files have of one carrier.

    Attributes:
        rows: those of each file, in the order of the files.
        as_of: when upstream replaced the newest of the files.
    """

    rows: Sequence[KeptRows]
    as_of: datetime | None

    def __bool__(self) -> bool:
        return any(self.rows)

    def fault(self) -> MalformedPayloadError | None:
        """What the rows that could not be understood amount to; None where all could be."""
        return next((fault for rows in self.rows if (fault := rows.fault()) is not None), None)


class RowSource(SodaSource):
    """A source of which a subclass says what the rows of its files mean: `documents` and `summarize`.

    Attributes:
        owns: the path of its one field, of which `summarize` gives the value.
        nothing: the outcome for a carrier without rows: by default that none are on record is a finding like any other.
        together: whether rows are understood only with all others: where one cannot be, nothing else of the carrier is stored.
    """

    owns: tuple[str, ...]
    collection: str | None
    nothing: ClassVar[Outcome] = Outcome.CHANGED
    nothing_text: ClassVar[str] = "none on record"
    together: ClassVar[bool] = False

    async def prepared(self, found: Found) -> Found:
        """What documents and summary are made of: the rows as they came, unless the files' rows are to be put together first."""
        return found

    async def documents(self, found: Found) -> Sequence[Document] | None:
        """The rows as documents; None where the source keeps none."""
        raise NotImplementedError

    async def summarize(self, found: Found) -> dict[str, Any] | None:
        """The value of its field; None where upstream says nothing of the carrier, not even that there is none."""
        raise NotImplementedError

    async def reports(
        self, companies: Sequence[Company], reads: Sequence[CarrierRows]
    ) -> dict[UsdotNumber, SourceReport | SourceError]:
        """As the base has it. Raises: ImplausibleEmptyError, StaleUpstreamError where no carrier is to be believed."""
        as_of = max((read.as_of for read in reads if read.as_of), default=None)
        reports: dict[UsdotNumber, SourceReport | SourceError] = {}
        since = 0  # rows since the event loop had its turn
        for company in companies:
            parts = [read.by_usdot.get(company.usdot) for read in reads]
            if (fault := next((part for part in parts if isinstance(part, SourceError)), None)) is not None:
                reports[company.usdot] = fault
                continue
            rows = [part for part in parts if isinstance(part, KeptRows)]
            if len(rows) < len(parts):
                continue
            reports[company.usdot] = await self._believed(company, Found(rows, as_of), reads)
            since += sum(map(len, rows))
            if since >= SLICE:
                since = 0
                await asyncio.sleep(0)
        return unless_all_stale(reports)

    async def _believed(self, company: Company, found: Found, reads: Sequence[CarrierRows]) -> SourceReport | StaleUpstreamError:
        """What the rows say of this carrier, or why that is not believed: what is stored of it is newer.

        Raises: ImplausibleEmptyError where a whole file is empty.
        """
        try:
            check_newer(company, self.name, found.as_of)
        except StaleUpstreamError as error:
            return error
        for file, read, rows in zip(self.files, reads, found.rows, strict=False):
            if not rows:
                await file.confirm_empty(read, strictly=not found and company.stored_rows(self.name) > 0)
        return await self._report(found)

    async def _report(self, found: Found) -> SourceReport:
        fault, odd_rows = found.fault(), [odd for rows in found.rows for odd in rows.odd]
        if fault is not None and self.together:
            return SourceReport(incomplete=fault, odd_rows=odd_rows)
        prepared = await self.prepared(found)
        return SourceReport(
            fields={self.owns[0]: await self.summarize(prepared)},
            documents=await self.documents(prepared),
            rows=sum(map(len, found.rows)),
            outcome=Outcome.CHANGED if found else self.nothing,
            data_as_of=found.as_of,
            message=None if found else self.nothing_text,
            incomplete=fault,
            odd_rows=odd_rows,
        )
