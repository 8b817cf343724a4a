"""What happened, as it happens: frozen values handed to the `on_event` callable."""

import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from fmcsa_orchestrator.logs import log_event
from fmcsa_orchestrator.results import CompanySyncResult, SyncSummary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins; `due` companies are to be synced. `requests`, by upstream, counts on while the run goes."""

    due: int
    requests: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch source is about to be read for so many companies of a window."""

    source: str
    companies: int


@dataclass(frozen=True, slots=True)
class WindowFetched:
    """The batch sources have read a window of `companies`; `requests` were sent in this run so far."""

    companies: int
    requests: int


@dataclass(frozen=True, slots=True)
class CompanyStarted:
    """A company's turn has come: its sources are asked, or its rows written."""

    company_id: Any
    usdot: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is sent to this upstream for so many seconds, because it has asked for a pause."""

    upstream: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CompanySynced:
    """One company is done, and its status stored."""

    result: CompanySyncResult
    requests: int = 0


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over."""

    summary: SyncSummary


Event = RunStarted | Reading | WindowFetched | CompanyStarted | CompanySynced | Waiting | RunFinished
"""Any of the events."""
OnEvent = Callable[[Event], Awaitable[None] | None]
"""What `on_event` may be: a function or a coroutine function. One that raises is logged and disturbs nothing."""


_listeners: ContextVar[tuple[OnEvent, ...]] = ContextVar("fmcsa_listeners", default=())


@contextmanager
def listening(*listeners: OnEvent | None) -> Iterator[None]:
    """Hand these all events of what is done within the block, in tasks started there too."""
    token = _listeners.set(tuple(listener for listener in listeners if listener is not None))
    try:
        yield
    finally:
        _listeners.reset(token)


async def emit(event: Event) -> None:
    """Hand the event to whoever listens; a listener that fails is logged and does not disturb the run."""
    for listener in _listeners.get():
        try:
            answer = listener(event)
            if inspect.isawaitable(answer):
                await answer
        except Exception:  # noqa: BLE001  # a listener is the host's
            log_event(log, logging.ERROR, "listener_failed", to=type(event).__name__, details=traceback.format_exc())
