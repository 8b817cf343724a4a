"""Faults of the local upstream: what can go wrong with an answer.

Error bodies that were recorded look as recorded; those of 202, 401, 429, 500 and 503 on the portal are made up.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.client import responses
from typing import Any, Literal, Self, get_args

Kind = Literal["resource", "metadata", "qcmobile", "other"]

RETRIEVED = "2026-11-24T06:33:31.490+0000"
JSON_TYPE = "application/json;charset=utf-8"
_HTML_TYPE = "text/html;charset=utf-8"
_MAINTENANCE = (
    b"<html><head><title>System Maintenance</title></head><body><h1>Down for scheduled maintenance</h1></body></html>\n"
)
_FORBIDDEN = b"<html><head><title>403 Forbidden</title></head>\r\n<body><center><h1>403 Forbidden</h1></center></body></html>\r\n"

_OTHER: frozenset[Kind] = frozenset({"other"})  # what a `LocalUpstream` is asked
_ROWS: frozenset[Kind] = frozenset({"resource"})
_SODA: frozenset[Kind] = _ROWS | {"metadata"}
_EVERY: frozenset[Kind] = frozenset(get_args(Kind))

_SODA_ERRORS: dict[int, dict[str, Any]] = {
    400: {"code": "query.compiler.malformed", "error": True, "message": "Could not parse SoQL query"},
    401: {"code": "authentication_required", "error": True, "message": "Authentication required"},
    403: {"code": "permission_denied", "error": True, "message": "Invalid app_token specified"},
    408: {"code": "request-timeout", "error": True, "message": "Request timed out"},
}
_USED_UP = {
    "code": "authentication_required",
    "error": True,
    "message": "This request must be authenticated or have an application token",
}
_CLOSED = {"error": True, "message": "You must be logged in to access this resource"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is about: its kind, its dataset, and the carriers it mentions."""

    kind: Kind
    dataset: str | None = None
    usdots: frozenset[int] = frozenset()


@dataclass(slots=True)
class Edits:
    """How an answer of the portal differs from the true one. `values` is (column, value, only for this carrier)."""

    gone: set[str] = field(default_factory=set)
    added: list[str] = field(default_factory=list)
    retyped: dict[str, str] = field(default_factory=dict)
    values: list[tuple[str, Any, int | None]] = field(default_factory=list)
    lost: list[tuple[int, int | None]] = field(default_factory=list)  # (place among its carrier's rows, only of this carrier)
    rows_behind: bool = False
    headers_behind: bool = False
    empty: bool = False
    wrapped: bool = False
    separator: str = "\n,"  # of rows
    blanks: int = 0  # after the last row
    cap: int = sys.maxsize  # rows in an answer, whatever was asked for
    one_page: bool = False  # `$offset` is not looked at
    one_row: bool = False  # of each carrier, in which values differ
    days_ahead: int = 0

    @property
    def changes_rows(self) -> bool:
        """Whether single rows differ."""
        return bool(self.gone or self.added or self.values or self.lost)


@dataclass(slots=True)
class Effects:
    """What the faults make of one request."""

    answer: Answer | None = None
    edits: Edits = field(default_factory=Edits)
    publish: bool | str = False  # True: all files; text: this dataset's
    wait_s: float = 0
    cut: bool = False
    reset: bool = False
    silent: bool = False
    garbled: bool = False
    drip: tuple[int, float] | None = None


Apply = Callable[[Effects, Asked, int | None], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can go wrong. Make it with one of the constructors and hand it to `inject` of a local upstream."""

    name: str
    apply: Apply = field(repr=False, compare=False)
    kinds: frozenset[Kind] = field(default=_EVERY, repr=False)
    answers: bool = field(default=False, repr=False)
    rate: tuple[int, float] | None = field(default=None, repr=False)

    @classmethod
    def status(cls, code: int, *, retry_after: int | str | None = None, text: str | None = None, silent: bool = False) -> Self:
        """This HTTP status, with the body that goes with it, or one that says `text`, or none that ever comes.

        `retry_after` is in seconds or an HTTP date.
        """

        def apply(plan: Effects, asked: Asked, _: int | None) -> None:
            answer = error_answer(code, asked.kind, retry_after)
            if text is not None:
                answer = replace(answer, body=json.dumps({"error": True, "message": text}).encode(), content_type=JSON_TYPE)
            plan.answer = answer
            plan.silent |= silent

        return cls(f"status {code}", apply, answers=True)

    @classmethod
    def html(cls) -> Self:
        """A maintenance page with status 200."""
        return cls._instead("html", Answer(200, _MAINTENANCE, _HTML_TYPE))

    @classmethod
    def html_as_json(cls) -> Self:
        """The maintenance page, labelled as JSON."""
        return cls._instead("html as json", Answer(200, _MAINTENANCE))

    @classmethod
    def blocked(cls) -> Self:
        """The refusal of a firewall before the upstream: 403 and a web page."""
        return cls._instead("blocked", Answer(403, _FORBIDDEN, _HTML_TYPE))

    @classmethod
    def used_up(cls) -> Self:
        """What the portal says to those without a token, when the requests of their address are used up: 403."""
        return cls._instead("used up", Answer(403, json.dumps(_USED_UP).encode()), _SODA)

    @classmethod
    def closed(cls) -> Self:
        """What the portal says of a private or retired dataset: 403."""
        return cls._instead("closed", Answer(403, json.dumps(_CLOSED).encode()), _SODA)

    @classmethod
    def moved(cls) -> Self:
        """A redirect to somewhere else."""
        return cls._instead("moved", Answer(301, b"", _HTML_TYPE, {"Location": "https://elsewhere.invalid/"}))

    @classmethod
    def empty_body(cls) -> Self:
        """Status 200 without a single byte."""
        return cls._instead("empty body", Answer(200, b""))

    @classmethod
    def json(cls, content: Any) -> Self:
        """Status 200 with this JSON value in place of the true one."""
        return cls._instead(f"json {content!r:.40}", Answer(200, json.dumps(content).encode()))

    @classmethod
    def truncated(cls) -> Self:
        """JSON cut in the middle, in a body that ends properly."""
        return cls._plan("truncated", cut=True)

    @classmethod
    def reset(cls) -> Self:
        """The connection reset in the middle of the body."""
        return cls._plan("reset", reset=True)

    @classmethod
    def garbled(cls) -> Self:
        """A body of the right length in the middle of which nothing can be read."""
        return cls._plan("garbled", garbled=True)

    @classmethod
    def silent(cls) -> Self:
        """The headers, then nothing, until the client gives up."""
        return cls._plan("silent", silent=True)

    @classmethod
    def drip(cls, chunks: int, delay_s: float) -> Self:
        """The body in so many pieces, with a pause before each."""
        return cls._plan(f"drip {chunks} x {delay_s} s", drip=(chunks, delay_s))

    @classmethod
    def hang(cls, seconds: float) -> Self:
        """The true answer, but so much later."""
        return cls._plan(f"hang {seconds} s", wait_s=seconds)

    @classmethod
    def publish_now(cls, dataset: str | None = None) -> Self:
        """New monthly files just before this request is answered, or that of one dataset, with its content as it is."""
        return cls._plan("publish now", publish=dataset or True)

    @classmethod
    def throttle(cls, requests: int, per_s: float) -> Self:
        """429 for what comes after `requests` requests within `per_s` seconds; refused requests do not count."""

        def apply(plan: Effects, asked: Asked, _: int | None) -> None:
            plan.answer = error_answer(429, asked.kind)

        return cls(f"throttle {requests} per {per_s} s", apply, answers=True, rate=(requests, per_s))

    @classmethod
    def not_an_array(cls) -> Self:
        """Status 200 with an object where an array of rows is due."""
        return cls._edit("not an array", _ROWS | _OTHER, wrapped=True)

    @classmethod
    def missing_column(cls, name: str) -> Self:
        """A column that is gone: from the rows, from X-SODA2-Fields and from the metadata."""
        return cls._edit(f"missing column {name}", _SODA | _OTHER, gone={name})

    @classmethod
    def new_column(cls, name: str) -> Self:
        """A column that nobody knew."""
        return cls._edit(f"new column {name}", _SODA, added=[name])

    @classmethod
    def retyped_column(cls, name: str, type_: str) -> Self:
        """A column of another type, in X-SODA2-Types and in the metadata."""
        return cls._edit(f"column {name} is {type_}", _SODA, retyped={name: type_})

    @classmethod
    def bad_value(cls, column: str, value: Any, *, one_row: bool = False) -> Self:
        """Any JSON value in this column, in every row or in one of each carrier: of all, or of the one it is injected for."""

        def apply(plan: Effects, _: Asked, usdot: int | None) -> None:
            plan.edits.values.append((column, value, usdot))
            plan.edits.one_row |= one_row

        return cls(f"bad value in {column}", apply, _ROWS | _OTHER)

    @classmethod
    def row_missing(cls, place: int = 0) -> Self:
        """The row at this place of each carrier, or of the one it is injected for, is gone: from a dataset's rows and counts."""

        def apply(plan: Effects, _: Asked, usdot: int | None) -> None:
            plan.edits.lost.append((place, usdot))

        return cls(f"row {place} missing", apply, _ROWS)

    @classmethod
    def stale(cls) -> Self:
        """A replica behind, which says so: rows of the edition before, X-SODA2-Data-Out-Of-Date true."""
        return cls._edit("stale", rows_behind=True)

    @classmethod
    def older(cls) -> Self:
        """The edition before in everything, metadata too, and not a word about it."""
        return cls._edit("older", _SODA, rows_behind=True, headers_behind=True)

    @classmethod
    def ahead(cls, days: int) -> Self:
        """Every time that tells of the files so many days later."""
        return cls._edit("ahead", _SODA, days_ahead=days)

    @classmethod
    def capped(cls, rows: int) -> Self:
        """No more than so many rows in an answer, whatever was asked for."""
        return cls._edit(f"capped at {rows}", cap=rows)

    @classmethod
    def one_page(cls) -> Self:
        """The first page, whatever `$offset` says."""
        return cls._edit("one page", one_page=True)

    @classmethod
    def one_line(cls, blanks: int = 0) -> Self:
        """The rows on one line, as a proxy may re-encode them, and so many blanks after the last."""
        return cls._edit("one line", separator=",", blanks=blanks)

    @classmethod
    def empty_dataset(cls) -> Self:
        """No rows at all: every query gives [], count(*) gives 0."""
        return cls._edit("empty dataset", empty=True)

    @classmethod
    def _instead(cls, name: str, answer: Answer, kinds: frozenset[Kind] = _EVERY) -> Self:
        """This answer in place of the true one, to requests of these kinds."""

        def apply(plan: Effects, _: Asked, __: int | None) -> None:
            plan.answer = answer

        return cls(name, apply, kinds, answers=True)

    @classmethod
    def _plan(cls, name: str, **changes: Any) -> Self:
        """The true answer, sent otherwise: these attributes of `Effects`, which `LocalServer` carries out."""

        def apply(plan: Effects, _: Asked, __: int | None) -> None:
            for attribute, value in changes.items():
                setattr(plan, attribute, value)

        return cls(name, apply)

    @classmethod
    def _edit(cls, name: str, kinds: frozenset[Kind] = _ROWS, **changes: Any) -> Self:
        """Another content: these attributes of `Edits`, which `SodaDouble` heeds; of several faults, sets and lists add up."""

        def apply(plan: Effects, _: Asked, __: int | None) -> None:
            for attribute, value in changes.items():
                before = getattr(plan.edits, attribute)
                is_set = isinstance(value, set | bool)
                setattr(plan.edits, attribute, before | value if is_set else before + value if isinstance(value, list) else value)

        return cls(name, apply, kinds)


def error_answer(code: int, kind: Kind, retry_after: int | str | None = None) -> Answer:
    """The answer that goes with an error status."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if kind == "qcmobile" and code == 403:
        return Answer(code, _FORBIDDEN, _HTML_TYPE, headers)
    if code == 503:
        return Answer(code, _MAINTENANCE, _HTML_TYPE, headers)
    return Answer(code, json.dumps(_error_body(code, kind)).encode(), JSON_TYPE, headers)


def _error_body(code: int, kind: Kind) -> Any:
    phrase = responses.get(code, "Unknown Error")  # those of the world's gateways, as 520, are in no standard
    if kind == "qcmobile":
        return {"content": "Webkey not found", "retrievalDate": RETRIEVED} if code in {401, 404} else phrase
    if kind == "other":
        return {"error": True, "message": phrase}
    if code == 404:
        return {"code": "not_found" if kind == "metadata" else "dataset.missing", "error": True, "message": "Not found"}
    return _SODA_ERRORS.get(code, {"error": True, "message": phrase})
