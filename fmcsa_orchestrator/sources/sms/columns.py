"""The column types of the SMS files, and the parser that turns one raw row into typed content.

Facts: every value is text, also numbers (".5" is 0.5); a null column is left out; dates are DD-MON-YY.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from fmcsa_orchestrator.model.errors import MalformedPayloadError
from fmcsa_orchestrator.sources.sms.titles import basic_key

Content = dict[str, Any]

_DATE = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{2})", re.ASCII)
_MONTHS = {name: month for month, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}


@lru_cache(maxsize=4_096)
def sms_date(text: str) -> datetime:
    """Midnight UTC of a date such as "14-MAY-25". Two-digit years lie in the past: 97 is 1997."""
    match = _DATE.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2].upper() not in _MONTHS:
        raise ValueError(f"not a DD-MON-YY date: {str(text)[:20]!r}")
    year = 2000 + int(match[3])
    if year > datetime.now(UTC).year + 1:
        year -= 100
    return datetime(year, _MONTHS[match[2].upper()], int(match[1]), tzinfo=UTC)


@lru_cache(maxsize=4_096)
def two_years_after(day: datetime) -> datetime:
    """When SMS drops a row of that day: it looks back 24 months."""
    try:
        return day.replace(year=day.year + 2)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 2, month=3, day=1)


Usdot = Annotated[int, Field(ge=1, le=99_999_999)]
Count = Annotated[int, Field(ge=0, le=2_000_000_000)]
Measure = Annotated[float, Field(ge=0, allow_inf_nan=False)]
SmsDate = Annotated[str, AfterValidator(sms_date)]
BasicKey = Annotated[str, AfterValidator(basic_key)]


class RowParser:
    """Turns raw rows into content by a TypedDict whose fields name their column as validation alias.

    `finish` makes the content out of the fields, where it is more than these; a field that a row leaves out, or gives as null,
    is None.
    """

    def __init__(self, row_type: Any, finish: Callable[[Content], Content] | None = None) -> None:
        fields = {
            name: hint if name in row_type.__required_keys__ else Annotated[hint, Field(default=None)]
            for name, hint in row_type.__annotations__.items()
        }
        filled: Any = TypedDict("Row", fields, total=False)  # type: ignore[misc]  # its fields are known only here
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
