"""The column types of the portal's datasets, and the parser that turns one raw row into typed content.

Facts: every value is text, also numbers (".5" is 0.5) and flags ("true", "Y"); a null column is left out.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict

from fmcsa_orchestrator.model.errors import MalformedPayloadError

Content = dict[str, Any]
"""What a row says: our fields, typed."""

# 20250528, "20250528 0000", 2022-07-09, 2022-07-09T00:00:00.000: the time of day is always midnight, or is not ours to keep.
_DAY = re.compile(r"([12][0-9]{3})(-?)([01][0-9])\2([0-3][0-9])(?:[ T][0-9:.]*)?", re.ASCII)


@lru_cache(maxsize=4_096)
def day_of(text: str) -> datetime:
    """Midnight UTC of a date such as "20250528", "20250528 0000" or "2025-05-28". Raises: ValueError."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a YYYYMMDD date: {text[:20]!r}")
    return datetime(int(match[1]), int(match[3]), int(match[4]), tzinfo=UTC)


def trimmed(text: str) -> str | None:
    """The text without blanks around it; None where that leaves nothing."""
    return " ".join(text.split()) or None


Usdot = Annotated[int, Field(ge=1, le=99_999_999)]
"""A USDOT number."""
Count = Annotated[int, Field(ge=0, le=2_000_000_000)]
"""A whole number, zero or more."""
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
"""Dollars, or any other number that is zero or more."""
Measure = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Day = Annotated[str, AfterValidator(day_of)]
"""A day, as midnight UTC, of 20250528, 2025-05-28, or either with a time after it, which is dropped."""
Text = Annotated[str, AfterValidator(trimmed)]
"""Text with single blanks and none around it; None where nothing is left."""
CountOrText = Annotated[Count | Text, Field(union_mode="left_to_right")]
"""A count; text where it cannot be read as one, so that the row is not lost over it."""
DayOrText = Annotated[Day | Text, Field(union_mode="left_to_right")]
"""A day; text where it cannot be read as one, so that the row is not lost over it."""


def _columns_of(hint: Any) -> Iterator[str]:
    """The column that a field names as its validation alias, however deep in its type."""
    for part in (*getattr(hint, "__metadata__", ()), *get_args(hint)):
        if isinstance(part, FieldInfo) and isinstance(part.validation_alias, str):
            yield part.validation_alias
        yield from _columns_of(part)


class RowParser:
    """Turns raw rows into content by a TypedDict whose fields name their column as validation alias.

    Attributes:
        columns: those that are read.
        key: the field by which a row is known as a carrier's (or whatever else rows are asked for by); it is taken out of the
            content, since every document has it already.
        begins_with: the column with which the ids of a row's documents begin; None where no such column is.
        private: columns that are left out of a row that cannot be understood, before it is kept aside.
    """

    def __init__(
        self,
        row_type: Any,
        finish: Callable[[Content], Content] | None = None,
        *,
        key: str = "usdot",
        begins_with: str | None = None,
        private: frozenset[str] = frozenset(),
    ) -> None:
        """`finish` makes the content of the fields, where it is more than these; a field that a row leaves out is None."""
        fields = {
            name: hint if name in row_type.__required_keys__ else Annotated[hint, Field(default=None)]
            for name, hint in row_type.__annotations__.items()
        }
        filled: Any = TypedDict("Row", fields, total=False)  # type: ignore[misc]  # its fields are known only here
        self.columns = frozenset(column for hint in fields.values() for column in _columns_of(hint))
        self.key = key
        self.begins_with = begins_with
        self.private = private
        self._rows = TypeAdapter[Any](list[filled]).validator
        self._finish = finish

    def __call__(self, row: Mapping[str, Any]) -> Content:
        """The content of one row.

        Raises: MalformedPayloadError with the column's name; also for a column left out that the TypedDict requires.
        """
        try:
            return self._finished(self._rows.validate_python([row]))[0]
        except ValidationError as error:
            known = {column: value for column, value in row.items() if value is not None}
            if len(known) < len(row):
                return self(known)
            fault = error.errors(include_url=False, include_input=False)[0]
            column = str(fault["loc"][1]) if len(fault["loc"]) > 1 else "row"
            raise MalformedPayloadError(f"column {column}: {fault['msg']}", field=column) from None

    def all(self, array: bytes) -> list[Content]:
        """The content of each row of a JSON array. Raises: ValueError when any does not fit, or has a null, or is no JSON."""
        return self._finished(self._rows.validate_json(array))

    def _finished(self, rows: list[Content]) -> list[Content]:
        return rows if self._finish is None else [self._finish(row) for row in rows]
