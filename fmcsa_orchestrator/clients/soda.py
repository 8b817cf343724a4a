"""SODA, the query API of the open data portal: strict queries, pages to the end, rows as they stream in.

Facts: dev.socrata.com. Without `$order` pages overlap; every value is a JSON string and a null column is left out of its row.
A dataset is replaced whole, and `:id` changes with it, so a read that pages across a replacement mixes two states and is void.
That a page is the last one is believed of a short one only where no upstream is known to cut it so; else the rows are counted.

The newer API (SODA3) is not used: its answers do not tell which state of a dataset they are from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, Self, TypeVar
from zlib import crc32

from fmcsa_orchestrator.clients.http import Meaning, Read, Refusal, Reply, Upstream, http_date, is_ahead, read_json
from fmcsa_orchestrator.clients.json_rows import RowSlicer
from fmcsa_orchestrator.clients.soda_schema import Dataset, Key, check_columns, header_types
from fmcsa_orchestrator.model.errors import (
    AuthError,
    DatasetClosedError,
    MalformedPayloadError,
    RateLimitedError,
    RequestRejectedError,
    StaleUpstreamError,
)

PAGE_SIZE = 20_000  # rows: some 20 MB, for which the portal takes about 13 seconds
WHOLE_PAGE = 50_000  # rows of few columns, where a dataset is read whole: the most that its oldest endpoints give
URL_BUDGET = 6_000  # characters of `$where`; the limit is not documented, servers commonly stop at 8 KB
_LARGEST_PAGE = 256_000_000  # bytes of one page, over ten times what that many of the widest rows take
# What reading an answer of another shape, or with absurd numbers in it, may raise.
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, StopIteration, OverflowError, OSError)
_READS = 3  # whole reads tried when the dataset is replaced meanwhile
# Servers and proxies that give fewer rows than asked for stop at a round number, most at SODA's own default of 1,000 or above.
_DEFAULT_LIMIT = 1_000
_CUTS = frozenset({50, 100, 200, 250})  # and every multiple of 500
_USED_UP_S = 30.0  # seconds until the share of those without a token may be there again


@dataclass(frozen=True, slots=True)
class Metadata:
    """A dataset's state: when its rows were last replaced, and its columns' types (none where it does not tell)."""

    rows_updated_at: datetime
    types: Mapping[str, str]


class Keeper(Protocol):
    """Keeps the rows of one page while it comes in, and then those of the pages that follow it."""

    def decode(self, array: bytes, /) -> list[Any]:
        """The rows of a JSON array, checked; nothing is kept yet. Raises: ValueError for what is not JSON."""

    def add(self, rows: list[Any], /) -> None:
        """Keep rows as decoded."""

    def join(self, later: Self, /) -> None:
        """Keep what another keeps."""


K = TypeVar("K", bound=Keeper)
T = TypeVar("T")


@dataclass(slots=True)
class Rows(Generic[K]):
    """Rows from one state of the dataset: kept as the caller wants it, their number, the state as a header tells it.

    `mark` is a checksum of their bytes, by which a page that comes again is known.
    """

    kept: K
    count: int
    state: str | None
    mark: int = 0

    @property
    def modified(self) -> datetime | None:
        """When the dataset was last replaced, if that can be read; no time that is still to come."""
        moment = http_date(self.state)
        return None if moment is None or is_ahead(moment) else moment


def portal_meaning(*, has_token: bool) -> Meaning:
    """What the portal's refusals mean, with or without an app token of ours.

    Without one, all who share an address share its requests; when these are used up, a login is asked for, for a while.
    """

    def meaning(status: int, body: bytes) -> Refusal | None:
        if status not in {401, 403} or not body.lstrip().startswith(b"{"):
            return None
        words = body.lower()
        if b"app_token" in words or (has_token and (status == 401 or b"authenticat" in words)):
            return Refusal(AuthError, "correct FMCSA_SODA_APP_TOKEN (some 25 letters and digits), or leave it out")
        if b"must be authenticated" in words or b"authentication_required" in words:
            advice = "the requests without an app token are used up for now: wait, or set FMCSA_SODA_APP_TOKEN"
            return Refusal(RateLimitedError, advice, pause_s=_USED_UP_S)
        return Refusal(DatasetClosedError, "the dataset is private or retired")

    return meaning


def app_token_header(token: str | None) -> dict[str, str]:
    """The header that carries the token; none without one, since an empty token is refused."""
    return {"X-App-Token": token} if token else {}


class SodaClient:
    """Reads datasets of one portal.

    Raises, from every method: SourceUnavailableError, StaleUpstreamError, SourceTimeoutError, RateLimitedError,
    RequestRejectedError, AuthError, BlockedError, DatasetClosedError, MalformedPayloadError, TruncatedPayloadError.
    """

    def __init__(self, upstream: Upstream, *, page_size: int = PAGE_SIZE) -> None:
        self._upstream = upstream
        self.page_size = page_size
        self._proven: dict[str, int] = {}  # by dataset, the most rows in one page that were shown to be all

    @property
    def wait_s(self) -> float:
        """Seconds before a request that is made now goes out, at least."""
        return self._upstream.wait_s

    async def metadata(self, dataset: Dataset) -> Metadata:
        """When the dataset was last replaced, and its columns."""
        body = await self._get(dataset, f"/api/views/{dataset.id}.json", {}, read_json)
        try:
            updated_at = datetime.fromtimestamp(int(body["rowsUpdatedAt"]), UTC)
            types = {column["fieldName"]: column["dataTypeName"] for column in body.get("columns") or ()}
        except _UNREADABLE as error:
            raise MalformedPayloadError(f"metadata of {dataset.id}: {error!r}", field="rowsUpdatedAt") from error
        if is_ahead(updated_at):
            raise MalformedPayloadError(
                f"metadata of {dataset.id}: replaced on {updated_at:%Y-%m-%d}, which is still to come by this machine's clock",
                field="rowsUpdatedAt",
            )
        return Metadata(updated_at, types)

    async def is_empty(self, dataset: Dataset) -> bool:
        """Whether the whole dataset has no row at all."""
        total, _ = await self._total(dataset, {})
        return total == 0

    async def rows(self, dataset: Dataset, keys: Iterable[int], keeper: Callable[[], K]) -> Rows[K]:
        """Every row of these carriers, kept by what `keeper` makes for each page, from one state of the dataset.

        Whatever the dataset's key column holds is asked for: mostly USDOT numbers.
        """
        whole: Rows[K] | None = None
        for asked in _conditions(dataset.key, keys):
            part = await self._whole_read(dataset, asked, keeper)
            if whole is None:
                whole = part
            else:
                whole.kept.join(part.kept)
                whole.count += part.count
                whole.state = part.state if part.modified else whole.state
        return whole or Rows(keeper(), 0, None)

    async def all_rows(self, dataset: Dataset, where: str, keeper: Callable[[], K], *, page_size: int = WHOLE_PAGE) -> Rows[K]:
        """Every row of the whole dataset that fulfils a condition, of anybody: its columns as declared here, and no others.

        Page by page, each kept by what `keeper` makes for it, then joined: no more is held than that keeps. `where` is SoQL, and
        never holds anything from outside.
        """
        asked = Condition(where, 0, select=",".join(sorted(dataset.columns)), page_size=page_size)
        return await self._whole_read(dataset, asked, keeper)

    async def counts(self, dataset: Dataset, keys: Iterable[int]) -> dict[int, int]:
        """How many rows each of these carriers has; a carrier without any is left out."""
        counts: dict[int, int] = {}
        for asked in _conditions(dataset.key, keys):
            params = {
                "$select": f"{dataset.key.column},count(*)",
                "$where": asked.where,
                "$group": dataset.key.column,
                "$limit": str(self.page_size),
            }
            body = await self._get(dataset, f"/resource/{dataset.id}.json", params, read_json)
            try:
                for row in body:
                    key = int(row.pop(dataset.key.column))  # what is left is the count, under whatever name
                    counts[key] = int(next(iter(row.values())))
            except _UNREADABLE as error:
                raise MalformedPayloadError(f"{dataset.id}: no row count", field="count") from error
        return counts

    async def one_page(self, dataset: Dataset, keys: Sequence[int], keeper: Callable[[], K]) -> Rows[K] | Mapping[int, int]:
        """Every row of these carriers if a single page holds them, else how many each has."""
        asked, *others = _conditions(dataset.key, keys)
        if others:
            return await self.rows(dataset, keys, keeper)
        page = await self._page(dataset, asked, 0, keeper)
        if self._is_surely_whole(dataset, page.count, asked):
            return page
        counts = await self.counts(dataset, keys)
        if page.count != sum(counts.values()):
            return counts
        self._prove(dataset, page.count)
        return page

    async def _whole_read(self, dataset: Dataset, asked: "Condition", keeper: Callable[[], K]) -> Rows[K]:
        """All pages, read anew when the dataset is replaced between two of them."""
        for _ in range(_READS):
            if (whole := await self._read_once(dataset, asked, keeper)) is not None:
                return whole
        raise StaleUpstreamError(f"{dataset.label} was replaced while it was read, {_READS} times in a row")

    async def _read_once(self, dataset: Dataset, asked: "Condition", keeper: Callable[[], K]) -> Rows[K] | None:
        """All pages, to the number of rows that the portal counts; None when the dataset is replaced meanwhile."""
        whole = await self._page(dataset, asked, 0, keeper)
        if self._is_surely_whole(dataset, whole.count, asked):
            return whole
        total, state = await self._total(dataset, {"$where": asked.where})
        if state != whole.state:
            return None
        if whole.count == total:
            self._prove(dataset, total)
        marks = {whole.mark}
        while whole.count < total:
            page = await self._page(dataset, asked, whole.count, keeper)
            if page.state != whole.state:
                return None
            if page.count == 0 or page.mark in marks:
                break
            marks.add(page.mark)
            whole.kept.join(page.kept)
            whole.count += page.count
        if whole.count != total:
            raise MalformedPayloadError(
                f"{dataset.label}: {whole.count} rows came of {total} that the portal counts; nothing of them is believed",
                field="count(*)",
            )
        return whole

    def _is_surely_whole(self, dataset: Dataset, rows: int, asked: "Condition") -> bool:
        """Whether so few rows are all that there are of so many carriers: no upstream cuts a page there."""
        if rows >= self._page_size(asked):
            return False
        if rows == 0 or (dataset.one_row and rows == asked.carriers):
            return True
        return rows not in _CUTS and rows % 500 > 0 and (rows < _DEFAULT_LIMIT or rows <= self._proven.get(dataset.id, 0))

    def _prove(self, dataset: Dataset, rows: int) -> None:
        self._proven[dataset.id] = max(rows, self._proven.get(dataset.id, 0))

    async def _total(self, dataset: Dataset, condition: Mapping[str, str]) -> tuple[int, str | None]:
        """How many rows the portal counts, and in which state of the dataset."""

        async def read(reply: Reply) -> tuple[int, str | None]:
            body = await read_json(reply)
            try:
                (row,) = body
                return int(next(iter(row.values()))), _state(reply)
            except _UNREADABLE as error:
                raise MalformedPayloadError(f"{dataset.id}: no row count", field="count") from error

        return await self._get(dataset, f"/resource/{dataset.id}.json", {"$select": "count(*)", **condition}, read)

    async def _page(self, dataset: Dataset, asked: "Condition", offset: int, keeper: Callable[[], K]) -> Rows[K]:
        async def read(reply: Reply) -> Rows[K]:
            _check_headers(dataset, reply.headers)
            page = Rows(keeper(), 0, _state(reply))
            slicer = RowSlicer(page.kept.decode)
            async for chunk in reply.chunks(_LARGEST_PAGE):
                page.mark = crc32(chunk, page.mark)
                _keep(page, slicer.feed(chunk))
            _keep(page, slicer.finish())
            return page

        limit = self._page_size(asked)
        params = {"$where": asked.where, "$order": ":id", "$limit": str(limit), "$offset": str(offset)}
        if asked.select is not None:
            params = {"$select": asked.select, **params}
        page = await self._get(dataset, f"/resource/{dataset.id}.json", params, read)
        if page.count > limit:
            raise MalformedPayloadError(f"{dataset.id} gave more rows than asked for", field="$limit")
        return page

    def _page_size(self, asked: "Condition") -> int:
        return asked.page_size or self.page_size

    async def _get(self, dataset: Dataset, path: str, params: Mapping[str, str], read: Read[T]) -> T:
        """A refusal names the dataset."""
        try:
            return await self._upstream.get(path, params, read)
        except RequestRejectedError as error:
            error.args = (f"{dataset.label}: {error}",)
            raise


def _keep(page: Rows[Any], rows: list[Any]) -> None:
    page.kept.add(rows)
    page.count += len(rows)


def _state(reply: Reply) -> str | None:
    """Which state of the dataset it is from."""
    return reply.headers.get("X-SODA2-Truth-Last-Modified") or reply.headers.get("Last-Modified")


@dataclass(frozen=True, slots=True)
class Condition:
    """What rows are asked for: those of so many carriers, 0 for anybody's; by default all columns, in pages of the usual size."""

    where: str
    carriers: int
    select: str | None = None
    page_size: int | None = None


def _conditions(key: Key, numbers: Iterable[int]) -> Iterator[Condition]:
    """`dot_number in (…)`, by whatever column the dataset knows carriers, cut where the request would grow too long."""
    literals: list[str] = []
    length = 0
    for number in numbers:
        literal = key.literal(number)
        encoded = len(literal) + 3 + 4 * (literal[0] == "'")  # each quote and the comma take two more characters in a URL
        if literals and length + encoded > URL_BUDGET:
            yield Condition(f"{key.column} in ({','.join(literals)})", len(literals))
            literals, length = [], 0
        literals.append(literal)
        length += encoded
    if literals:
        yield Condition(f"{key.column} in ({','.join(literals)})", len(literals))


def _check_headers(dataset: Dataset, headers: Mapping[str, str]) -> None:
    """Refuse an answer that lacks a column we need, or that a lagging replica gave."""
    if headers.get("X-SODA2-Data-Out-Of-Date", "false").lower() == "true":
        raise StaleUpstreamError(f"{dataset.label}: the replica that answered says it is out of date")
    truth, replica = (http_date(headers.get(f"X-SODA2-{which}-Last-Modified")) for which in ("Truth", "Secondary"))
    if truth and replica and replica < truth and not is_ahead(truth):
        raise StaleUpstreamError(f"{dataset.label}: the replica that answered lags behind")
    if (types := header_types(dataset, headers)) is not None:
        check_columns(dataset, types)
