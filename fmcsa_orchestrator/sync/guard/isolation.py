"""The one `try` around everything that a source does, and the one place where an error becomes a `SourceFailure`."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fmcsa_orchestrator.model.documents import bson_time, whole_text
from fmcsa_orchestrator.model.errors import FmcsaError, SourceError, SourceTimeoutError
from fmcsa_orchestrator.model.results import MESSAGE_LIMIT, Outcome, SourceFailure
from fmcsa_orchestrator.model.waiting import wait_out
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.observability.hooks import note
from fmcsa_orchestrator.observability.redaction import redact
from fmcsa_orchestrator.sync.time_limit import TimeShare

log = logging.getLogger(__name__)

T = TypeVar("T")

GRACE_S = 1.0  # what a cancelled call may still take to clean up


class Isolation:
    """Runs calls that may fail in any way, and gives back their result or what went wrong, without secrets."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._secrets = secrets

    async def run(self, who: str, timeout_s: float | TimeShare, call: Callable[[], Awaitable[T]]) -> T | SourceFailure:
        """The call's result, or what it ended in. Only a cancellation of our own task passes, and the interpreter's exit.

        A share of a time limit may grow meanwhile.

        The call has a task of its own, so that even one that swallows its cancellation cannot hold us up.
        """

        async def guarded() -> T:
            return await call()

        task = asyncio.create_task(guarded(), name=f"fmcsa {who}")
        try:
            if isinstance(timeout_s, TimeShare):
                while (left_s := timeout_s.left_s()) > 0 and not task.done():
                    await asyncio.wait({task}, timeout=left_s)
            else:
                await asyncio.wait({task}, timeout=timeout_s)
        except asyncio.CancelledError:
            await self._end(task, who)
            raise
        if not task.done():
            await self._end(task, who)
            seconds = timeout_s.seconds if isinstance(timeout_s, TimeShare) else timeout_s
            return self.failure(who, SourceTimeoutError(f"gave up after {seconds:.3g} s"))
        try:
            return task.result()
        except TimeoutError as error:
            return self.failure(who, SourceTimeoutError(str(error) or "timed out"))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  # a host's source may raise anything at all, CancelledError too
            return self.failure(who, error)

    async def _end(self, task: asyncio.Task[Any], who: str) -> None:
        """Cancel the task; one that goes on regardless is left behind, with a word in the log."""
        task.cancel()
        try:
            await wait_out([task], GRACE_S)
        finally:
            if not task.done():
                note(log, logging.ERROR, "source_ignores_cancellation", source=who)
            elif not task.cancelled():
                task.exception()  # what it raised meanwhile concerns nobody any more

    def failure(self, who: str, error: BaseException) -> SourceFailure:
        """The error as it is stored and returned, logged: one of ours in a line, anything else is a bug, with its traceback."""
        ours = isinstance(error, FmcsaError)
        text = self._text_of(error)
        failure = SourceFailure(
            source=who,
            error=text if ours else f"{type(error).__name__}: {text}"[:MESSAGE_LIMIT],
            kind=error.kind if isinstance(error, FmcsaError) else FmcsaError.kind,
            timestamp=bson_time(current().now()),
            outcome=Outcome.TIMED_OUT if isinstance(error, SourceTimeoutError) else Outcome.FAILED,
            stops_source=isinstance(error, SourceError) and error.stops_source,
            of_upstream=isinstance(error, SourceError) and error.of_upstream,
        )
        lines = "" if ours else redact("".join(traceback.format_exception(error)), self._secrets)
        level = logging.WARNING if ours else logging.ERROR
        note(log, level, "sync_failed", source=who, kind=failure.kind, error=failure.error, details=lines)
        return failure

    def text(self, words: object) -> str:
        """Words from outside, fit for logs and documents."""
        return whole_text(redact(str(words), self._secrets)[:MESSAGE_LIMIT])

    def _text_of(self, error: BaseException) -> str:
        try:
            return self.text(error)
        except Exception:  # noqa: BLE001  # a broken __str__ is one more thing that a bug can do
            return "no text"
