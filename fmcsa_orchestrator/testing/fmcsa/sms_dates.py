"""The days an inspection can be of, as the SMS run of 30 October 2026 sees them."""

from datetime import date, timedelta

SMS_RUN = date(2026, 10, 30)
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_FIRST = date(2024, 10, 31)
_TWELVE_MONTHS_AGO = date(2025, 10, 30)
_SIX_MONTHS_AGO = date(2026, 4, 30)


def _time_weight(day: date) -> str:
    if day >= _SIX_MONTHS_AGO:
        return "3"
    return "2" if day >= _TWELVE_MONTHS_AGO else "1"


def _spelled(day: date) -> str:
    return f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year % 100:02d}"


def day_spelled(spelled: str) -> date:
    """The day of "14-MAY-25"."""
    return _BY_SPELLING[spelled]


_DAYS = [_FIRST + timedelta(days=number) for number in range((SMS_RUN - _FIRST).days)]

# Each day as DD-MON-YY with its time weight.
INSPECTION_DAYS = tuple((_spelled(day), _time_weight(day)) for day in _DAYS)
_BY_SPELLING = {_spelled(day): day for day in _DAYS}
