"""SODA, the query API of the open data portal: strict queries, pages to the end, rows as they stream in.

Facts: dev.socrata.com. A page holds at most 50,000 rows; without `$order` pages overlap; every value is a JSON string and a
null column is left out of its row. A dataset is replaced whole, and `:id` changes with it, so a read that pages across a
replacement mixes two states and is void.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, Self, TypeVar

import aiohttp

from fmcsa_orchestrator.clients.http import Upstream, http_date, read_json
from fmcsa_orchestrator.clients.json_rows import RowSlicer
from fmcsa_orchestrator.clients.soda_schema import Dataset, check_columns, header_types
from fmcsa_orchestrator.model.errors import MalformedPayloadError, StaleUpstreamError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber

PAGE_SIZE = 50_000  # the most a 2.0 endpoint gives
POST_BUDGET = 32_000  # characters of a condition sent in a body: about 2,000 carriers; only the newer API takes it, with a token
URL_BUDGET = 6_000  # characters of `$where`; the limit is not documented, servers commonly stop at 8 KB
_CHUNK = 65_536  # bytes decoded at a time: about 2 ms of work between two turns of the event loop
_LARGEST_PAGE = 256_000_000  # bytes of one page, some eight times what 50,000 of the widest rows take
# What reading an answer of another shape, or with absurd numbers in it, may raise.
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, StopIteration, OverflowError, OSError)
_READS = 3  # whole reads tried when the dataset is replaced meanwhile


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


@dataclass(slots=True)
class Rows(Generic[K]):
    """Rows from one state of the dataset: kept as the caller wants it, their number, and the state as a header tells it."""

    kept: K
    count: int
    state: str | None

    @property
    def modified(self) -> datetime | None:
        """When the dataset was last replaced, if that can be read."""
        return http_date(self.state)


def denies_app_token(status: int, body: bytes) -> bool:
    """Whether the portal refuses our app token: 401, or a 403 with a JSON body (one of HTML is the load balancer's)."""
    return status == 401 or (status == 403 and body.lstrip().startswith(b"{"))


def app_token_header(token: str | None) -> dict[str, str]:
    """The header that carries the token; none without one, since an empty token is refused."""
    return {"X-App-Token": token} if token else {}


class SodaClient:
    """Reads datasets of one portal.

    Raises, from every method: SourceUnavailableError, StaleUpstreamError, SourceTimeoutError, RateLimitedError,
    RequestRejectedError, AuthError, MalformedPayloadError, TruncatedPayloadError.
    """

    def __init__(self, upstream: Upstream, *, page_size: int = PAGE_SIZE, has_token: bool = False) -> None:
        self._upstream = upstream
        self._budget = POST_BUDGET if has_token else URL_BUDGET
        self.page_size = page_size

    async def metadata(self, dataset: Dataset) -> Metadata:
        """When the dataset was last replaced, and its columns."""
        body = await self._upstream.get(f"/api/views/{dataset.id}.json", {}, read_json)
        try:
            return Metadata(
                rows_updated_at=datetime.fromtimestamp(int(body["rowsUpdatedAt"]), UTC),
                types={column["fieldName"]: column["dataTypeName"] for column in body.get("columns") or ()},
            )
        except _UNREADABLE as error:
            raise MalformedPayloadError(f"metadata of {dataset.id}: {error!r}", field="rowsUpdatedAt") from error

    async def is_empty(self, dataset: Dataset) -> bool:
        """Whether the whole dataset has no row at all."""
        body = await self._upstream.get(f"/resource/{dataset.id}.json", {"$select": "count(*)"}, read_json)
        try:
            (row,) = body
            return int(next(iter(row.values()))) == 0
        except _UNREADABLE as error:
            raise MalformedPayloadError(f"{dataset.id}: no row count", field="count") from error

    async def rows(self, dataset: Dataset, usdots: Iterable[UsdotNumber], keeper: Callable[[], K]) -> Rows[K]:
        """Every row of these carriers, kept by what `keeper` makes for each page, from one state of the dataset."""
        whole: Rows[K] | None = None
        for where in _conditions(usdots, self._budget):
            part = await self._whole_read(dataset, where, keeper)
            if whole is None:
                whole = part
            else:
                whole.kept.join(part.kept)
                whole.count += part.count
                whole.state = part.state if part.modified else whole.state
        return whole or Rows(keeper(), 0, None)

    async def counts(self, dataset: Dataset, usdots: Iterable[UsdotNumber]) -> dict[int, int]:
        """How many rows each of these carriers has; a carrier without any is left out."""
        counts: dict[int, int] = {}
        for where in _conditions(usdots, self._budget):
            params = {"$select": "dot_number,count(*)", "$where": where, "$group": "dot_number", "$limit": str(PAGE_SIZE)}
            body = await self._upstream.get(f"/resource/{dataset.id}.json", params, read_json)
            try:
                for row in body:
                    usdot = int(row.pop("dot_number"))  # what is left is the count, under whatever name
                    counts[usdot] = int(next(iter(row.values())))
            except _UNREADABLE as error:
                raise MalformedPayloadError(f"{dataset.id}: no row count", field="count") from error
        return counts

    async def one_page(self, dataset: Dataset, usdots: Iterable[UsdotNumber], keeper: Callable[[], K]) -> Rows[K] | None:
        """Every row of these carriers if a single page holds them, else None."""
        conditions = list(_conditions(usdots, self._budget))
        if len(conditions) > 1:
            return await self.rows(dataset, usdots, keeper)
        page = await self._page(dataset, conditions[0], 0, keeper)
        return None if page.count >= self.page_size else page

    async def _whole_read(self, dataset: Dataset, where: str, keeper: Callable[[], K]) -> Rows[K]:
        """All pages, read anew when the dataset is replaced between two of them."""
        for _ in range(_READS):
            whole = page = await self._page(dataset, where, 0, keeper)
            while page.count >= self.page_size:
                page = await self._page(dataset, where, whole.count, keeper)
                if page.state != whole.state:
                    break
                whole.kept.join(page.kept)
                whole.count += page.count
            else:
                return whole
        raise StaleUpstreamError(f"{dataset.label} was replaced while it was read, {_READS} times in a row")

    async def _page(self, dataset: Dataset, where: str, offset: int, keeper: Callable[[], K]) -> Rows[K]:
        async def read(response: aiohttp.ClientResponse) -> Rows[K]:
            _check_headers(dataset, response.headers)
            state = response.headers.get("X-SODA2-Truth-Last-Modified") or response.headers.get("Last-Modified")
            page = Rows(keeper(), 0, state)
            async for rows in _stream_rows(response, page.kept.decode):
                page.kept.add(rows)
                page.count += len(rows)
            return page

        if len(where) > URL_BUDGET:
            body = {
                "query": f"SELECT * WHERE {where} ORDER BY :id",
                "page": {"pageNumber": offset // self.page_size + 1, "pageSize": self.page_size},
                "includeSynthetic": False,
            }
            page = await self._upstream.post(f"/api/v3/views/{dataset.id}/query.json", body, read)
        else:
            params = {"$where": where, "$order": ":id", "$limit": str(self.page_size), "$offset": str(offset)}
            page = await self._upstream.get(f"/resource/{dataset.id}.json", params, read)
        if page.count > self.page_size:
            raise MalformedPayloadError(f"{dataset.id} gave more rows than asked for", field="$limit")
        return page


def _conditions(usdots: Iterable[UsdotNumber], budget: int) -> Iterator[str]:
    """`dot_number in (…)` for these carriers, cut where the request would grow too long.

    Only ints get in here, so nothing from outside becomes query text. The column is text: its literals are quoted.
    """
    literals: list[str] = []
    length = 0
    for usdot in usdots:
        literal = f"'{usdot:d}'"
        encoded = len(literal) + 7  # each quote and the comma take two more characters in a URL
        if literals and length + encoded > budget:
            yield f"dot_number in ({','.join(literals)})"
            literals, length = [], 0
        literals.append(literal)
        length += encoded
    if literals:
        yield f"dot_number in ({','.join(literals)})"


def _check_headers(dataset: Dataset, headers: Mapping[str, str]) -> None:
    """Refuse an answer that lacks a column we need, or that a lagging replica gave."""
    if headers.get("X-SODA2-Data-Out-Of-Date", "false").lower() == "true":
        raise StaleUpstreamError(f"{dataset.label}: the replica that answered says it is out of date")
    truth, replica = (http_date(headers.get(f"X-SODA2-{which}-Last-Modified")) for which in ("Truth", "Secondary"))
    if truth and replica and replica < truth:
        raise StaleUpstreamError(f"{dataset.label}: the replica that answered lags behind")
    if (types := header_types(dataset, headers)) is not None:
        check_columns(dataset, types)


async def _stream_rows(response: aiohttp.ClientResponse, decode: Callable[[bytes], list[Any]]) -> AsyncIterator[list[Any]]:
    """The rows of a JSON array, decoded, in slices, while the body still comes in."""
    slicer = RowSlicer(decode)
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        size += len(chunk)
        if size > _LARGEST_PAGE:
            raise MalformedPayloadError(f"a page is larger than {_LARGEST_PAGE} bytes")
        if rows := slicer.feed(chunk):
            yield rows
    yield slicer.finish()
