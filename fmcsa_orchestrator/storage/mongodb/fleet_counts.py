"""The fleet's status in MongoDB: counted there, since no fleet is to be loaded for it; documents only as many as are shown."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fmcsa_orchestrator.model.company import name_of
from fmcsa_orchestrator.model.documents import as_time, dig
from fmcsa_orchestrator.model.results import FAILURES
from fmcsa_orchestrator.model.status import LAST_RUN, STATUS
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, SourceCounts, StateCounts
from fmcsa_orchestrator.storage.mongodb.companies import HAS_USDOT
from fmcsa_orchestrator.storage.mongodb.driver import aggregated, collection_of, translated

_SHOWN = {"name": 1, "dotNumber": 1, "fmcsaData": 1}
_ANY_TIME = {"$gte": datetime(1970, 1, 1, tzinfo=UTC)}


class MongoFleet:
    """The companies that have a dotNumber, in a motor or PyMongo-async database.

    Raises, from every method: RepositoryError.
    """

    def __init__(self, database: Any, companies: str = "companies") -> None:
        self._companies = collection_of(database, companies)

    async def documents(self, limit: int) -> list[Mapping[str, Any]]:
        """What is known of companies, the least recently attempted first."""
        return await self._first(HAS_USDOT, LAST_RUN, 1, limit)

    async def counts(self, sources: Sequence[str], cutoff: datetime) -> FleetCounts:
        """Companies by state, overall and per source; a success before `cutoff` is stale."""
        found = await self._groups(f"{STATUS}.success")
        total = sum(found.values())
        fresh = await self._count({f"{STATUS}.success": {"$eq": True}, LAST_RUN: {"$gte": cutoff}})
        failing, never = found[False], total - found[True] - found[False]
        oldest = await self._first({**HAS_USDOT, LAST_RUN: _ANY_TIME}, LAST_RUN, 1, 1)
        return FleetCounts(
            total=total,
            states=StateCounts(fresh, max(0, found[True] - fresh), failing, never),
            sources=tuple(await asyncio.gather(*(self._source(name, total, cutoff) for name in sources))),
            oldest=as_time(dig(oldest[0], LAST_RUN)) if oldest else None,
            oldest_company=name_of(oldest[0]) or str(oldest[0]["_id"]) if oldest else None,
        )

    async def _source(self, name: str, total: int, cutoff: datetime) -> SourceCounts:
        path = f"{STATUS}.sources.{name}"
        found = await self._groups(f"{path}.outcome")
        outcomes = {outcome: count for outcome, count in found.items() if isinstance(outcome, str)}
        working = {f"{path}.outcome": {"$type": "string", "$nin": list(FAILURES)}}
        fresh = await self._count({**working, f"{path}.lastSuccess": {"$gte": cutoff}})
        attempted, failing = sum(outcomes.values()), sum(outcomes.get(outcome, 0) for outcome in FAILURES)
        return SourceCounts(
            name=name,
            states=StateCounts(fresh, max(0, attempted - failing - fresh), failing, max(0, total - attempted)),
            outcomes=outcomes,
            oldest_success=await self._time_at(f"{path}.lastSuccess", 1),
            data_as_of=await self._time_at(f"{path}.dataAsOf", -1),
        )

    async def _groups(self, path: str) -> Counter[Any]:
        """Companies by what they have at a path; None for what we have not put there."""
        group = {"$group": {"_id": f"${path}", "companies": {"$sum": 1}}}
        with translated("cannot count companies"):
            found = await aggregated(self._companies, [{"$match": HAS_USDOT}, group])
        counts: Counter[Any] = Counter()
        for row in found:
            counts[row["_id"] if isinstance(row["_id"], str | bool) else None] += row["companies"]
        return counts

    async def _time_at(self, path: str, direction: int) -> datetime | None:
        """The first, or last, time at a path. By a sort: an index on the path, where there is one, serves it."""
        found = await self._first({**HAS_USDOT, path: _ANY_TIME}, path, direction, 1)
        return as_time(dig(found[0], path)) if found else None

    async def _first(self, condition: Mapping[str, Any], path: str, direction: int, limit: int) -> list[Mapping[str, Any]]:
        with translated("cannot read companies"):
            found: list[Mapping[str, Any]] = (
                await self._companies.find(condition, _SHOWN).sort(path, direction).limit(limit).to_list(limit)
            )
            return found

    async def _count(self, condition: Mapping[str, Any]) -> int:
        with translated("cannot count companies"):
            count: int = await self._companies.count_documents({**HAS_USDOT, **condition})
            return count
