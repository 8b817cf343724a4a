"""Counts the HTTP requests of one run, whoever sends them in it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
