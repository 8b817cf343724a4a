"""The USDOT number: how host apps spell it, and the one form we use."""

import re
from typing import Any, Self

from fmcsa_orchestrator.errors import InvalidUsdotError

# Host apps store "1021580", " 01021580", "USDOT 1021580"; [0-9] and not \d, which takes every script's digits.
_SPELLINGS = re.compile(r"\s*(?:(?:US ?)?DOT[\s#:.-]*)?([0-9]{1,8})\s*", re.ASCII | re.IGNORECASE)
_LARGEST = 99_999_999


class UsdotNumber(int):
    """A carrier's USDOT number: an int from 1 to 99,999,999.

    Source: FMCSA's registration numbers have one to eight digits; see docs/glossary.md.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read a company's `dotNumber`: an int, a whole float, or text such as "USDOT 1021580".

        Raises:
            InvalidUsdotError: which says what a USDOT number looks like.
        """
        number = _as_int(value)
        if number is None or not 1 <= number <= _LARGEST:
            raise InvalidUsdotError(
                f"dotNumber is {_shown(value)}: a USDOT number has 1 to 8 digits and is not zero; correct the company's dotNumber"
            )
        return cls(number)


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():  # JavaScript hosts store every number as a double
        return int(value)
    if isinstance(value, str) and (match := _SPELLINGS.fullmatch(value)):
        return int(match[1])
    return None


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, int) and value.bit_length() > 128:  # Python refuses to write out the largest
        return "far too large"
    text = repr(value) if isinstance(value, str | int | float) else f"of type {type(value).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."
