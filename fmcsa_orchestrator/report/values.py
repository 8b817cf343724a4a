"""What stands in a document, whatever a host app has made of it: as we write it, or not known. Pure functions."""

from typing import Any

from fmcsa_orchestrator.model.documents import as_number
from fmcsa_orchestrator.model.text import printable


def as_text(value: Any, limit: int = 500) -> str | None:
    """A text, printable and cut to a length fit for a screen; None for anything else."""
    return printable(value[:limit]) if isinstance(value, str) else None


def as_count(value: Any) -> int | None:
    """A whole number, or None."""
    number = as_number(value)
    return None if number is None else int(number)


def as_flag(value: Any) -> bool | None:
    """True or false, or None."""
    return value if isinstance(value, bool) else None
