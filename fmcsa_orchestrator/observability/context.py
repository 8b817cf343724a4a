"""What a run or a sync carries with it, wherever its calls lead: its clock, who listens, what it counts, how it is logged."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fmcsa_orchestrator.model.events import OnEvent


def _wall_time() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SyncContext:
    """One for a run, one for each call for a single company; tasks that are started in it share it.

    Attributes:
        now: gives its time.
        listeners: the host's `on_event` callables.
        requests: requests sent so far, by upstream.
        is_background: nobody in particular waits for it.
        log_fields: stand on every line that is logged.
    """

    now: Callable[[], datetime] = _wall_time
    listeners: tuple[OnEvent, ...] = ()
    requests: Counter[str] = field(default_factory=Counter)
    is_background: bool = False
    log_fields: Mapping[str, Any] = field(default_factory=dict)


_current: ContextVar[SyncContext | None] = ContextVar("fmcsa_sync", default=None)


def current() -> SyncContext:
    """The context that this is called in; an empty one outside of any sync."""
    return _current.get() or SyncContext()


@contextmanager
def entered(context: SyncContext) -> Iterator[SyncContext]:
    """What is done within the block, in tasks started there too, is done in this context."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
