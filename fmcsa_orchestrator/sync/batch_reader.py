"""Reads a window of companies through a batch source: each USDOT number once, and a failing batch in halves."""

from collections.abc import Mapping, Sequence

from fmcsa_orchestrator.model.company import Company, Outcome, SourceReport
from fmcsa_orchestrator.model.errors import SourceError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.sources.base import BatchSource
from fmcsa_orchestrator.sync.guard.circuit_breaker import UPSTREAM_KINDS
from fmcsa_orchestrator.sync.guard.isolation import Fault
from fmcsa_orchestrator.sync.guard.source_caller import Gate

Found = dict[UsdotNumber, SourceReport | Fault]

# No split can help where the upstream as a whole is meant.
_FINAL_KINDS = frozenset({"rate_limited", "stale_upstream", "implausible_empty"})


class WindowReader:
    """Reads companies through `fetch_many`."""

    def __init__(self, gate: Gate, timeout_s: float) -> None:
        self._gate = gate
        self._timeout_s = timeout_s

    async def read(self, source: BatchSource, companies: Sequence[Company]) -> Found:
        """What the source says of each number; one that it leaves out is not in the answer."""
        distinct = list({company.usdot: company for company in companies}.values())
        found: Found = {}
        size = max(1, source.batch_size)
        for start in range(0, len(distinct), size):
            found |= await self._read(source, distinct[start : start + size])
        return found

    async def _read(self, source: BatchSource, batch: Sequence[Company]) -> Found:
        answer = await self._ask(source, batch)
        if not isinstance(answer, Fault):
            return answer
        if len(batch) == 1 or answer.stops_source or answer.outcome is Outcome.UNAVAILABLE or answer.kind in _FINAL_KINDS:
            return dict.fromkeys((company.usdot for company in batch), answer)
        middle = len(batch) // 2
        left, right = batch[:middle], batch[middle:]
        if answer.kind not in UPSTREAM_KINDS:
            return await self._read(source, left) | await self._read(source, right)
        return await self._read_if_upstream_works(source, left, right)

    async def _read_if_upstream_works(self, source: BatchSource, left: Sequence[Company], right: Sequence[Company]) -> Found:
        """Both halves; further halves of one only where the other shows that upstream works."""
        answers = [await self._ask(source, half) for half in (left, right)]
        is_down = all(isinstance(answer, Fault) for answer in answers)
        found: Found = {}
        for half, answer in zip((left, right), answers, strict=True):
            if not isinstance(answer, Fault):
                found |= answer
            elif is_down or len(half) == 1:
                found |= dict.fromkeys((company.usdot for company in half), answer)
            else:
                middle = len(half) // 2
                found |= await self._read_if_upstream_works(source, half[:middle], half[middle:])
        return found

    async def _ask(self, source: BatchSource, batch: Sequence[Company]) -> Found | Fault:
        async def call() -> Mapping[UsdotNumber, SourceReport | SourceError]:
            return await source.fetch_many(batch)

        answer, fault = await self._gate.ask(source.name, self._timeout_s, call)
        if fault is not None:
            return fault
        isolation = self._gate.isolation
        if not isinstance(answer, Mapping):
            return isolation.fault(source.name, TypeError(f"fetch_many gave a {type(answer).__name__}, not a mapping"))
        asked = {company.usdot for company in batch}
        return {
            usdot: isolation.fault(source.name, entry) if isinstance(entry, BaseException) else entry
            for usdot, entry in answer.items()
            if usdot in asked
        }
