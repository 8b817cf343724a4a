"""What a run would cost, before it runs: companies due, requests per upstream, the time they take at the set rates."""

from collections import Counter
from collections.abc import Mapping

from pydantic import Field

from fmcsa_orchestrator.model.results import Result, SourceFailure
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.components import Components
from fmcsa_orchestrator.sync.source_registry import SourceSlot, estimated


class SourcePlan(Result):
    """One source's part.

    Attributes:
        due: companies that it has to read.
        requests: about how many requests that takes, by upstream.
        error: why the source cannot tell, where its estimate fails.
    """

    due: int
    requests: dict[str, int] = Field(default_factory=dict)
    error: str | None = None


class Plan(Result):
    """A run that has not happened.

    Attributes:
        companies: those that are due.
        sources: each source's part, by its name.
        requests: requests by upstream, at the least: large carriers take more pages.
        seconds: the time that these take at the set rates.
    """

    companies: int
    sources: dict[str, SourcePlan] = Field(default_factory=dict)
    requests: dict[str, int] = Field(default_factory=dict)
    seconds: float = 0.0


async def make_plan(parts: Components, rates: Mapping[str, float], *, force: bool) -> Plan:
    """Ask each source for its version, and the repository how many companies have it already.

    Raises: RepositoryError.
    """
    clock, repository = RunClock(), parts.repository
    due = await repository.count_due(clock.started_at, clock.now())
    found = await parts.versions.current(afresh=True)
    plans: dict[str, SourcePlan] = {}
    for slot in parts.slots:
        if slot.batch is not None:
            version = found.get(slot.name)
            current = 0 if force or version is None else await repository.count_current(slot.name, version)
            plans[slot.name] = await _source_plan(slot, max(0, due - current), parts)
    requests: Counter[str] = Counter()
    for plan in plans.values():
        requests.update(plan.requests)
    seconds = sum(count / rates[upstream] for upstream, count in requests.items() if upstream in rates)
    return Plan(companies=due, sources=plans, requests=dict(requests), seconds=round(seconds, 1))


async def _source_plan(slot: SourceSlot, due: int, parts: Components) -> SourcePlan:
    async def guess() -> dict[str, int]:
        return estimated(slot.source, due)

    requests = await parts.isolation.run(slot.name, parts.company_timeout_s, guess)
    if isinstance(requests, SourceFailure):
        return SourcePlan(due=due, error=f"no estimate: {requests.error}")
    return SourcePlan(due=due, requests=requests)
