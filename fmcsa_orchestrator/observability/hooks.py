"""The one channel of what happens: events, notes and activities. Logs, spans, metrics and the host's `on_event` hang on it."""

import asyncio
import inspect
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from fmcsa_orchestrator.model.errors import FmcsaError
from fmcsa_orchestrator.model.events import Event, RequestSent
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


class Subscriber:
    """One who is told of everything, in the whole process; what it has no use for it need not override."""

    def heard(self, event: Event) -> None:
        """An event has happened."""

    def noted(self, note: Note) -> None:
        """There is something for the log."""

    def settled(self, outcome: SourceOutcome) -> None:
        """It is known what has become of a source for a company."""

    def watching(self, activity: Activity) -> AbstractContextManager[None]:  # noqa: ARG002  # for those who override it
        """An activity goes on while the block does."""
        return nullcontext()


_subscribers: list[Subscriber] = []


def subscribe(subscriber: Subscriber) -> None:
    """Tell this one, too, from now on."""
    _subscribers.append(subscriber)


async def emit(event: Event) -> None:
    """Tell of an event. One of the host's listeners that fails is logged, and disturbs nothing."""
    for subscriber in _subscribers:
        subscriber.heard(event)
    for listener in current().listeners:
        try:
            answer = listener(event)
            if inspect.isawaitable(answer):
                await answer
        except Exception:  # noqa: BLE001  # a listener is the host's
            note(log, logging.ERROR, "listener_failed", to=type(event).__name__, details=traceback.format_exc())


async def count_request(upstream: str) -> None:
    """Tell that a request is sent; to be called by whatever sends it."""
    current().requests[upstream] += 1
    await emit(RequestSent(upstream))


def note(logger: logging.Logger, level: int, name: str, /, *, details: str = "", **fields: Any) -> None:
    """Tell of something for the log."""
    if logger.isEnabledFor(level):
        noted = Note(logger, level, name, {**fields, **current().log_fields}, details)
        for subscriber in _subscribers:
            subscriber.noted(noted)


def settle(outcome: SourceOutcome) -> None:
    """Tell what has become of a source for a company."""
    for subscriber in _subscribers:
        subscriber.settled(outcome)


@contextmanager
def watched(what: str, labels: Mapping[str, str] | None = None, **facts: str | float) -> Iterator[Activity]:
    """Tell of an activity, which the block is."""
    activity = Activity(what, labels or {}, dict(facts))
    with ExitStack() as stack:
        for subscriber in _subscribers:
            stack.enter_context(subscriber.watching(activity))
        try:
            yield activity
        except BaseException as error:
            activity.outcome = _word(error)
            raise


def _word(error: BaseException) -> str:
    if isinstance(error, FmcsaError):
        return error.kind
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "unexpected"
