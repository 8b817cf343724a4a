"""The part of SoQL that the local portal understands: text to a `Query`, and conditions that judge a row.

`SELECT` of columns, `*`, `:id` and `count(*)`; comparisons with AND, OR and parentheses; GROUP BY, ORDER BY, LIMIT, OFFSET.
Functions, casts, NOT and HAVING are not understood and are refused as malformed.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

COUNT = "count(*)"
MAX_LIMIT = 50_000  # of a version 2.0 endpoint

T = TypeVar("T")
Literal = str | float

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>:?[A-Za-z_]\w*|`:?\w+`)|(?P<sign><=|>=|!=|<>|[=<>(),*]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KEYWORDS = frozenset({"select", "where", "group", "order", "by", "limit", "offset", "and", "or", "in", "from", "asc", "desc"})


class SoqlError(Exception):
    """A query the portal refuses, with the body of its 400."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body["message"])
        self.body = body


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column against one literal, or against several for `in`."""

    column: str
    sign: str
    literals: tuple[Literal, ...]

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether the row fulfils it; a null never does."""
        value = row.get(self.column)
        if value is None:
            return False
        if isinstance(self.literals[0], float):
            try:
                value = float(value)
            except ValueError:
                return False
        return value in self.literals if self.sign == "in" else _COMPARE[self.sign](value, self.literals[0])


@dataclass(frozen=True, slots=True)
class Combination:
    """Conditions of which all must hold, or any."""

    combine: Callable[[Iterator[bool]], bool]
    parts: "tuple[Condition, ...]"

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether the row fulfils it."""
        return self.combine(part.holds(row) for part in self.parts)


Condition = Comparison | Combination


@dataclass(frozen=True, slots=True)
class Query:
    """One question: columns, `*`, `:id` or `count(*)` of the rows that fulfil `where`; `order` is (column, descending)."""

    select: tuple[str, ...] = ("*",)
    where: Condition | None = None
    group: tuple[str, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    offset: int = 0


def usdots_of(condition: Condition | None, column: str) -> frozenset[str] | None:
    """The carriers that a condition confines the rows to by that column, as it spells them; None when it does not."""
    if condition is None:
        return None
    if isinstance(condition, Comparison):
        return frozenset(map(_spelled, condition.literals)) if picks_carriers(condition, column) else None
    sets = [usdots_of(part, column) for part in condition.parts]
    known = [part for part in sets if part is not None]
    if condition.combine is all:
        return frozenset.intersection(*known) if known else None
    return frozenset.union(*known) if len(known) == len(sets) else None


def picks_carriers(condition: Condition | None, column: str) -> bool:
    """Whether the condition says which carriers, by that column, and nothing else."""
    return isinstance(condition, Comparison) and condition.column == column and condition.sign in {"=", "in"}


def parse_params(params: Mapping[str, str]) -> Query:
    """The query of a GET: `$select`, `$where` and so on, or all in `$query`; other parameters are column filters.

    Raises: SoqlError.
    """
    if "$query" in params:
        return parse_statement(params["$query"])
    conditions: list[Condition] = [Comparison(name, "=", (value,)) for name, value in params.items() if name[:1] != "$"]
    clauses: dict[str, Any] = {}
    for name, value in params.items():
        match name:
            case "$where":
                conditions.append(_Parser(value).whole(_Parser.condition))
            case "$select" | "$group" | "$order":
                clauses[name[1:]] = _Parser(value).whole(getattr(_Parser, name[1:]))
            case "$limit" | "$offset":
                clauses[name[1:]] = _Parser(value).whole(_Parser.whole_number)
            case _ if name.startswith("$"):
                raise SoqlError({"error": True, "message": f"Unrecognized arguments [{name}]"})
    if conditions:
        clauses["where"] = conditions[0] if len(conditions) == 1 else Combination(all, tuple(conditions))
    query = Query(**{"limit": 1_000, **clauses})
    if query.limit is not None and query.limit > MAX_LIMIT:
        raise SoqlError({"error": True, "message": f"$limit may be at most {MAX_LIMIT}, but is {query.limit}"})
    return query


def parse_statement(text: str) -> Query:
    """The query of a whole statement, `SELECT * WHERE …`.

    Raises: SoqlError.
    """
    return _Parser(text).whole(_Parser.statement)


def check_query(query: Query, types: Mapping[str, str]) -> None:
    """Refuse columns that do not exist, numbers compared with text, and columns that are not grouped by.

    Raises: SoqlError.
    """
    comparisons = list(_comparisons(query.where))
    aggregates = COUNT in query.select or bool(query.group)
    if aggregates and (loose := [name for name in query.select if name != COUNT and name not in query.group]):
        raise _semantic("query.soql.column-not-in-group-bys", f"Column '{loose[0]}' must appear in GROUP BY")
    ordered = [name for name, _ in query.order if not (aggregates and name == "count")]
    for name in [*query.select, *query.group, *ordered, *(part.column for part in comparisons)]:
        if name not in {"*", ":id", COUNT} and name not in types:
            raise _semantic("query.soql.no-such-column", f"No such column: {name}", {"column": name})
    for part in comparisons:
        if types.get(part.column, "text") == "text" and any(isinstance(value, float) for value in part.literals):
            raise SoqlError(
                {
                    "code": "query.soql.type-mismatch",
                    "error": True,
                    "message": f"Type mismatch for op${part.sign}, is number; position: column {part.column} is text",
                    "data": {"column": part.column},
                }
            )


def _spelled(literal: Literal) -> str:
    return literal if isinstance(literal, str) else f"{literal:.15g}"


def _comparisons(condition: Condition | None) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    elif condition is not None:
        for part in condition.parts:
            yield from _comparisons(part)


def _semantic(code: str, message: str, data: Mapping[str, Any] | None = None) -> SoqlError:
    return SoqlError({"errorCode": code, "error": True, "message": message, "data": dict(data or {})})


class _Parser:
    """Reads one text from left to right; each method takes what it is named after."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._at = 0

    def whole(self, part: "Callable[[_Parser], T]") -> T:
        """All of the text as one part."""
        result = part(self)
        if self._at < len(self._tokens):
            self._refuse("end of input")
        return result

    def statement(self) -> Query:
        self._need("select")
        clauses: dict[str, Any] = {"select": self.select()}
        if self._take("where"):
            clauses["where"] = self.condition()
        for keyword, part in (("group", _Parser.group), ("order", _Parser.order)):
            if self._take(keyword):
                self._need("by")
                clauses[keyword] = part(self)
        for keyword in ("limit", "offset"):
            if self._take(keyword):
                clauses[keyword] = self.whole_number()
        return Query(**clauses)

    def select(self) -> tuple[str, ...]:
        return self._listed(self._selected)

    def group(self) -> tuple[str, ...]:
        return self._listed(self._column)

    def order(self) -> tuple[tuple[str, bool], ...]:
        return self._listed(self._ordered)

    def whole_number(self) -> int:
        kind, value, _ = self._peek()
        if kind != "number" or not value.isdecimal():
            self._refuse("a whole number")
        self._at += 1
        return int(value)

    def condition(self) -> Condition:
        return self._joined("or", any, lambda: self._joined("and", all, self._single))

    def _joined(self, keyword: str, combine: Callable[[Iterator[bool]], bool], part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._take(keyword):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Combination(combine, tuple(parts))

    def _single(self) -> Condition:
        if self._take("("):
            inner = self.condition()
            self._need(")")
            return inner
        column = self._column()
        if self._take("in"):
            self._need("(")
            literals = self._listed(self._literal)
            self._need(")")
            return Comparison(column, "in", literals)
        sign = self._peek()[1]
        if sign not in _COMPARE:
            self._refuse("a comparison")
        self._at += 1
        return Comparison(column, sign, (self._literal(),))

    def _selected(self) -> str:
        if self._take("*"):
            return "*"
        name = self._column()
        if name.lower() == "count" and self._take("("):
            self._need("*")
            self._need(")")
            return COUNT
        return name

    def _ordered(self) -> tuple[str, bool]:
        name = self._column()
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return name, descending

    def _column(self) -> str:
        kind, value, _ = self._peek()
        if kind != "name" or value.lower() in _KEYWORDS:
            self._refuse("an expression")
        self._at += 1
        return value.strip("`")

    def _literal(self) -> Literal:
        kind, value, _ = self._peek()
        if kind not in {"text", "number"}:
            self._refuse("a literal")
        self._at += 1
        return float(value) if kind == "number" else value[1:-1].replace("''", "'")

    def _listed(self, part: Callable[[], Any]) -> tuple[Any, ...]:
        parts = [part()]
        while self._take(","):
            parts.append(part())
        return tuple(parts)

    def _take(self, value: str) -> bool:
        kind, found, _ = self._peek()
        taken = kind != "text" and found.lower() == value
        self._at += taken
        return taken

    def _need(self, value: str) -> None:
        if not self._take(value):
            self._refuse(f"`{value}'")

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "end of input", len(self._text))

    def _scan(self) -> Iterator[tuple[str, str, int]]:
        at = 0
        end = len(self._text.rstrip())
        while at < end:
            found = _TOKEN.match(self._text, at)
            if found is None or found.lastgroup is None:
                raise self._malformed(at, "a token", self._text[at:].strip()[:1])
            yield found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)
            at = found.end()

    def _refuse(self, expected: str) -> NoReturn:
        _, value, at = self._peek()
        raise self._malformed(at, expected, value)

    def _malformed(self, at: int, expected: str, got: str) -> SoqlError:
        message = f"Could not parse SoQL query '{self._text}' at line 1 character {at + 1}: Expected {expected}, but got `{got}'"
        return SoqlError({"code": "query.compiler.malformed", "error": True, "message": message})
