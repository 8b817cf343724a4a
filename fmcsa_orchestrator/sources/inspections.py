"""Roadside inspections: every row of SMS Input - Inspection of a carrier, and its out-of-service rates."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Required

from pydantic import Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, RowChange
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.inspections import inspection_events
from fmcsa_orchestrator.sources.changes.oos_rates import rate_events
from fmcsa_orchestrator.sources.sms.dates import SmsDate, two_years_after
from fmcsa_orchestrator.sources.soda.columns import Content, Count, RowParser, Usdot
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.sources.soda.kept_rows import slices
from fmcsa_orchestrator.sources.soda.row_documents import documents_of
from fmcsa_orchestrator.sources.soda.source import Found, RowSource

REVISION = 2  # raise it when the parsing changes: every company is then due again
DATASET = Dataset(
    "rbkj-cgst",
    "SMS Input - Inspection",
    frozenset(
        "unique_id report_number report_state dot_number insp_date insp_level_id county_code_state time_weight "
        "driver_oos_total vehicle_oos_total total_hazmat_sent oos_total hazmat_oos_total hazmat_placard_req "
        "unit_type_desc unit_make unit_license unit_license_state vin unit_decal_number "
        "unit_type_desc2 unit_make2 unit_license2 unit_license_state2 vin2 unit_decal_number2 "
        "unsafe_insp fatigued_insp dr_fitness_insp subt_alcohol_insp vh_maint_insp hm_insp "
        "basic_viol unsafe_viol fatigued_viol dr_fitness_viol subt_alcohol_viol vh_maint_viol hm_viol".split()
    ),
    numbers=frozenset(
        "unique_id report_number insp_level_id time_weight driver_oos_total vehicle_oos_total total_hazmat_sent oos_total "
        "hazmat_oos_total basic_viol unsafe_viol fatigued_viol dr_fitness_viol subt_alcohol_viol vh_maint_viol hm_viol".split()
    ),
)

# The levels in which SMS counts a driver, or a vehicle, as inspected (SMS Methodology, "relevant inspections").
DRIVER_LEVELS = frozenset({1, 2, 3, 6})
VEHICLE_LEVELS = frozenset({1, 2, 5, 6})
_LEVELS = range(1, 9)  # 7 and 8 are not roadside inspections of SMS, but might turn up
# Share of inspections with an out-of-service order, all carriers; driver and vehicle as of 2026, hazmat 2009-2010.
NATIONAL_AVERAGES = {"driver": 0.0667, "vehicle": 0.2226, "hazmat": 0.045}


class InspectionRow(TypedDict, total=False):
    """One row: our field <- the file's column. Totals are counts, `inspectedOn` is midnight UTC of the day.

    `reportState` "US" is a federal inspector. `relevantFor…` is SMS's own mark that the inspection counts in that BASIC.
    """

    usdot: Required[Annotated[Usdot, Field(validation_alias="dot_number")]]
    uniqueId: Required[Annotated[str, Field(validation_alias="unique_id")]]
    reportNumber: Annotated[str, Field(validation_alias="report_number")]
    reportState: Annotated[str, Field(validation_alias="report_state")]
    inspectedOn: Required[Annotated[SmsDate, Field(validation_alias="insp_date")]]
    level: Annotated[Count, Field(validation_alias="insp_level_id")]
    countyState: Annotated[str, Field(validation_alias="county_code_state")]
    timeWeight: Annotated[Count, Field(validation_alias="time_weight")]
    driverOos: Annotated[Count, Field(validation_alias="driver_oos_total")]
    vehicleOos: Annotated[Count, Field(validation_alias="vehicle_oos_total")]
    hazmatOos: Annotated[Count, Field(validation_alias="hazmat_oos_total")]
    oosTotal: Annotated[Count, Field(validation_alias="oos_total")]
    hazmatSent: Annotated[Count, Field(validation_alias="total_hazmat_sent")]
    hazmatPlacardRequired: Annotated[str, Field(validation_alias="hazmat_placard_req")]
    relevantForUnsafeDriving: Annotated[bool, Field(validation_alias="unsafe_insp")]
    relevantForHoursOfService: Annotated[bool, Field(validation_alias="fatigued_insp")]
    relevantForDriverFitness: Annotated[bool, Field(validation_alias="dr_fitness_insp")]
    relevantForControlledSubstances: Annotated[bool, Field(validation_alias="subt_alcohol_insp")]
    relevantForVehicleMaintenance: Annotated[bool, Field(validation_alias="vh_maint_insp")]
    relevantForHazmat: Annotated[bool, Field(validation_alias="hm_insp")]
    violations: Annotated[Count, Field(validation_alias="basic_viol")]
    unsafeDrivingViolations: Annotated[Count, Field(validation_alias="unsafe_viol")]
    hoursOfServiceViolations: Annotated[Count, Field(validation_alias="fatigued_viol")]
    driverFitnessViolations: Annotated[Count, Field(validation_alias="dr_fitness_viol")]
    controlledSubstancesViolations: Annotated[Count, Field(validation_alias="subt_alcohol_viol")]
    vehicleMaintenanceViolations: Annotated[Count, Field(validation_alias="vh_maint_viol")]
    hazmatViolations: Annotated[Count, Field(validation_alias="hm_viol")]


# The columns of one unit; those of the second, usually a trailer, end in 2.
_UNIT_COLUMNS = {
    "type": "unit_type_desc",
    "make": "unit_make",
    "license": "unit_license",
    "licenseState": "unit_license_state",
    "vin": "vin",
    "decalNumber": "unit_decal_number",
}
_UNITS = [[(field, column + suffix) for field, column in _UNIT_COLUMNS.items()] for suffix in ("", "2")]
# By the functional form, since the units' columns differ by their suffix only; a type checker cannot follow it.
_UnitColumns = TypedDict("_UnitColumns", {column: str for unit in _UNITS for _, column in unit}, total=False)  # type: ignore[misc]  # as said


class _FlatRow(InspectionRow, _UnitColumns, total=False):
    """One row with the columns of its units under their own names."""


def _with_units(row: Content) -> Content:
    """The row with the units that it names."""
    units = ({field: row.pop(column) for field, column in unit} for unit in _UNITS)
    row["units"] = [unit for unit in units if any(unit.values())]
    return row


parse_inspection = RowParser(_FlatRow, _with_units, begins_with="unique_id")


async def inspection_documents(rows: Sequence[Content]) -> Sequence[Document]:
    """One document per inspection; its id is SMS's `unique_id`, to which violations join."""
    return await documents_of(rows, lambda row: str(row["uniqueId"]), until=lambda row: two_years_after(row["inspectedOn"]))


async def summarize_inspections(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`fmcsaData.inspections`: counts per kind and BASIC, out-of-service counts and rates beside the national averages.

    An inspection counts as one of a driver, of a vehicle, by its level, as one of hazmat, and as relevant in a BASIC, where SMS
    marks it so; it is out of service when at least one order was given. Rates run from 0 to 1, and are None where nothing was
    inspected.
    """
    levels: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    by_basic = {basic: _OfBasic() for basic in _BASIC_FIELDS}
    latest = None
    async for part in slices(rows):
        levels.update([str(row["level"]) if row["level"] in _LEVELS else "other" for row in part if row["level"] is not None])
        counts["withViolations"] += sum(bool(row["violations"]) for row in part)
        counts["violations"] += sum(row["violations"] or 0 for row in part)
        latest = max([row["inspectedOn"] for row in part] + ([latest] if latest else []))
        for kind, oos_field, is_relevant in _KINDS:
            relevant = [row for row in part if is_relevant(row)]
            counts[kind] += len(relevant)
            counts[oos_field] += sum(bool(row[oos_field]) for row in relevant)
        for basic, (flag, named) in _BASIC_FIELDS.items():
            by_basic[basic].add(part, flag, named)
    return {
        "total": len(rows),
        "withViolations": counts["withViolations"],
        "violations": counts["violations"],
        "byLevel": dict(sorted(levels.items())),
        "byBasic": {basic.value: found.summary() for basic, found in by_basic.items()},
        **{kind: _rate(kind, counts[kind], counts[oos_field]) for kind, oos_field, _ in _KINDS},
        "latest": latest,
    }


# By BASIC: SMS's mark that the inspection is relevant, and the number of violations that the inspection names.
_BASIC_FIELDS = {
    basic: (f"relevantFor{basic.value[0].upper()}{basic.value[1:]}", f"{basic.value}Violations")
    for basic in Basic
    if basic is not Basic.CRASH_INDICATOR
}


class _OfBasic:
    """What inspections are in one BASIC: how many are relevant, their time weights, the violations that all of them name."""

    def __init__(self) -> None:
        self._relevant = self._time_weight = self._violations = 0
        self._is_weighted = True

    def add(self, part: Sequence[Mapping[str, Any]], flag: str, named: str) -> None:
        weights = [row["timeWeight"] for row in part if row[flag]]
        self._relevant += len(weights)
        self._is_weighted = self._is_weighted and None not in weights
        self._time_weight += sum(filter(None, weights))
        self._violations += sum([row[named] or 0 for row in part])

    def summary(self) -> dict[str, Any]:
        time_weight = self._time_weight if self._is_weighted else None
        return {"relevant": self._relevant, "relevantTimeWeight": time_weight, "violations": self._violations}


_KINDS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("driver", "driverOos", lambda row: row["level"] in DRIVER_LEVELS),
    ("vehicle", "vehicleOos", lambda row: row["level"] in VEHICLE_LEVELS),
    ("hazmat", "hazmatOos", lambda row: row["relevantForHazmat"] is True),
)


def _rate(kind: str, inspections: int, out_of_service: int) -> dict[str, Any]:
    return {
        "inspections": inspections,
        "outOfService": out_of_service,
        "oosRate": round(out_of_service / inspections, 4) if inspections else None,
        "nationalAverage": NATIONAL_AVERAGES[kind],
    }


class InspectionsSource(RowSource):
    """Roadside inspections of one carrier, clean ones too.

    Upstream: SMS Input - Inspection, dataset rbkj-cgst; SMS keeps 24 months, replaced monthly.

    Shape: one document per inspection in `collection`, counts and rates in `fmcsaData.inspections`.

    Raises:
        SourceError: when the file cannot be read, or is implausibly empty.
    """

    name = "inspections"
    owns = ("fmcsaData.inspections",)
    registry = "sms"
    revision = REVISION

    def __init__(self, soda: SodaClient, *, collection: str = "fmcsaInspections", batch_size: int = 200) -> None:
        super().__init__(soda, [SodaFile(soda, DATASET, parse_inspection)], batch_size)
        self.collection = collection

    async def documents(self, found: Found) -> Sequence[Document]:
        """One per row."""
        return await inspection_documents(found.rows[0])

    async def summarize(self, found: Found) -> dict[str, Any]:
        """Its totals."""
        return await summarize_inspections(found.rows[0])

    def field_events(self, change: FieldChange, rules: AlertRules) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return rate_events(change, rules)

    def row_events(self, change: RowChange) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return inspection_events(change)
