"""Roadside inspections within days, with their units and violations: read in two steps, by carrier and then by inspection.

Facts: the three files are replaced daily, those of units and violations about an hour before that of inspections. An inspection
is SMS's where state and number of the report are the same; two of one day are nothing unusual.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import nlargest
from math import ceil
from typing import Any

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.sources.roadside_rows import (
    ROADSIDE,
    UNIT_DATASET,
    VIOLATION_DATASET,
    parse_roadside,
    parse_roadside_violation,
    parse_unit,
)
from fmcsa_orchestrator.sources.soda.columns import Content
from fmcsa_orchestrator.sources.soda.details import AT_ONCE, Detail, lightest, with_details
from fmcsa_orchestrator.sources.soda.file import CarrierRows, SodaFile
from fmcsa_orchestrator.sources.soda.kept_rows import slices
from fmcsa_orchestrator.sources.soda.row_documents import documents_of
from fmcsa_orchestrator.sources.soda.source import Found, RowSource

MOST_IN_BATCH = 20 * AT_ONCE  # inspections: 40 requests for their details, some 40 seconds at the portal's pace
MEAN_INSPECTIONS = 4  # of a carrier: 8.3 million for 2.2 million active ones
RECENT = 10  # inspections in the company document
_LEVELS = range(1, 9)


async def summarize_roadside(rows: Sequence[Content]) -> dict[str, Any]:
    """`fmcsaData.roadside`: violations are counted one by one, orders by the inspections that have one."""
    counts: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    stopped: Counter[str] = Counter()
    recent: list[Content] = []
    first = last = change = None
    async for part in slices(rows):
        for row in part:
            violations = row["violations"] or ()
            counts.update({"withViolations": bool(violations), "awaitingDetails": not row["detailsComplete"]})
            counts.update({kind: bool(row[kind]) for kind in ("driverOos", "vehicleOos", "hazmatOos")})
            categories.update(violation["category"] or "unknown" for violation in violations)
            stopped.update(violation["category"] or "unknown" for violation in violations if violation["outOfService"])
        levels.update(str(row["level"]) if row["level"] in _LEVELS else "other" for row in part)
        days = [row["inspectedOn"] for row in part]
        first, last = min([*days, first or days[0]]), max([*days, last or days[0]])
        change = max((text for text in (change, *(row["changeDate"] for row in part)) if text), default=None)
        recent = nlargest(RECENT, [*recent, *part], key=lambda row: (row["inspectedOn"], row["inspectionId"]))
    return {
        "total": len(rows),
        **{name: counts[name] for name in ("withViolations", "driverOos", "vehicleOos", "hazmatOos", "awaitingDetails")},
        "violations": categories.total(),
        "violationsOutOfService": stopped.total(),
        "byLevel": dict(sorted(levels.items())),
        "byCategory": {name: {"total": categories[name], "outOfService": stopped[name]} for name in sorted(categories)},
        "earliest": first,
        "latest": last,
        "lastChange": change,
        "recent": [_brief(row) for row in recent],
    }


def _brief(row: Content) -> Content:
    names = ("inspectionId", "reportState", "reportNumber", "inspectedOn", "level", "oosTotal")
    violations = row["violations"]
    return {**{name: row[name] for name in names}, "violations": None if violations is None else len(violations)}


class RoadsideSource(RowSource):
    """Roadside inspections of one carrier from the daily files, each with its units and violations.

    Upstream: Vehicle Inspections (fx4q-ay7w), some three years, by USDOT number; Inspection Units (wt8s-2hbx) and Inspection
    Violations (876r-jsdb), by inspection. All are replaced daily.

    Shape: one document per inspection in `collection`, with `units` and `violations`, each None where some are due and none have
    come; counts, and the newest inspections, in `fmcsaData.roadside`.

    Raises:
        SourceError: when a file cannot be read, or is implausibly empty, or units or violations are of a day before the
            inspections.
    """

    name = "roadside"
    owns = ("fmcsaData.roadside",)
    collection = "fmcsaRoadside"
    revision = 1  # raise it when the parsing changes: every company is then due again

    def __init__(self, soda: SodaClient, *, batch_size: int = 200) -> None:
        self._inspections = SodaFile(soda, ROADSIDE, parse_roadside)
        units = SodaFile(soda, UNIT_DATASET, parse_unit)
        violations = SodaFile(soda, VIOLATION_DATASET, parse_roadside_violation)
        self._details = (
            Detail("units", units, lambda unit: (unit["number"] or 0, unit["unitId"] or 0), lambda _: 1),
            Detail(
                "violations",
                violations,
                lambda violation: (violation["sequence"] or 0, violation["violationId"]),
                lambda row: row["violationsTotal"] or 0,
            ),
        )
        super().__init__(soda, [self._inspections, units, violations], batch_size)

    async def read(self, usdots: Sequence[UsdotNumber], *, alone: bool = False) -> Sequence[CarrierRows]:
        """Inspections with their details. Of a batch, those of the carriers with few; the others are left to be read alone."""
        if alone:
            found = await self._inspections.read(usdots)
        else:
            found = lightest(await self._inspections.read_small(usdots), MOST_IN_BATCH)
        return [await with_details(found, "inspectionId", self._details)]

    def estimate(self, companies: int) -> Mapping[str, int]:
        """Three for the versions; for each batch one, and two for every 330 inspections that so many carriers have on average."""
        whole, rest = divmod(companies, self.batch_size)
        sizes = [self.batch_size] * whole + [rest] * (rest > 0)
        return {"soda": len(self.files) + sum(1 + 2 * ceil(size * MEAN_INSPECTIONS / AT_ONCE) for size in sizes)}

    async def documents(self, found: Found) -> Sequence[Document]:
        """One per inspection, under its number."""
        return await documents_of(found.rows[0], lambda row: str(row["inspectionId"]))

    async def summarize(self, found: Found) -> dict[str, Any]:
        """Its counts, and what is new."""
        return await summarize_roadside(found.rows[0])
