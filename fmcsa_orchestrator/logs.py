"""One form for every log line: a stable event name, then `key=value`; the same as `extra` for structured handlers.

A record has `record.event` (the name) and `record.fields` (a dict). `docs/reference/logs.md` lists the names.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_NONE: Mapping[str, Any] = MappingProxyType({})
_context: ContextVar[Mapping[str, Any]] = ContextVar("fmcsa_log_context", default=_NONE)


@contextmanager
def log_fields(**fields: Any) -> Iterator[None]:
    """Add these fields to every line logged within the block."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def log_event(logger: logging.Logger, level: int, event: str, /, *, details: str = "", **fields: Any) -> None:
    """Log an event; `details` are further lines, such as a traceback."""
    if not logger.isEnabledFor(level):
        return
    known = {**fields, **_context.get()}
    words = " ".join(f"{name}={value}" for name, value in known.items())
    text = f"{event} {words}".rstrip() + (f"\n{details}" if details else "")
    logger.log(level, "%s", text, extra={"event": event, "fields": known}, stacklevel=2)
