"""Reads a window of companies through a batch source: each USDOT number once, and a failing batch in parts, within bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fmcsa_orchestrator.model.company import Company, SourceReport
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.model.results import Outcome, SourceFailure
from fmcsa_orchestrator.sources.base import BatchSource
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller

Found = dict[UsdotNumber, SourceReport | SourceFailure]
Batch = Sequence[Company]

# No parting can help where the upstream as a whole is meant.
_FINAL_KINDS = frozenset({"rate_limited", "stale_upstream", "implausible_empty"})
# What every part of a batch gets is upstream's fault, whatever it is; a bug in a source may be in how it takes some company.
_OF_ANSWERS = frozenset({"malformed", "rejected"})
MOST_CALLS = 32  # for one batch: enough to find two of 200 companies that make it fail


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
            found |= await self._read(source, distinct[start : start + size])
        return found

    async def _read(self, source: BatchSource, batch: Batch) -> Found:
        """The batch; where it fails, its halves, then theirs, so that only those companies fail that make it fail.

        Where all of the halves fail, or all of the quarters where it may be a company's fault, nobody is asked for alone.
        """
        found: Found = {}
        parts, level, calls = [batch], 0, 0
        while parts:
            failed: list[tuple[Batch, SourceFailure]] = []
            for part in parts:
                answer = await self._ask(source, part)
                if isinstance(answer, SourceFailure):
                    failed.append((part, answer))
                else:
                    found |= answer
            calls += len(parts)
            is_hopeless = len(failed) == len(parts) and level >= (1 if failed[0][1].of_upstream else 2)
            if is_hopeless and failed[0][1].kind in _OF_ANSWERS:
                self.caller.breakers.of(source.name).open(failed[0][1])
            parts, level = [], level + 1
            for part, failure in failed:
                if is_hopeless or len(part) == 1 or _is_final(failure) or calls + 2 * len(failed) > MOST_CALLS:
                    found |= dict.fromkeys((company.usdot for company in part), failure)
                else:
                    parts += [part[: len(part) // 2], part[len(part) // 2 :]]
        return found

    async def _ask(self, source: BatchSource, batch: Batch) -> Found | SourceFailure:
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


def _is_final(failure: SourceFailure) -> bool:
    """Whether no part of the batch would fare better."""
    return failure.stops_source or failure.outcome is Outcome.UNAVAILABLE or failure.kind in _FINAL_KINDS
