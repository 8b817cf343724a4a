"""The one channel of what happens: events, notes and activities. Logs, spans, metrics and the host's `on_event` hang on it."""

import asyncio
import inspect
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from fmcsa_orchestrator.model.errors import FmcsaError
from fmcsa_orchestrator.model.events import Event, OnEvent, RequestSent
from fmcsa_orchestrator.model.results import SourceOutcome
from fmcsa_orchestrator.observability.context import current

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the log: a stable name, its fields, and `details`, which are further lines such as a traceback."""

    logger: logging.Logger
    level: int
    name: str
    fields: Mapping[str, Any]
    details: str = ""


@dataclass(slots=True)
class Activity:
    """Something that takes time: a run, a company, a call into a source, a request.

    Labels come from a small set of values, facts do not. `outcome` may be set before its end; an error that leaves it is its
    outcome, by its kind.
    """

    what: str
    labels: Mapping[str, str] = field(default_factory=dict)
    facts: dict[str, str | int | float | bool] = field(default_factory=dict)
    outcome: str = "ok"


_on_event: list[Callable[[Event], None]] = []
_on_note: list[Callable[[Note], None]] = []
_on_outcome: list[Callable[[SourceOutcome], None]] = []
_around: list[Callable[[Activity], AbstractContextManager[None]]] = []


def subscribe(
    *,
    event: Callable[[Event], None] | None = None,
    note: Callable[[Note], None] | None = None,
    outcome: Callable[[SourceOutcome], None] | None = None,
    around: Callable[[Activity], AbstractContextManager[None]] | None = None,
) -> None:
    """Tell these of what they take, from now on, in the whole process; `around` is a context manager about each activity."""
    _on_event.extend(filter(None, [event]))
    _on_note.extend(filter(None, [note]))
    _on_outcome.extend(filter(None, [outcome]))
    _around.extend(filter(None, [around]))


async def emit(event: Event) -> None:
    """Tell of an event. One of the host's listeners that fails is logged, and disturbs nothing."""
    for tell in _on_event:
        tell(event)
    for listener in current().listeners:
        await _told(listener, event)


async def _told(listener: OnEvent, event: Event) -> None:
    """Raises: CancelledError when our own task is cancelled while it waits for the listener; the interpreter's exit."""
    is_ours = False
    try:
        answer = listener(event)
        if inspect.isawaitable(answer):
            is_ours = True  # from here on a cancellation may be meant for us
            await answer
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a listener is the host's, and may raise anything at all, CancelledError too
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and is_ours and task is not None and task.cancelling():
            raise
        note(log, logging.ERROR, "listener_failed", to=type(event).__name__, details=traceback.format_exc())


async def count_request(upstream: str) -> None:
    """Tell that a request is sent; to be called by whatever sends it."""
    current().requests[upstream] += 1
    await emit(RequestSent(upstream))


def note(logger: logging.Logger, level: int, name: str, /, *, details: str = "", **fields: Any) -> None:
    """Tell of something for the log."""
    if logger.isEnabledFor(level):
        noted = Note(logger, level, name, {**fields, **current().log_fields}, details)
        for tell in _on_note:
            tell(noted)


def settle(outcome: SourceOutcome) -> None:
    """Tell what has become of a source for a company."""
    for tell in _on_outcome:
        tell(outcome)


@contextmanager
def watched(what: str, labels: Mapping[str, str] | None = None, **facts: str | float) -> Iterator[Activity]:
    """Tell of an activity, which the block is."""
    activity = Activity(what, labels or {}, dict(facts))
    with ExitStack() as stack:
        for around in _around:
            stack.enter_context(around(activity))
        try:
            yield activity
        except BaseException as error:
            activity.outcome = _word(error)
            raise


def _word(error: BaseException) -> str:
    if isinstance(error, FmcsaError):
        return error.kind
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "unexpected"
