"""The one `try` around everything that a source does: whatever happens in it stays in it."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fmcsa_orchestrator.model.company import Outcome
from fmcsa_orchestrator.model.errors import AuthError, FmcsaError, SchemaDriftError, SourceTimeoutError
from fmcsa_orchestrator.model.results import MESSAGE_LIMIT
from fmcsa_orchestrator.observability.hooks import log_event
from fmcsa_orchestrator.observability.redaction import redact

log = logging.getLogger(__name__)

T = TypeVar("T")

_STOPS_SOURCE = (AuthError, SchemaDriftError)
STOPPING_KINDS = frozenset(error.kind for error in _STOPS_SOURCE)

GRACE_S = 1.0  # what a cancelled call may still take to clean up


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong, fit for logs and documents: no secrets, bounded length.

    stops_source: asking for another company would end the same way.
    """

    kind: str
    message: str
    outcome: Outcome = Outcome.FAILED
    stops_source: bool = False


class Isolation:
    """Runs calls that may fail in any way, and gives back their result or a Fault."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._secrets = secrets

    async def run(self, who: str, timeout_s: float, call: Callable[[], Awaitable[T]]) -> T | Fault:
        """The call's result, or the Fault it ended in. Only a cancellation of our own task passes, and the interpreter's exit.

        The call has a task of its own, so that even one that swallows its cancellation cannot hold us up.
        """

        async def guarded() -> T:
            return await call()

        task = asyncio.create_task(guarded(), name=f"fmcsa {who}")
        try:
            done, _ = await asyncio.wait({task}, timeout=timeout_s)
        except asyncio.CancelledError:
            await self._end(task, who)
            raise
        if not done:
            await self._end(task, who)
            return self.fault(who, SourceTimeoutError(f"gave up after {timeout_s:.3g} s"))
        try:
            return task.result()
        except TimeoutError as error:
            return self.fault(who, SourceTimeoutError(str(error) or "timed out"))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  # a host's source may raise anything at all, CancelledError too
            return self.fault(who, error)

    async def _end(self, task: asyncio.Task[Any], who: str) -> None:
        """Cancel the task; one that goes on regardless is left behind, with a word in the log."""
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=GRACE_S)
        if not done:
            log_event(log, logging.ERROR, "source_ignores_cancellation", source=who)
        elif not task.cancelled():
            task.exception()  # what it raised meanwhile concerns nobody any more

    def fault(self, who: str, error: BaseException) -> Fault:
        """The error as a Fault, logged: one of ours in a line, anything else is a bug and gets its traceback."""
        if isinstance(error, FmcsaError):
            outcome = Outcome.TIMED_OUT if isinstance(error, SourceTimeoutError) else Outcome.FAILED
            fault = Fault(error.kind, self._text_of(error), outcome, isinstance(error, _STOPS_SOURCE))
            log_event(log, logging.WARNING, "sync_failed", source=who, kind=fault.kind, error=fault.message)
            return fault
        fault = Fault("unexpected", f"{type(error).__name__}: {self._text_of(error)}"[:MESSAGE_LIMIT])
        lines = redact("".join(traceback.format_exception(error)), self._secrets)
        log_event(log, logging.ERROR, "sync_failed", source=who, kind=fault.kind, error=fault.message, details=lines)
        return fault

    def text(self, words: object) -> str:
        """Words from outside, fit for logs and documents."""
        return redact(str(words), self._secrets)[:MESSAGE_LIMIT]

    def _text_of(self, error: BaseException) -> str:
        try:
            return self.text(error)
        except Exception:  # noqa: BLE001  # a broken __str__ is one more thing that a bug can do
            return "no text"
