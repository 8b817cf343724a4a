"""The way to a subscriber: what is sent goes in, whether it was accepted comes out."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fmcsa_orchestrator.delivery.notice import Notice
from fmcsa_orchestrator.observability.redaction import redact

OnNotice = Callable[[Notice], Awaitable[None] | None]
"""What a host hands over by name as one of `callables`: a function or a coroutine function. Once it returns, the notice is
accepted; where it raises, the notice comes again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has become of a notice.

    Attributes:
        why: in words why it was not accepted; None where it was.
        pause_s: seconds that the receiver has asked for itself.
        is_gone: the receiver wants nothing any more.
        of_notice: it says something of this notice, rather than of the receiver.
    """

    why: str | None = None
    pause_s: float | None = None
    is_gone: bool = False
    of_notice: bool = False


ACCEPTED = Verdict()


class Channel(Protocol):
    """A way to one subscriber.

    Attributes:
        parallel: how many notices may be under way at once.
    """

    parallel: int

    async def send(self, notice: Notice) -> Verdict:
        """Send it. Raises nothing but what ends our own task."""


@dataclass(slots=True)
class ClosedChannel:
    """The way to a subscriber that nothing can be sent to, as its secret is missing, say; `why` in words."""

    why: str
    parallel: int = 1

    async def send(self, notice: Notice) -> Verdict:  # noqa: ARG002  # as the protocol has it
        """Nothing goes out."""
        return Verdict(self.why)


class CallableChannel:
    """A host's function, called for one notice at a time. It has `timeout_s` seconds for each."""

    parallel = 1

    def __init__(self, function: OnNotice, timeout_s: float, secrets: Sequence[str] = ()) -> None:
        self._function = function
        self._timeout_s = timeout_s
        self._secrets = secrets

    async def send(self, notice: Notice) -> Verdict:
        """Call it. Raises: CancelledError when our own task is cancelled; the interpreter's exit."""
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                answer: Any = self._function(notice)
                if inspect.isawaitable(answer):
                    await answer
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a host's function may raise anything at all, CancelledError too
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            if isinstance(error, TimeoutError) and limit.expired():
                return Verdict(f"the function has not returned within {self._timeout_s:g} s")
            return Verdict(f"the function raised {redact(f'{type(error).__name__}: {error}', self._secrets)}")
        return ACCEPTED
