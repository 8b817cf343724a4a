"""The one channel of what happens."""

import inspect
import logging
import traceback
from typing import Any

from fmcsa_orchestrator.model.events import Event
from fmcsa_orchestrator.observability.context import _context, _listeners

log = logging.getLogger(__name__)


async def emit(event: Event) -> None:
    """Hand the event to whoever listens; a listener that fails is logged and does not disturb the run."""
    for listener in _listeners.get():
        try:
            answer = listener(event)
            if inspect.isawaitable(answer):
                await answer
        except Exception:  # noqa: BLE001  # a listener is the host's
            log_event(log, logging.ERROR, "listener_failed", to=type(event).__name__, details=traceback.format_exc())


def log_event(logger: logging.Logger, level: int, event: str, /, *, details: str = "", **fields: Any) -> None:
    """Log an event; `details` are further lines, such as a traceback."""
    if not logger.isEnabledFor(level):
        return
    known = {**fields, **_context.get()}
    words = " ".join(f"{name}={value}" for name, value in known.items())
    text = f"{event} {words}".rstrip() + (f"\n{details}" if details else "")
    logger.log(level, "%s", text, extra={"event": event, "fields": known}, stacklevel=2)
