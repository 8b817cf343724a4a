"""One row of an SMS result file: inspections, and per BASIC the measure, the flags and, for passenger carriers, a percentile."""

import re
from functools import lru_cache
from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.sources.soda.columns import Content, Count, Measure, RowParser, Usdot

PREFIXES = {
    Basic.UNSAFE_DRIVING: "unsafe_driv",
    Basic.HOS_COMPLIANCE: "hos_driv",
    Basic.DRIVER_FITNESS: "driv_fit",
    Basic.CONTROLLED_SUBSTANCES_ALCOHOL: "contr_subst",
    Basic.VEHICLE_MAINTENANCE: "veh_maint",
}
_TOTALS = "dot_number insp_total driver_insp_total driver_oos_insp_total vehicle_insp_total vehicle_oos_insp_total"
RESULT_COLUMNS = frozenset(_TOTALS.split()).union(*({f"{p}_insp_w_viol", f"{p}_measure", f"{p}_ac"} for p in PREFIXES.values()))
RESULT_NUMBERS = frozenset(_TOTALS.split()[1:]).union(*({f"{p}_insp_w_viol", f"{p}_measure"} for p in PREFIXES.values()))
PERCENTILE_COLUMNS = frozenset[str]().union(
    *({f"{p}_pct", f"{p}_rd_alert", f"{p}_basic_alert"} for p in PREFIXES.values()),
)

_PERCENT = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*%?\s*", re.ASCII)
# FMCSA's reasons for publishing no percentile, by words that stand in them, and our name of each.
_REASONS = (
    ("not public", "not_public"),
    ("inconclusive", "inconclusive"),
    ("no violation", "no_violations"),
    ("less than", "insufficient_data"),
    ("insufficient", "insufficient_data"),
)


class TotalsRow(TypedDict, total=False):
    """Inspections by kind, with those that ended in an out-of-service order."""

    usdot: Required[Annotated[Usdot, Field(validation_alias="dot_number")]]
    total: Annotated[Count, Field(validation_alias="insp_total")]
    driver: Annotated[Count, Field(validation_alias="driver_insp_total")]
    driverOos: Annotated[Count, Field(validation_alias="driver_oos_insp_total")]
    vehicle: Annotated[Count, Field(validation_alias="vehicle_insp_total")]
    vehicleOos: Annotated[Count, Field(validation_alias="vehicle_oos_insp_total")]


# Of each BASIC: our field, how its column's name ends, its type. `acuteCritical`: a serious violation found in an
# investigation; not an alert.
_BASIC_COLUMNS = (
    ("measure", "measure", Measure),
    ("percentileText", "pct", str),
    ("inspectionsWithViolations", "insp_w_viol", Count),
    ("acuteCritical", "ac", bool),
    ("roadsideAlert", "rd_alert", bool),
    ("basicAlert", "basic_alert", bool),
)
_BasicColumns = TypedDict(  # type: ignore[misc]  # the functional form, since the columns differ by prefix only
    "_BasicColumns", {f"{prefix}_{end}": kind for prefix in PREFIXES.values() for _, end, kind in _BASIC_COLUMNS}, total=False
)


class _FlatRow(TotalsRow, _BasicColumns, total=False):
    """One row with the columns of the BASICs under their own names."""


def _by_basic(row: Content) -> Content:
    basics = {
        basic: {field: row.pop(f"{prefix}_{end}") for field, end, _ in _BASIC_COLUMNS} for basic, prefix in PREFIXES.items()
    }
    return {"usdot": row.pop("usdot"), "inspections": row, "basics": basics}


parse_result = RowParser(_FlatRow, _by_basic)  # of one carrier's row: `usdot`, `inspections`, and `basics` by `Basic`


@lru_cache(maxsize=512)
def parse_percentile(text: str | None) -> tuple[str, float | None]:
    """What stands for a percentile -> (status, percentile 0-100 or None); texts we do not know are "other"."""
    if text is None or not text.strip():
        return "not_published", None
    if match := _PERCENT.fullmatch(text):
        value = float(match[1])
        return ("published", int(value) if value.is_integer() else value) if value <= 100 else ("other", None)
    return next((status for words, status in _REASONS if words in text.lower()), "other"), None
