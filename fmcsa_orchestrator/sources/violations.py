"""Roadside violations: every row of SMS Input - Violation of a carrier, and their totals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Required

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.sources.changes.violations import violation_events
from fmcsa_orchestrator.sources.sms.dates import SmsDate, two_years_after
from fmcsa_orchestrator.sources.sms.measures import SeverityByInspection
from fmcsa_orchestrator.sources.sms.titles import UNKNOWN, BasicKey, own_name
from fmcsa_orchestrator.sources.soda.columns import Content, Count, RowParser, Usdot
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.sources.soda.kept_rows import slices
from fmcsa_orchestrator.sources.soda.row_documents import documents_of
from fmcsa_orchestrator.sources.soda.source import Found, RowSource

REVISION = 3  # raise it when the parsing changes: every company is then due again
DATASET = Dataset(
    "8mt8-2mdr",
    "SMS Input - Violation",
    frozenset(
        "unique_id insp_date dot_number viol_code basic_desc oos_indicator oos_weight severity_weight time_weight "
        "total_severity_wght section_desc group_desc viol_unit".split()
    ),
)
BASICS = frozenset(basic.value for basic in Basic)
MOST_NAMES = 20  # of BASICs that we do not know: a bound for the document, should each row come with a title of its own
UNITS = {"1": "mainVehicle", "2": "secondaryVehicle", "D": "driver", "C": "coDriver"}


class ViolationRow(TypedDict, total=False):
    """One row: our field <- the file's column. Weights are dimensionless, `inspectedOn` is midnight UTC of the day.

    `totalSeverityWeight` is severity plus out-of-service weight, before the time weight. There is no row key upstream: the
    same violation may lawfully stand twice in one inspection.
    """

    usdot: Required[Annotated[Usdot, Field(validation_alias="dot_number")]]
    uniqueId: Required[Annotated[str, Field(validation_alias="unique_id")]]
    inspectedOn: Required[Annotated[SmsDate, Field(validation_alias="insp_date")]]
    violationCode: Annotated[str, Field(validation_alias="viol_code")]
    basic: Annotated[BasicKey, Field(validation_alias="basic_desc")]
    basicDescription: Annotated[str, Field(validation_alias="basic_desc")]
    outOfService: Annotated[bool, Field(validation_alias="oos_indicator")]
    oosWeight: Annotated[Count, Field(validation_alias="oos_weight")]
    severityWeight: Annotated[Count, Field(validation_alias="severity_weight")]
    timeWeight: Annotated[Count, Field(validation_alias="time_weight")]
    totalSeverityWeight: Annotated[Count, Field(validation_alias="total_severity_wght")]
    description: Annotated[str, Field(validation_alias="section_desc")]
    group: Annotated[str, Field(validation_alias="group_desc")]
    unitCode: Annotated[str, Field(validation_alias="viol_unit")]
    unit: Annotated[str, AfterValidator(lambda code: UNITS.get(code, "unknown")), Field(validation_alias="viol_unit")]


parse_violation = RowParser(ViolationRow, begins_with="unique_id")


async def violation_documents(rows: Sequence[Content]) -> Sequence[Document]:
    """One document per row; its id is inspection, code, unit and an ordinal among rows equal in these."""

    def key(row: Content) -> str:
        return f"{row['uniqueId']}:{row['violationCode']}:{row['unitCode']}"

    return await documents_of(rows, key, first=":1", until=lambda row: two_years_after(row["inspectedOn"]))


async def summarize_violations(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`fmcsaData.violations`: totals, by BASIC, out of service, weights; each violation is counted under one BASIC.

    A zero here is a fact: the file was read to the end and has no such row.
    """
    violations: Counter[str] = Counter()
    out_of_service: Counter[str] = Counter()
    severity = SeverityByInspection()
    latest = None
    async for part in slices(rows):
        names = [row["basic"] if row["basic"] in BASICS else own_name(row["basicDescription"]) for row in part]
        violations.update(names)
        out_of_service.update([name for name, row in zip(names, part, strict=True) if row["outOfService"]])
        severity.add(
            (row["uniqueId"], name if name in BASICS else None, row["totalSeverityWeight"], row["timeWeight"])
            for name, row in zip(names, part, strict=True)
        )
        latest = max([row["inspectedOn"] for row in part] + ([latest] if latest else []))
    return {
        "total": violations.total(),
        "outOfService": out_of_service.total(),
        "inspectionsWithViolations": len(severity),
        "byBasic": _by_basic(violations, out_of_service, severity),
        "latest": latest,
    }


def _by_basic(violations: Counter[str], out_of_service: Counter[str], severity: SeverityByInspection) -> dict[str, Any]:
    """The BASICs that the file may have, then those that we do not know: the most frequent by name, the rest as "unknown"."""
    basics = [basic.value for basic in Basic if basic is not Basic.CRASH_INDICATOR or violations[basic]]
    others = sorted(violations.keys() - BASICS - {UNKNOWN}, key=lambda name: (-violations[name], name))
    for name in others[MOST_NAMES:]:
        violations[UNKNOWN] += violations[name]
        out_of_service[UNKNOWN] += out_of_service[name]
    shown = basics + sorted(others[:MOST_NAMES]) + ([UNKNOWN] if violations[UNKNOWN] else [])
    by_basic: dict[str, Any] = {name: {"total": violations[name], "outOfService": out_of_service[name]} for name in shown}
    for name in basics:
        weights = severity.of(name)
        by_basic[name] |= {"inspections": weights.inspections, "weightedSeverity": weights.weighted}
    return by_basic


class ViolationsSource(RowSource):
    """Roadside violations of one carrier.

    Upstream: SMS Input - Violation, dataset 8mt8-2mdr; SMS keeps 24 months, replaced monthly.

    Shape: one document per row in `collection`, totals in `fmcsaData.violations`; no rows means none on record.

    Raises:
        SourceError: when the file cannot be read, or is implausibly empty.
    """

    name = "violations"
    owns = ("fmcsaData.violations",)
    registry = "sms"
    revision = REVISION

    def __init__(self, soda: SodaClient, *, collection: str = "fmcsaViolations", batch_size: int = 200) -> None:
        super().__init__(soda, [SodaFile(soda, DATASET, parse_violation)], batch_size)
        self.collection = collection

    async def documents(self, found: Found) -> Sequence[Document]:
        """One per row."""
        return await violation_documents(found.rows[0])

    async def summarize(self, found: Found) -> dict[str, Any]:
        """Its totals."""
        return await summarize_violations(found.rows[0])

    def row_events(self, change: RowChange) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return violation_events(change)
