"""One dataset on the portal: its rows for many carriers at once, parsed and grouped by carrier."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from fmcsa_orchestrator.clients.http import is_ahead
from fmcsa_orchestrator.clients.soda import K, Metadata, Rows, SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset, check_columns
from fmcsa_orchestrator.model.company import Company, Finding, SourceReport
from fmcsa_orchestrator.model.errors import (
    DatasetClosedError,
    ImplausibleEmptyError,
    MalformedPayloadError,
    RequestRejectedError,
    SchemaDriftError,
    SourceError,
    StaleUpstreamError,
)
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.sources.soda.columns import RowParser
from fmcsa_orchestrator.sources.soda.kept_rows import KeptRows, RowKeeper

# The portal's two clocks (metadata and change headers) need not agree to the second; a file a month old is far beyond.
_CLOCK_DIFFERENCE = timedelta(hours=1)
_CLOSED = "look for a newer version of this library; until then FMCSA_SOURCES can leave the source out"


@dataclass(frozen=True, slots=True)
class CarrierRows:
    """The rows of each carrier that was asked for; a carrier whose rows cannot be understood has the error instead."""

    by_usdot: Mapping[int, KeptRows | MalformedPayloadError]
    as_of: datetime | None

    @property
    def has_rows(self) -> bool:
        """Whether anybody of those asked for has a row."""
        return any(self.by_usdot.values())


class SodaFile:
    """A dataset whose rows belong to carriers by its key column; a carrier with over `heavy` rows is read by itself."""

    def __init__(self, soda: SodaClient, dataset: Dataset, parse: RowParser, *, heavy: int = 5_000) -> None:
        self.dataset = dataset
        self.soda = soda
        self.heavy = heavy
        self._parse = parse
        self._latest: Metadata | None = None
        self._doubted: Metadata | None = None  # what was told last
        self._counted: tuple[CarrierRows, bool] | None = None  # of the last read asked about: whether the file was empty

    async def version(self) -> str:
        """The newest state of the file that we have been told of, and a note of it.

        From here on an answer that is older is refused, and so is all reading while the columns are not those that we know.
        """
        told = await self.soda.metadata(self.dataset)
        if self._latest is None or told == self._doubted or told.rows_updated_at >= self._latest.rows_updated_at:
            self._latest = told
        self._doubted = told  # an older time is believed when it is said again: it may come from a replica that lags behind
        return str(int(self._latest.rows_updated_at.timestamp()))

    async def check(self) -> Finding:
        """Whether the file is there, with the columns that we need. Raises: the other errors of `SodaClient`."""
        try:
            metadata = await self.soda.metadata(self.dataset)
        except DatasetClosedError as error:
            return Finding(self.dataset.label, False, str(error), _CLOSED)
        if not metadata.types:
            return Finding(self.dataset.label, True, "is there; the portal does not name its columns")
        try:
            check_columns(self.dataset, metadata.types.items())
        except SchemaDriftError as error:
            return Finding(self.dataset.label, False, str(error), "update this library, or report the new column layout")
        when = f"{metadata.rows_updated_at:%Y-%m-%d %H:%M} UTC"
        return Finding(self.dataset.label, True, f"all {len(self.dataset.columns)} columns are there; replaced {when}")

    async def read(self, usdots: Sequence[int], *, judged: bool = True) -> CarrierRows:
        """All rows of these carriers, or of whatever else the key column holds, however many.

        Where too many of the rows of one are odd, it has the error instead; not so where these are `judged` by the caller.
        """
        self._check_known()
        rows = await self.soda.rows(self.dataset, usdots, partial(self._keeper, usdots))
        return self._checked(rows, judged=judged)

    async def read_small(self, usdots: Sequence[UsdotNumber]) -> CarrierRows:
        """All rows of these carriers; where one page cannot hold them, those with over `heavy` rows are left out.

        What is left out is to be read alone, so that no more than a page of rows is ever held for a whole batch.
        """
        self._check_known()
        counts = await self.soda.one_page(self.dataset, usdots, partial(self._keeper, usdots))
        if isinstance(counts, Rows):
            return self._checked(counts)
        if len(usdots) == 1:
            return await self.read(usdots)
        small = [usdot for usdot in usdots if counts.get(usdot, 0) <= self.heavy]
        parts = [await self.read(part) for part in _portions(small, counts, self.soda.page_size)]
        merged = {usdot: found for part in parts for usdot, found in part.by_usdot.items()}
        return CarrierRows(merged, parts[-1].as_of if parts else None)

    async def read_whole(self, columns: frozenset[str], where: str, keeper: Callable[[], K]) -> tuple[Rows[K], datetime | None]:
        """These columns of all rows that fulfil the condition, of whichever carriers; and of what time the file is."""
        self._check_known()
        rows = await self.soda.all_rows(replace(self.dataset, columns=columns, one_row=False), where, keeper)
        return rows, self._as_of(rows)

    async def confirm_empty(self, read: CarrierRows, *, strictly: bool) -> None:
        """Before "no rows" is believed of a carrier in this read: make sure that the file is not empty altogether.

        Where that would take away what is stored of the carrier, the portal has to confirm it, strictly; else it is enough that
        it does not say otherwise. Raises: ImplausibleEmptyError.
        """
        is_empty = self._counts_none(read) if strictly else self.has_no_rows(read)
        if await is_empty:
            raise ImplausibleEmptyError(f"{self.dataset.label} has no rows at all upstream")

    async def has_no_rows(self, read: CarrierRows) -> bool:
        """Whether the portal counts no rows at all; one row of anybody in this read answers it without asking."""
        if not read.has_rows:
            with suppress(MalformedPayloadError, RequestRejectedError):  # it does not say
                return await self._counts_none(read)
        return False

    async def _counts_none(self, read: CarrierRows) -> bool:
        """What the portal counts, asked once for each read."""
        if self._counted is None or self._counted[0] is not read:
            self._counted = (read, await self.soda.is_empty(self.dataset))
        return self._counted[1]

    def _keeper(self, usdots: Sequence[int]) -> RowKeeper:
        return RowKeeper(usdots, self._parse, self.dataset.key.column)

    def _check_known(self) -> None:
        if self._latest is not None and self._latest.types:
            check_columns(self.dataset, self._latest.types.items())

    def _checked(self, rows: Rows[RowKeeper], *, judged: bool = True) -> CarrierRows:
        return CarrierRows(rows.kept.understood() if judged else rows.kept.by_key, self._as_of(rows))

    def _as_of(self, rows: Rows[Any]) -> datetime | None:
        updated_at = self._latest.rows_updated_at if self._latest else None
        if updated_at and rows.modified and rows.modified < updated_at - _CLOCK_DIFFERENCE:
            raise StaleUpstreamError(f"{self.dataset.label}: the answer is older than the file")
        return rows.modified or updated_at


def check_newer(company: Company, source: str, as_of: datetime | None) -> None:
    """Refuse files older than those that the carrier's data is from. Raises: StaleUpstreamError."""
    stored = company.stored_as_of(source)
    if stored and as_of and as_of < stored - _CLOCK_DIFFERENCE and not is_ahead(stored):
        raise StaleUpstreamError(f"upstream's files are of {as_of:%Y-%m-%d}, older than what is stored, of {stored:%Y-%m-%d}")


def unless_all_stale(
    reports: dict[UsdotNumber, SourceReport | SourceError],
) -> dict[UsdotNumber, SourceReport | SourceError]:
    """The reports of a batch. Raises: StaleUpstreamError where upstream is behind for each carrier: then it is one fault."""
    first = next(iter(reports.values()), None)
    if isinstance(first, StaleUpstreamError) and all(isinstance(report, StaleUpstreamError) for report in reports.values()):
        raise first
    return reports


def _portions(usdots: Sequence[UsdotNumber], counts: Mapping[int, int], page_size: int) -> Iterator[list[UsdotNumber]]:
    """The carriers in groups whose rows fit a page together."""
    group: list[UsdotNumber] = []
    total = 0
    for usdot in usdots:
        rows = counts.get(usdot, 0)
        if group and total + rows >= page_size:
            yield group
            group, total = [], 0
        group.append(usdot)
        total += rows
    if group:
        yield group
