"""Dates as the SMS files have them, DD-MON-YY, and how far back SMS looks."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

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


SmsDate = Annotated[str, AfterValidator(sms_date)]
