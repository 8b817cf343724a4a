"""What the SMS results say of one carrier, worked out from its inspections and violations."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from random import Random

from fmcsa_orchestrator.testing.fmcsa.carrier_rows import MadeRows
from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import (
    BASICS,
    PASSENGER_RESULTS,
    RESULTS,
    SMS_COLUMNS,
    UNSAFE_DRIVING,
    VEHICLE_MAINTENANCE,
    Row,
    SmsBasic,
)
from fmcsa_orchestrator.testing.fmcsa.violation_codes import LEVELS_WITH_DRIVER, LEVELS_WITH_VEHICLE

_SEVERITY_CAP = 30  # per inspection and BASIC
_TOO_FEW_WITH_VIOLATIONS = "Less than 5 vehicle inspections with violations"


def result_datasets(carrier: Carrier) -> tuple[str, ...]:
    """The result files that list the carrier."""
    if carrier.kind == "unknown":
        return ()
    everyone = RESULTS[carrier.file_class]
    return (everyone, PASSENGER_RESULTS[carrier.file_class]) if carrier.passenger else (everyone,)


def result_rows(carrier: Carrier, rows: MadeRows, seed: int) -> dict[str, list[Row]]:
    """Its row in each of those files."""
    rng = Random(f"{seed}:{carrier.usdot}:results")
    row = {"dot_number": str(carrier.usdot), **_totals(rows.inspections)}
    for basic in BASICS:
        if basic.prefix:
            serious = rng.random() < 0.05
            row |= {f"{basic.prefix}_{ending}": text for ending, text in _basic(basic, rows, serious=serious).items()}
    return {dataset: [{column: row[column] for column in SMS_COLUMNS[dataset]}] for dataset in result_datasets(carrier)}


def _totals(inspections: Sequence[Row]) -> Row:
    driver = [row for row in inspections if row["insp_level_id"] in LEVELS_WITH_DRIVER]
    vehicle = [row for row in inspections if row["insp_level_id"] in LEVELS_WITH_VEHICLE]
    return {
        "insp_total": str(len(inspections)),
        "driver_insp_total": str(len(driver)),
        "driver_oos_insp_total": _count(driver, lambda row: row["driver_oos_total"] != "0"),
        "vehicle_insp_total": str(len(vehicle)),
        "vehicle_oos_insp_total": _count(vehicle, lambda row: row["vehicle_oos_total"] != "0"),
    }


def _count(rows: Iterable[Row], fits: Callable[[Row], bool]) -> str:
    return str(sum(map(fits, rows)))


def _basic(basic: SmsBasic, rows: MadeRows, *, serious: bool) -> Row:
    """The columns of one BASIC, by ending."""
    inspections = [row for row in rows.inspections if basic.inspected in row]
    with_violations = sum(row[basic.counted] != "0" for row in inspections)
    measure = _measure(basic, inspections, rows.violations)
    percentile = round(100 * measure / (measure + basic.median))
    reason = _no_percentile(basic, len(inspections), with_violations)
    alert = reason is None and percentile >= basic.threshold
    return {
        "insp_w_viol": str(with_violations),
        "measure": spell_measure(measure),
        "pct": reason or f"{percentile}%",
        "rd_alert": _yes_no(alert),
        "ac": _yes_no(serious),
        "basic_alert": _yes_no(alert or serious),
    }


def _measure(basic: SmsBasic, inspections: Sequence[Row], violations: Iterable[Row]) -> float:
    """Weighted severity per weighted inspection; for unsafe driving per vehicle seen instead."""
    severity: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in violations:
        if row["basic_desc"] == basic.name:
            severity[row["unique_id"], row["time_weight"]] += int(row["total_severity_wght"])
    points = sum(min(total, _SEVERITY_CAP) * int(time_weight) for (_, time_weight), total in severity.items())
    if basic is UNSAFE_DRIVING:
        return points / max(1, len({row.get("vin") for row in inspections}))
    return points / max(1, sum(int(row["time_weight"]) for row in inspections))


def _no_percentile(basic: SmsBasic, inspections: int, with_violations: int) -> str | None:
    """Why there is none, if so."""
    if inspections < basic.enough:
        return basic.too_few
    if basic is VEHICLE_MAINTENANCE and with_violations < 5:
        return _TOO_FEW_WITH_VIOLATIONS
    return None


def _yes_no(value: bool) -> str:
    return "Y" if value else "N"


def spell_measure(measure: float) -> str:
    """Two decimals at most, nothing before the point below 1: "14.5", ".02", "0"."""
    return f"{measure:.2f}".rstrip("0").rstrip(".").lstrip("0") or "0"
