"""SIGTERM and SIGINT as a request to stop: what is in hand ends cleanly, and the process by itself."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from fmcsa_orchestrator.observability.hooks import note

log = logging.getLogger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first signal within the block; a second one ends the process as usual.

    To be used in the main thread's event loop. Where the platform knows no such handlers, signals act as usual.
    """
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        note(log, logging.WARNING, "stop_requested", signal=signal.Signals(number).name)
        remove()
        stop()

    def remove() -> None:
        for number in _SIGNALS:
            with suppress(NotImplementedError):  # by Windows' event loops
                loop.remove_signal_handler(number)

    try:
        for number in _SIGNALS:
            with suppress(NotImplementedError):  # by Windows' event loops
                loop.add_signal_handler(number, on_signal, number)
        yield
    finally:
        remove()
