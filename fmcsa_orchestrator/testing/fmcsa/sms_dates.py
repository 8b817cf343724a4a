"""The days an inspection can be of, as the SMS run of 30 October 2026 sees them."""

from datetime import date, timedelta

SMS_RUN = date(2026, 10, 30)
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
FIRST_DAY = date(2024, 10, 31)
_TWELVE_MONTHS_AGO = date(2025, 10, 30)
_SIX_MONTHS_AGO = date(2026, 4, 30)


def time_weight(day: date) -> str:
    """Of a row of that day."""
    if day >= _SIX_MONTHS_AGO:
        return "3"
    return "2" if day >= _TWELVE_MONTHS_AGO else "1"


def spelled(day: date) -> str:
    """The day as DD-MON-YY."""
    return f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year % 100:02d}"


def day_spelled(text: str) -> date:
    """The day of "14-MAY-25"."""
    return _BY_SPELLING[text]


_DAYS = [FIRST_DAY + timedelta(days=number) for number in range((SMS_RUN - FIRST_DAY).days)]

# Each day as DD-MON-YY with its time weight.
INSPECTION_DAYS = tuple((spelled(day), time_weight(day)) for day in _DAYS)
_BY_SPELLING = {spelled(day): day for day in _DAYS}
