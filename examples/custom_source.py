"""A source of the host's own: drug and alcohol Clearinghouse queries, from a CSV export `dot_number,query_id,driver,result`."""

import asyncio
import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from fmcsa_orchestrator import Company, Document, Outcome, SourceReport, SyncSummary, UsdotNumber, open_orchestrator


class DrugClearinghouse:
    """What the host's own export says of a carrier's drivers; stored in `fmcsaDrugClearinghouse`, a row per query."""

    name = "drug_clearinghouse"
    owns = ("fmcsaData.drugClearinghouse",)

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._rows = [(UsdotNumber.parse(row["dot_number"]), row) for row in rows]

    async def fetch(self, company: Company) -> SourceReport:
        """All queries about this carrier's drivers."""
        rows = [row for usdot, row in self._rows if usdot == company.usdot]
        if not rows:
            return SourceReport(outcome=Outcome.NOT_FOUND)
        prohibited = sum(row["result"] == "prohibited" for row in rows)
        return SourceReport(
            fields={"fmcsaData.drugClearinghouse": {"queries": len(rows), "prohibited": prohibited}},
            documents=[Document(row["query_id"], {"driver": row["driver"], "result": row["result"]}) for row in rows],
        )


async def sync(source: DrugClearinghouse) -> SyncSummary:
    """One run of the built-in sources, then ours."""
    async with open_orchestrator(extra_sources=[source]) as orchestrator:
        return await orchestrator.sync_all_companies()


if __name__ == "__main__":
    with Path(sys.argv[1]).open(newline="") as export:
        clearinghouse = DrugClearinghouse(csv.DictReader(export))
    summary = asyncio.run(sync(clearinghouse))
    print(f"{clearinghouse.name}: {summary.outcomes.get(clearinghouse.name)}")
    sys.exit(0 if summary.success else 1)
