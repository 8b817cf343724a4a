"""Counts the HTTP requests of one run, whoever sends them in it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from fmcsa_orchestrator.model.events import OnEvent

_current: ContextVar[Counter[str] | None] = ContextVar("fmcsa_requests", default=None)


@contextmanager
def counting_requests() -> Iterator[Counter[str]]:
    """Count the requests sent within the block: upstream's name -> requests."""
    counter: Counter[str] = Counter()
    token = _current.set(counter)
    try:
        yield counter
    finally:
        _current.reset(token)


def count_request(upstream: str) -> None:
    """Note one request; to be called by whatever sends it, a host's own source included."""
    counter = _current.get()
    if counter is not None:
        counter[upstream] += 1


_listeners: ContextVar[tuple[OnEvent, ...]] = ContextVar("fmcsa_listeners", default=())


@contextmanager
def listening(*listeners: OnEvent | None) -> Iterator[None]:
    """Hand these all events of what is done within the block, in tasks started there too."""
    token = _listeners.set(tuple(listener for listener in listeners if listener is not None))
    try:
        yield
    finally:
        _listeners.reset(token)


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


_is_background: ContextVar[bool] = ContextVar("fmcsa_background", default=False)


@contextmanager
def in_background() -> Iterator[None]:
    """What is done within the block is not waited for by anybody in particular."""
    token = _is_background.set(True)
    try:
        yield
    finally:
        _is_background.reset(token)


def is_background() -> bool:
    """Whether nobody in particular waits for what is being done."""
    return _is_background.get()
