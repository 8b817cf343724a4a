"""The one `try` around everything that a source does: whatever happens in it stays in it."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from fmcsa_orchestrator.errors import FmcsaError, SourceTimeoutError
from fmcsa_orchestrator.models import Outcome
from fmcsa_orchestrator.redaction import redact
from fmcsa_orchestrator.results import MESSAGE_LIMIT

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong, fit for logs and documents: no secrets, bounded length."""

    kind: str
    message: str
    outcome: Outcome = Outcome.FAILED


class Isolation:
    """Runs calls that may fail in any way, and gives back their result or a Fault."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._secrets = secrets

    async def run(self, who: str, timeout_s: float, call: Callable[[], Awaitable[T]]) -> T | Fault:
        """The call's result, or the Fault it ended in. Only a cancellation of our own task passes, and the interpreter's exit."""
        try:
            async with asyncio.timeout(timeout_s):
                return await call()
        except TimeoutError:
            return self.fault(who, SourceTimeoutError(f"gave up after {timeout_s:.3g} s"))
        except (KeyboardInterrupt, SystemExit):
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return self.fault(who, error)  # the source cancelled something of its own
        except BaseException as error:  # noqa: BLE001  # a host's source may raise anything at all
            return self.fault(who, error)

    def fault(self, who: str, error: BaseException) -> Fault:
        """The error as a Fault, logged: one of ours in a line, anything else is a bug and gets its traceback."""
        if isinstance(error, FmcsaError):
            fault = Fault(error.kind, self._text(error), _OUTCOMES.get(error.kind, Outcome.FAILED))
            log.warning("sync_failed source=%s kind=%s error=%s", who, fault.kind, fault.message)
            return fault
        fault = Fault("unexpected", f"{type(error).__name__}: {self._text(error)}"[:MESSAGE_LIMIT])
        lines = "".join(traceback.format_exception(error))
        log.error("sync_failed source=%s kind=unexpected\n%s", who, redact(lines, self._secrets))
        return fault

    def _text(self, error: BaseException) -> str:
        try:
            text = str(error)
        except Exception:  # noqa: BLE001  # a broken __str__ is one more thing that a bug can do
            text = "no text"
        return redact(text, self._secrets)[:MESSAGE_LIMIT]


_OUTCOMES = {"timeout": Outcome.TIMED_OUT}
