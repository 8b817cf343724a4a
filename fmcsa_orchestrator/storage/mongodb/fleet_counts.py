"""The fleet's status in MongoDB: counted there, since no fleet is to be loaded for it; documents only as many as are shown."""

from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fmcsa_orchestrator.model.company import name_of
from fmcsa_orchestrator.model.documents import as_time
from fmcsa_orchestrator.model.fmcsa import PROOF
from fmcsa_orchestrator.model.results import FAILURES
from fmcsa_orchestrator.model.status import LAST_RUN, NOTHING, STATUS, StoredStatus, Verified
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, ProofCounts, SourceCounts, StateCounts
from fmcsa_orchestrator.storage.mongodb.companies import HAS_USDOT
from fmcsa_orchestrator.storage.mongodb.driver import aggregated, asked, collection_of, whole

_SHOWN = {"name": 1, "dotNumber": 1, "fmcsaData": 1}
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)  # no time of ours is outside of these


class MongoFleet:
    """The companies that have a dotNumber, in a motor or PyMongo-async database.

    Raises, from every method: RepositoryError.
    """

    def __init__(self, database: Any, companies: str = "companies") -> None:
        self._companies = collection_of(database, companies)

    async def documents(self, limit: int) -> list[Mapping[str, Any]]:
        """What is known of companies, the least recently attempted first."""
        return await self._first(HAS_USDOT, limit)

    async def counts(self, sources: Sequence[str], cutoff: datetime, verified: Verified = NOTHING) -> FleetCounts:
        """Companies by state, overall and per source; a success before `cutoff` is stale. Two commands, however many they are.

        What a run has verified counts as a success at its time.

        MongoDB counts companies that are alike in all that is asked of them, of which there are a few dozen kinds.
        """
        kinds = await self._kinds(sources, cutoff, verified)
        oldest = await self._first({**HAS_USDOT, LAST_RUN: {"$gte": _FIRST, "$lt": _LAST}}, 1)
        success, agrees = Counter[Any](), Counter[Any]()
        fresh = 0
        for kind in kinds:
            is_success, is_proven = kind["_id"].get("success"), kind["_id"].get("agrees")
            success[is_success if isinstance(is_success, bool) else None] += kind["companies"]
            agrees[is_proven if isinstance(is_proven, bool) else None] += kind["companies"]
            fresh += kind["companies"] * (is_success is True and kind["_id"].get("fresh") is True)
        return FleetCounts(
            total=success.total(),
            states=StateCounts(fresh, success[True] - fresh, success[False], success[None]),
            sources=tuple(_source_counts(f"s{number}", name, kinds) for number, name in enumerate(sources)),
            oldest=verified.last_look(StoredStatus.of(oldest[0])) if oldest else None,
            oldest_company=name_of(oldest[0]) or str(oldest[0]["_id"]) if oldest else None,
            proof=ProofCounts(agrees[True], agrees[False], agrees[None]),
        )

    async def _kinds(self, sources: Sequence[str], cutoff: datetime, verified: Verified) -> list[Mapping[str, Any]]:
        """Each kind of company: its success and freshness, its outcomes, how many there are, first and last times."""
        holds = {name: {"$eq": [f"${STATUS}.sources.{name}.version", version]} for name, version in verified.versions.items()}
        is_recent = verified.at is not None and verified.at >= cutoff
        fresh = _lies_between(f"${LAST_RUN}", cutoff)
        if is_recent:
            fresh = {"$or": [fresh, {"$and": list(holds.values())}]}
        kind: dict[str, Any] = {"success": f"${STATUS}.success", "fresh": fresh, "agrees": f"${PROOF}.agrees"}
        group: dict[str, Any] = {"_id": kind, "companies": {"$sum": 1}}
        for number, name in enumerate(sources):
            path, key = f"${STATUS}.sources.{name}", f"s{number}"
            kind[f"{key}outcome"] = f"{path}.outcome"
            kind[f"{key}fresh"] = _lies_between(f"{path}.lastSuccess", cutoff)
            success = _time(f"{path}.lastSuccess")
            if name in holds:
                if is_recent:
                    kind[f"{key}fresh"] = {"$or": [kind[f"{key}fresh"], holds[name]]}
                earlier = {"$lt": [f"{path}.lastSuccess", verified.at]}
                success = {"$cond": [{"$and": [holds[name], earlier]}, verified.at, success]}
            group[f"{key}oldest"] = {"$min": success}
            group[f"{key}asOf"] = {"$max": _time(f"{path}.dataAsOf")}
        pipeline = [{"$match": HAS_USDOT}, {"$group": group}]
        return await asked("cannot count companies", lambda: aggregated(self._companies, pipeline))

    async def _first(self, condition: Mapping[str, Any], limit: int) -> list[Mapping[str, Any]]:
        def call() -> Awaitable[list[Mapping[str, Any]]]:
            return whole(self._companies.find(condition, _SHOWN).sort(LAST_RUN, 1).limit(limit).batch_size(max(limit, 1)), limit)

        return await asked("cannot read companies", call)


def _source_counts(key: str, name: str, kinds: Sequence[Mapping[str, Any]]) -> SourceCounts:
    outcomes = Counter[str]()
    fresh = 0
    for kind in kinds:
        outcome = kind["_id"].get(f"{key}outcome")
        if isinstance(outcome, str):
            outcomes[outcome] += kind["companies"]
            fresh += kind["companies"] * (outcome not in FAILURES and kind["_id"].get(f"{key}fresh") is True)
    total = sum(kind["companies"] for kind in kinds)
    attempted, failing = outcomes.total(), sum(outcomes[outcome] for outcome in FAILURES)
    times = [[time for kind in kinds if (time := as_time(kind.get(f"{key}{which}")))] for which in ("oldest", "asOf")]
    return SourceCounts(
        name=name,
        states=StateCounts(fresh, attempted - failing - fresh, failing, total - attempted),
        outcomes={outcome: count for outcome, count in outcomes.items() if count},
        oldest_success=min(times[0], default=None),
        data_as_of=max(times[1], default=None),
    )


def _lies_between(path: str, first: datetime) -> dict[str, Any]:
    """Whether there is a time from `first` on: nothing but a time lies between two times in MongoDB's order of all values."""
    return {"$and": [{"$gte": [path, first]}, {"$lt": [path, _LAST]}]}


def _time(path: str) -> dict[str, Any]:
    """The time at a path, else null, which `$min` and `$max` pass over."""
    return {"$cond": [_lies_between(path, _FIRST), path, None]}
