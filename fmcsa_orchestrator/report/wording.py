"""Numbers and times in words, for people: the terminal and the page say them alike."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

ESTIMATES = (
    "Where a percentile is estimated, that is ours, not FMCSA's: 95 of 100 such estimates were within the number after ± of what "
    "FMCSA has published of passenger carriers."
)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def age(moment: Any, now: datetime) -> str:
    """How long ago, in the largest fitting unit; "never" for no time."""
    if not isinstance(moment, datetime):
        return "never"
    return f"{duration((now - moment).total_seconds())} ago"


def duration(seconds: float) -> str:
    """A length of time, in the largest fitting unit."""
    whole = max(0, int(seconds))
    return next((f"{whole // size} {unit}" for size, unit in _UNITS if whole >= size), f"{whole} s")


def day(moment: datetime | None) -> str:
    """The day, as ISO writes it; "unknown" for none."""
    return f"{moment:%Y-%m-%d}" if moment else "unknown"


def minute(moment: datetime | None) -> str:
    """Day and time in UTC, to the minute; "never" for none."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


def number(value: float | None, none: str = "-") -> str:
    """A number with its thousands apart, without needless zeros."""
    if value is None:
        return none
    return f"{value:,}" if isinstance(value, int) or not value.is_integer() else f"{int(value):,}"


def percent(share: float | None, none: str = "-") -> str:
    """A share of 1 in percent."""
    return none if share is None else f"{share * 100:.1f} %"


def hundredths(value: float | None, none: str = "-") -> str:
    """A number with two decimals at most."""
    return none if value is None else number(round(value, 2))


def our_estimate(percentile: float, within: float | None) -> str:
    """Our estimate of a percentile, never without saying whose it is and how far it may be off."""
    return f"our estimate {number(percentile)}{', error unknown' if within is None else f' ±{number(within)}'}"


def tally(counts: Mapping[str, int]) -> str:
    """Counts with what they count, the largest first: "40 changed, 2 failed"."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {what}" for what, count in ordered) or "none"


def counted(count: int | None, what: str, none: str = "no number of") -> str:
    """So many of what is counted: "1 driver", "2 drivers"."""
    return f"{none} {what}s" if count is None else f"{count:,} {what}{'s' * (count != 1)}"


def dollars(amount: float | None, none: str = "-") -> str:
    """An amount in whole dollars."""
    return none if amount is None else f"${amount:,.0f}"


def in_one_line(parts: Iterable[str | None]) -> str:
    """What there is of these, with commas between."""
    return ", ".join(part for part in parts if part)


def spaced(name: str) -> str:
    """A name in camel case as words."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])(?=[a-z])", lambda found: f" {found[1].lower()}", name)
