"""The gate before every source: breaker, limiter, isolation. All calls into sources pass here."""

from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from fmcsa_orchestrator.model.company import SourceReport
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.observability.telemetry import observed
from fmcsa_orchestrator.sync.guard.circuit_breaker import Breakers
from fmcsa_orchestrator.sync.guard.isolation import Fault, Isolation

T = TypeVar("T")


class Answer(NamedTuple, Generic[T]):
    """What a source gave, and what went wrong; both, where it gave less than it should."""

    value: T | None
    fault: Fault | None


class Gate:
    """Asks sources; for one run with its breakers, for a single company with none that is open yet."""

    def __init__(self, limiter: Limiter, isolation: Isolation, breakers: Breakers | None = None) -> None:
        self.isolation = isolation
        self._limiter = limiter
        self._breakers = breakers or Breakers()

    async def ask(self, source: str, timeout_s: float, call: Callable[[], Awaitable[T]], *, part: str = "") -> Answer[T]:
        """Ask, unless the breaker of this source, or of this part of it, is open."""

        async def paced() -> T:
            await self._limiter.acquire()
            return await call()

        breaker = self._breakers.of(source, part)
        if (refusal := breaker.refusal()) is not None:
            return Answer(None, refusal)
        with observed("source", {"source": source}) as seen:
            answer = self._answer(source, await self.isolation.run(source, timeout_s, paced))
            seen.outcome = "ok" if answer.fault is None else answer.fault.kind
        breaker.note(answer.fault)
        return answer

    def _answer(self, source: str, value: T | Fault) -> Answer[T]:
        if isinstance(value, Fault):
            return Answer(None, value)
        if isinstance(value, SourceReport) and value.incomplete is not None:
            return Answer(value, self.isolation.fault(source, value.incomplete))
        return Answer(value, None)
