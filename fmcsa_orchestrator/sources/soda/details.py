"""The second step of a source whose rows have rows of their own in further datasets: asked for by key, a slice at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fmcsa_orchestrator.model.errors import StaleUpstreamError
from fmcsa_orchestrator.sources.soda.columns import Content
from fmcsa_orchestrator.sources.soda.file import CarrierRows, SodaFile
from fmcsa_orchestrator.sources.soda.kept_rows import KeptRows, slices

AT_ONCE = 330  # rows whose details are asked for together: their keys, as text of nine digits, just fit one request
_BEHIND = timedelta(hours=12)  # files of one day are replaced about an hour apart


@dataclass(frozen=True, slots=True)
class Detail:
    """A dataset with details of another's rows.

    Attributes:
        field: where a row gets them, as a list; None where some are due and none are there.
        file: the dataset; its key column holds the key of the other's rows.
        order: by what they are sorted.
        due: how many a row has at the least, by what it says itself.
    """

    field: str
    file: SodaFile
    order: Callable[[Content], Any]
    due: Callable[[Content], int]


def lightest(read: CarrierRows, most: int) -> CarrierRows:
    """The carriers with the fewest rows, as many as have no more than `most` together."""
    sizes = {usdot: len(rows) if isinstance(rows, KeptRows) else 0 for usdot, rows in read.by_usdot.items()}
    taken = set[int]()
    for usdot in sorted(sizes, key=lambda usdot: (sizes[usdot], usdot)):
        most -= sizes[usdot]
        if most < 0:
            break
        taken.add(usdot)
    return CarrierRows({usdot: rows for usdot, rows in read.by_usdot.items() if usdot in taken}, read.as_of)


async def with_details(read: CarrierRows, key: str, details: Sequence[Detail]) -> CarrierRows:
    """Every row with its details, and with `detailsComplete`: whether all that are due have come.

    A row of whose details one cannot be understood is left out, and that one kept aside. No more than the details of AT_ONCE
    rows are ever held besides those that are packed.

    Raises: StaleUpstreamError where details are of another day than the rows; ImplausibleEmptyError where some are due and the
        file has none at all.
    """
    joined: dict[int, KeptRows] = {}
    for usdot, rows in read.by_usdot.items():
        if isinstance(rows, KeptRows):
            joined[usdot] = KeptRows()
            joined[usdot].odd += rows.odd
    pairs = ((joined[usdot], row) for usdot, rows in read.by_usdot.items() if isinstance(rows, KeptRows) for row in rows)
    async for part in slices(pairs, AT_ONCE):
        rows_of_part = [row for _, row in part]
        reads = [await _read(detail, key, rows_of_part, read.as_of) for detail in details]
        for kept, row in part:
            found = [by_key[row[key]] for by_key in reads]
            if odd := [odd for rows in found for odd in rows.odd]:
                for odd_row in odd:
                    kept.set_aside(odd_row)
            else:
                kept.append(_joined(row, details, found))
    return CarrierRows(
        {usdot: joined[usdot].judged() if usdot in joined else rows for usdot, rows in read.by_usdot.items()}, read.as_of
    )


async def _read(detail: Detail, key: str, rows: Sequence[Content], as_of: datetime | None) -> dict[int, KeptRows]:
    """The details of these rows, by key."""
    read = await detail.file.read([row[key] for row in rows], judged=False)
    if read.as_of and as_of and read.as_of < as_of - _BEHIND:
        raise StaleUpstreamError(f"{detail.file.dataset.label} is of {read.as_of:%Y-%m-%d}, older than what it has details of")
    if not read.has_rows and any(map(detail.due, rows)):
        await detail.file.confirm_empty(read, strictly=True)
    return {number: kept for number, kept in read.by_usdot.items() if isinstance(kept, KeptRows)}


def _joined(row: Content, details: Sequence[Detail], found: Sequence[KeptRows]) -> Content:
    lists = {
        detail.field: sorted(rows, key=detail.order) if rows or not detail.due(row) else None
        for detail, rows in zip(details, found, strict=True)
    }
    is_complete = all(len(rows) >= detail.due(row) for detail, rows in zip(details, found, strict=True))
    return {**row, **lists, "detailsComplete": is_complete}
