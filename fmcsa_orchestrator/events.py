"""What happened, as it happens: frozen values handed to the `on_event` callable."""

import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fmcsa_orchestrator.results import CompanySyncResult, SyncSummary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins; `due` companies are to be synced."""

    due: int


@dataclass(frozen=True, slots=True)
class WindowFetched:
    """The batch sources have read a window of `companies`; `requests` were sent in this run so far."""

    companies: int
    requests: int


@dataclass(frozen=True, slots=True)
class CompanySynced:
    """One company is done, and its status stored."""

    result: CompanySyncResult
    requests: int = 0


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over."""

    summary: SyncSummary


Event = RunStarted | WindowFetched | CompanySynced | RunFinished
OnEvent = Callable[[Event], Awaitable[None] | None]


async def emit(on_event: OnEvent | None, event: Event) -> None:
    """Hand the event over; a listener that fails is logged and does not disturb the run."""
    if on_event is None:
        return
    try:
        answer = on_event(event)
        if inspect.isawaitable(answer):
            await answer
    except Exception:
        log.exception("listener_failed event=%s", type(event).__name__)
