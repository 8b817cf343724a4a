"""Reads a window of companies through a batch source: each USDOT number once, and a failing batch in halves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fmcsa_orchestrator.model.company import Company, SourceReport
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.model.results import Outcome, SourceFailure
from fmcsa_orchestrator.sources.base import BatchSource
from fmcsa_orchestrator.sync.guard.circuit_breaker import UPSTREAM_KINDS
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller

Found = dict[UsdotNumber, SourceReport | SourceFailure]

# No split can help where the upstream as a whole is meant.
_FINAL_KINDS = frozenset({"rate_limited", "stale_upstream", "implausible_empty"})


@dataclass(frozen=True, slots=True)
class BatchReader:
    """Reads companies through `fetch_many`; a call may take `timeout_s` seconds."""

    caller: SourceCaller
    timeout_s: float

    async def read(self, source: BatchSource, companies: Sequence[Company]) -> Found:
        """What the source says of each number; one that it leaves out is not in the answer."""
        distinct = list({company.usdot: company for company in companies}.values())
        found: Found = {}
        size = max(1, source.batch_size)
        for start in range(0, len(distinct), size):
            batch = distinct[start : start + size]
            answer = await self._ask(source, batch)
            found |= await self._in_halves(source, batch, answer) if isinstance(answer, SourceFailure) else answer
        return found

    async def _in_halves(self, source: BatchSource, batch: Sequence[Company], failure: SourceFailure) -> Found:
        """What both halves of a failed batch say; further halves of one only where that may help.

        Where it is the upstream that fails, one half has to show first that it works.
        """
        is_final = failure.stops_source or failure.outcome is Outcome.UNAVAILABLE or failure.kind in _FINAL_KINDS
        if len(batch) == 1 or is_final:
            return dict.fromkeys((company.usdot for company in batch), failure)
        halves = batch[: len(batch) // 2], batch[len(batch) // 2 :]
        if failure.kind not in UPSTREAM_KINDS:
            return await self.read(source, halves[0]) | await self.read(source, halves[1])
        return await self._if_upstream_works(source, halves)

    async def _if_upstream_works(self, source: BatchSource, halves: Sequence[Sequence[Company]]) -> Found:
        answers = [await self._ask(source, half) for half in halves]
        is_down = all(isinstance(answer, SourceFailure) for answer in answers)
        found: Found = {}
        for half, answer in zip(halves, answers, strict=True):
            if not isinstance(answer, SourceFailure):
                found |= answer
            elif is_down or len(half) == 1:
                found |= dict.fromkeys((company.usdot for company in half), answer)
            else:
                found |= await self._if_upstream_works(source, (half[: len(half) // 2], half[len(half) // 2 :]))
        return found

    async def _ask(self, source: BatchSource, batch: Sequence[Company]) -> Found | SourceFailure:
        async def asked() -> dict[Any, Any]:  # the whole of it in here: also to go through a mapping may fail
            answer: Any = await source.fetch_many([company.for_sources() for company in batch])
            if not isinstance(answer, Mapping):
                raise TypeError(f"fetch_many gave a {type(answer).__name__}, not a mapping")
            return dict(answer.items())

        answer = await self.caller.ask(source.name, self.timeout_s, asked)
        if isinstance(answer, SourceFailure):
            return answer
        isolation, wanted = self.caller.isolation, {company.usdot for company in batch}
        return {
            usdot: isolation.failure(source.name, entry) if isinstance(entry, BaseException) else entry
            for usdot, entry in answer.items()
            if usdot in wanted
        }
