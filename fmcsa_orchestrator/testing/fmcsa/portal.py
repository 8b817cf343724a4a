"""The local portal: answers SODA queries over a fleet, as the open data portal would.

Every value is a JSON string and a null column is left out. Without `$order` the rows come in another order every time. A new
monthly file changes every `:id`.
"""

import json
import random
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar

from fmcsa_orchestrator.testing.fmcsa.catalogue import DATASETS, TABLES, TITLES
from fmcsa_orchestrator.testing.fmcsa.fleet import Fleet
from fmcsa_orchestrator.testing.fmcsa.soql import (
    COUNT,
    Query,
    SoqlError,
    check_query,
    parse_params,
    picks_carriers,
    usdots_of,
)
from fmcsa_orchestrator.testing.server.faults import Answer, Edits, error_answer

T = TypeVar("T", str, dict[str, Any])

USDOT_COLUMN = "dot_number"
ELSEWHERE = 1_000  # rows of carriers that this double knows nothing of: they are counted in each dataset beside the SMS files
_PADDED = 8  # digits of a USDOT number, where it is padded
_PUBLISHED = datetime(2026, 11, 12, 7, 5, tzinfo=UTC)
# None is to be published in days to come: from one edition of the monthly files to the next it is a day instead of a month, and
# two hours to one of a daily dataset, instead of a day, or to a publication of one dataset besides.
_EDITION, _BESIDES = timedelta(days=1), timedelta(hours=2)


class SodaDouble:
    """The datasets of one portal.

    Attributes:
        moved: per dataset, the publications beyond the fleet's own editions.
        cache: carriers' rows as they go out, no more than `cached_rows` of them, and one carrier at least.
    """

    def __init__(self, fleet: Fleet, app_token: str | None, *, cached_rows: int = 60_000) -> None:
        self.moved: Counter[str] = Counter()
        self.cache: OrderedDict[tuple[str, int, int, bool], list[tuple[str, str]]] = OrderedDict()
        self._fleet = fleet
        self._usdots = {str(usdot): usdot for usdot in fleet.usdots}
        self._app_token = app_token
        self._cached_rows = 0
        self._most_cached = cached_rows
        self._answers = 0

    def resource(self, dataset: str, params: Mapping[str, str], headers: Mapping[str, str], edits: Edits) -> Answer:
        """The answer to `GET /resource/{id}.json`."""
        try:
            return self._denied(dataset, headers) or self._rows(dataset, parse_params(params), edits)
        except SoqlError as error:
            return _json(400, error.body)

    def metadata(self, dataset: str, headers: Mapping[str, str], edits: Edits) -> Answer:
        """The answer to `GET /api/views/{id}.json`."""
        if denied := self._denied(dataset, headers, "not_found"):
            return denied
        month = self._month(dataset) - edits.headers_behind
        published = self._published(dataset, edits, behind=edits.headers_behind)
        body = {
            "id": dataset,
            "name": TITLES[dataset],
            "rowsUpdatedAt": int(published.timestamp()),
            "tableId": 20_000_000 + 1_000 * month + sorted(DATASETS).index(dataset),
            "columns": [{"fieldName": name, "dataTypeName": type_} for name, type_ in _types(dataset, edits).items()],
        }
        return _json(200, body, {"Last-Modified": _http_date(published)})

    def _denied(self, dataset: str, headers: Mapping[str, str], missing: str = "dataset.missing") -> Answer | None:
        """The refusal of a wrong or empty token, or of an unknown dataset."""
        token = headers.get("X-App-Token")
        if token is not None and token != (self._app_token or None):
            return error_answer(403, "resource")
        if dataset in DATASETS:
            return None
        marks = {"X-Error-Code": missing, "X-Error-Message": "Not found"}
        return _json(404, {"code": missing, "error": True, "message": "Not found", "data": {"id": dataset}}, marks)

    def _rows(self, dataset: str, query: Query, edits: Edits) -> Answer:
        types = _types(dataset, edits)
        check_query(query, types)
        self._answers += 1
        body = "[" + edits.separator.join(self._texts(dataset, query, edits)) + " " * edits.blanks + "]\n"
        if edits.wrapped:
            body = '{"rows": ' + body + "}"
        return Answer(200, body.encode(), headers=self._headers(dataset, query, types, edits))

    def _texts(self, dataset: str, query: Query, edits: Edits) -> list[str]:
        """The rows of the answer, each as JSON."""
        if query.group or COUNT in query.select:
            return [json.dumps(row) for _, row in self._page(self._counted(dataset, query, edits), query, edits)]
        if edits.empty:
            return []
        usdots = self._asked_for(dataset, query)
        plain = query.select == ("*",) and query.order in {(), ((":id", False),)} and not edits.changes_rows
        if plain and (query.where is None or picks_carriers(query.where, _key(dataset))):
            texts = [entry for usdot in usdots for entry in self._encoded(dataset, usdot, edits)]
            return [text for _, text in self._page(texts, query, edits)]
        found = [entry for usdot in usdots for entry in self._found(dataset, usdot, query, edits)]
        columns = _types(dataset, edits)
        odd: set[int] = set()  # the carriers of which a row is odd already, where one of each is to be
        key = _key(dataset)
        page = ((id_, _edited(row, edits, columns, key, odd)) for id_, row in self._page(found, query, edits))
        return [_encode(_selected(id_, row, query.select)) for id_, row in page]

    def _page(self, entries: list[tuple[str, T]], query: Query, edits: Edits) -> list[tuple[str, T]]:
        """The entries in the order asked for; where nothing is asked, in another one every time."""
        if (":id", False) not in query.order:
            random.Random(self._answers).shuffle(entries)
        for column, descending in reversed(query.order):
            entries.sort(key=partial(_sort_key, column), reverse=descending)
        start, size = 0 if edits.one_page else query.offset, edits.cap if query.limit is None else min(query.limit, edits.cap)
        return entries[start : start + size]

    def _asked_for(self, dataset: str, query: Query) -> list[int]:
        """The carriers whose rows may fulfil the condition; a USDOT number in another form than the dataset's is nobody's.

        Of a file that knows rows by inspection, the inspections.
        """
        wanted = usdots_of(query.where, _key(dataset))
        if wanted is None:
            return list(self._fleet.keys(dataset))
        if dataset in TABLES and TABLES[dataset].by_inspection:
            return sorted(int(text) for text in wanted if text.isdecimal() and text[0] != "0")
        if dataset in TABLES and TABLES[dataset].padded:
            wanted = frozenset(text.lstrip("0") for text in wanted if len(text) == _PADDED)
        return sorted(self._usdots[text] for text in wanted if text in self._usdots)

    def _encoded(self, dataset: str, usdot: int, edits: Edits) -> list[tuple[str, str]]:
        """All rows of a carrier as (`:id`, JSON), kept for the next request."""
        key = (dataset, self._month(dataset), usdot, edits.rows_behind)
        if key in self.cache:
            self.cache.move_to_end(key)
            return self.cache[key]
        rows = list(self._identified(dataset, usdot, edits))
        texts = _encode([row for _, row in rows])[2:-2].split("},{") if rows else []
        if len(texts) == len(rows):
            entries = [(id_, f"{{{text}}}") for (id_, _), text in zip(rows, texts, strict=True)]
        else:  # a value holds what separates two rows
            entries = [(id_, _encode(row)) for id_, row in rows]
        self.cache[key] = entries
        self._cached_rows += len(entries) + 1
        while self._cached_rows > self._most_cached and len(self.cache) > 1:
            self._cached_rows -= len(self.cache.popitem(last=False)[1]) + 1
        return entries

    def _found(self, dataset: str, usdot: int, query: Query, edits: Edits) -> Iterator[tuple[str, dict[str, Any]]]:
        where = query.where
        return (entry for entry in self._identified(dataset, usdot, edits) if where is None or where.holds(entry[1]))

    def _identified(self, dataset: str, usdot: int, edits: Edits) -> Iterator[tuple[str, dict[str, Any]]]:
        """All rows of a carrier with their `:id`: a hash, so that ordering by it mixes the carriers."""
        rows = self._fleet.previous(dataset, usdot) if edits.rows_behind else self._fleet.rows(dataset, usdot)
        month = self._month(dataset) - edits.rows_behind
        lost = {place for place, of_whom in edits.lost if of_whom in {None, usdot}}
        for number, row in enumerate(rows):
            if number in lost:
                continue
            digest = blake2b(f"{dataset}:{month}:{usdot}:{number}".encode(), digest_size=6).hexdigest()
            yield f"row-{digest[:4]}_{digest[4:8]}.{digest[8:]}", row

    def _counted(self, dataset: str, query: Query, edits: Edits) -> list[tuple[str, dict[str, Any]]]:
        """The rows of a query that counts, one for each group."""
        counts: Counter[tuple[Any, ...]] = Counter() if query.group else Counter({(): 0})
        key = _key(dataset)
        plain = not edits.rows_behind and not edits.lost and query.group in {(), (key,)}
        plain = plain and (not query.where or picks_carriers(query.where, key))
        for usdot in () if edits.empty else self._asked_for(dataset, query):
            if plain:
                if number := self._fleet.count(dataset, usdot):
                    counts[(_written(dataset, usdot),) if query.group else ()] += number
            else:
                found = self._found(dataset, usdot, query, edits)
                counts.update(tuple(row.get(name) for name in query.group) for _, row in found)
        if dataset in TABLES and not (query.group or query.where or edits.empty):
            counts[()] += ELSEWHERE
        rows: list[tuple[str, dict[str, Any]]] = []
        for values, number in counts.items():
            row = {**dict(zip(query.group, values, strict=True)), COUNT: str(number)}
            rows.append((str(len(rows)), {name.removesuffix("(*)"): row[name] for name in query.select if row[name] is not None}))
        return rows

    def _headers(self, dataset: str, query: Query, types: Mapping[str, str], edits: Edits) -> dict[str, str]:
        truth = _http_date(self._published(dataset, edits, behind=edits.headers_behind))
        replica = _http_date(self._published(dataset, edits, behind=edits.rows_behind))
        fields = dict(_fields(query, types))
        tag = blake2b(f"{dataset}:{self._month(dataset) - edits.rows_behind}:{query}".encode(), digest_size=16).hexdigest()
        return {
            "ETag": f'"{tag}"',
            "Last-Modified": replica,
            "Vary": "Accept-Encoding",
            "X-SODA2-Fields": json.dumps(list(fields), separators=(",", ":")),
            "X-SODA2-Types": json.dumps(list(fields.values()), separators=(",", ":")),
            "X-SODA2-Data-Out-Of-Date": "true" if edits.rows_behind > edits.headers_behind else "false",
            "X-SODA2-Truth-Last-Modified": truth,
            "X-SODA2-Secondary-Last-Modified": replica,
            "X-Socrata-RequestId": blake2b(f"{id(self)}:{self._answers}".encode(), digest_size=16).hexdigest(),
        }

    def _published(self, dataset: str, edits: Edits, *, behind: bool) -> datetime:
        """When the dataset was put out, or, where an answer is behind, what was there before."""
        editions, besides = self._fleet.edition_of(dataset), self.moved[dataset]
        if behind:
            editions, besides = (editions, besides - 1) if besides else (editions - 1, 0)
        step = _BESIDES if dataset in TABLES and not TABLES[dataset].monthly else _EDITION
        return _PUBLISHED + editions * step + besides * _BESIDES + timedelta(days=edits.days_ahead)

    def _month(self, dataset: str) -> int:
        """How many months after the first edition the dataset was published."""
        return self._fleet.edition_of(dataset) + self.moved[dataset]


_encode = json.JSONEncoder(separators=(",", ":")).encode


def _types(dataset: str, edits: Edits) -> dict[str, str]:
    """The dataset's columns and their types."""
    names = [name for name in (*DATASETS[dataset], *edits.added) if name not in edits.gone]
    numbers = TABLES[dataset].numbers if dataset in TABLES else frozenset[str]()
    return {name: edits.retyped.get(name, "number" if name in numbers else "text") for name in names}


def _key(dataset: str) -> str:
    """The column by which rows are known, mostly that of the USDOT number."""
    return TABLES[dataset].key if dataset in TABLES else USDOT_COLUMN


def _written(dataset: str, usdot: int) -> str:
    """The USDOT number as the dataset has it."""
    return f"{usdot:0{_PADDED}d}" if dataset in TABLES and TABLES[dataset].padded else str(usdot)


def _fields(query: Query, types: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The columns of an answer and their types."""
    for name in query.select:
        if name == "*":
            yield from types.items()
        elif name == COUNT:
            yield "count", "number"
        else:
            yield name, types.get(name, "row_identifier")


def _edited(row: dict[str, Any], edits: Edits, columns: Mapping[str, str], key: str, odd: set[int]) -> dict[str, Any]:
    """The row as the faults leave it."""
    edited = row | dict.fromkeys(edits.added, "new")
    for column, value, usdot in edits.values:
        if column in columns and (usdot is None or int(row[key]) == usdot):
            if edits.one_row and int(row[key]) in odd:
                continue
            odd.add(int(row[key]))
            edited[column] = value
    return {column: value for column, value in edited.items() if column in columns}


def _selected(id_: str, row: dict[str, Any], select: tuple[str, ...]) -> dict[str, Any]:
    selected: dict[str, Any] = {}
    for name in select:
        if name == "*":
            selected |= row
        elif name == ":id":
            selected[name] = id_
        elif name in row:
            selected[name] = row[name]
    return selected


def _sort_key(column: str, entry: tuple[str, str | dict[str, Any]]) -> tuple[bool, Any]:
    """What to sort an entry by; nulls come last."""
    id_, row = entry
    if column == ":id" or isinstance(row, str):
        return False, id_
    value = row.get(column, "")
    return value == "", int(value) if column == "count" else value


def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), headers=headers or {})
