"""Reads a window of companies through a batch source: each USDOT number once, and a failing batch in halves."""

from collections.abc import Mapping, Sequence

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator.errors import SourceError
from fmcsa_orchestrator.isolation import Fault, Isolation
from fmcsa_orchestrator.models import Company, SourceReport
from fmcsa_orchestrator.sources.base import BatchSource
from fmcsa_orchestrator.usdot import UsdotNumber

Found = dict[UsdotNumber, SourceReport | Fault]

# These say something of the upstream rather than of the batch. When both halves of a batch fail so, smaller ones would too.
_UPSTREAM_KINDS = frozenset({"upstream_unavailable", "stale_upstream", "timeout", "rate_limited", "auth", "implausible_empty"})
# These no split can help.
_FINAL_KINDS = frozenset({"auth", "rate_limited", "stale_upstream", "implausible_empty"})


class WindowReader:
    """Reads companies through `fetch_many`, behind the limiter, isolated."""

    def __init__(self, isolation: Isolation, limiter: AsyncLimiter, timeout_s: float) -> None:
        self._isolation = isolation
        self._limiter = limiter
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
        if len(batch) == 1 or answer.kind in _FINAL_KINDS:
            return dict.fromkeys((company.usdot for company in batch), answer)
        middle = len(batch) // 2
        left, right = batch[:middle], batch[middle:]
        if answer.kind not in _UPSTREAM_KINDS:
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
            await self._limiter.acquire()
            return await source.fetch_many(batch)

        answer = await self._isolation.run(source.name, self._timeout_s, call)
        if isinstance(answer, Fault):
            return answer
        if not isinstance(answer, Mapping):
            return self._isolation.fault(source.name, TypeError(f"fetch_many gave a {type(answer).__name__}, not a mapping"))
        asked = {company.usdot for company in batch}
        return {
            usdot: self._isolation.fault(source.name, entry) if isinstance(entry, BaseException) else entry
            for usdot, entry in answer.items()
            if usdot in asked
        }
