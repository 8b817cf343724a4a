"""Calls sources: each call passes the circuit breaker, the limiter and the isolation, in this order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from fmcsa_orchestrator.model.company import SourceReport
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.model.results import SourceFailure
from fmcsa_orchestrator.observability.hooks import watched
from fmcsa_orchestrator.sync.guard.circuit_breaker import Breakers
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.time_limit import TimeShare

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SourceCaller:
    """For one run with its breakers, or for a single company, with none that is open yet."""

    limiter: Limiter
    isolation: Isolation
    breakers: Breakers = field(default_factory=Breakers)

    async def ask(
        self, source: str, timeout_s: float | TimeShare, call: Callable[[], Awaitable[T]], *, part: str = ""
    ) -> T | SourceFailure:
        """What the source gives, or why there is nothing. A report that is `incomplete` has the failure there.

        It is not asked while the breaker of this source, or of this part of it, is open.
        """

        async def paced() -> T:
            await self.limiter.acquire()
            return await call()

        breaker = self.breakers.of(source, part)
        if (refusal := breaker.refusal()) is not None:
            return refusal
        with watched("source", {"source": source}) as activity:
            answer = await self.isolation.run(source, timeout_s, paced)
            failure = answer if isinstance(answer, SourceFailure) else None
            if isinstance(answer, SourceReport) and isinstance(answer.incomplete, BaseException):
                failure = self.isolation.failure(source, answer.incomplete)
                answer = cast("T", replace(answer, incomplete=failure))
            if failure is not None:
                activity.outcome = failure.kind
        breaker.learn(failure)
        return answer
