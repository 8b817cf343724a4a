"""What a run would cost, before it runs: companies due, requests per upstream, the time they take at the set rates."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import Field

from fmcsa_orchestrator.model.results import Result
from fmcsa_orchestrator.sources.base import BatchSource
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.versions import Versions


class SourcePlan(Result):
    """One source's part.

    Attributes:
        due: companies that it has to read.
        requests: about how many requests that takes, by upstream.
    """

    due: int
    requests: dict[str, int] = Field(default_factory=dict)


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


async def make_plan(
    repository: CompanyRepository,
    sources: Sequence[BatchSource],
    versions: Versions,
    rates: Mapping[str, float],
    *,
    force: bool,
) -> Plan:
    """Ask each source for its version, and the repository how many companies have it already.

    Raises: RepositoryError.
    """
    clock = RunClock()
    due = await repository.count_due(clock.started_at, clock.now())
    found = await versions.current(afresh=True)
    plans: dict[str, SourcePlan] = {}
    for source in sources:
        version = found.get(source.name)
        current = 0 if force or version is None else await repository.count_current(source.name, version)
        plans[source.name] = _source_plan(source, max(0, due - current))
    requests: Counter[str] = Counter()
    for plan in plans.values():
        requests.update(plan.requests)
    seconds = sum(count / rates[upstream] for upstream, count in requests.items() if upstream in rates)
    return Plan(companies=due, sources=plans, requests=dict(requests), seconds=round(seconds, 1))


def _source_plan(source: BatchSource, due: int) -> SourcePlan:
    estimate = getattr(source, "estimate", None)
    return SourcePlan(due=due, requests=dict(estimate(due)) if estimate is not None else {})
