"""What is kept of each SMS run, for as long as people want to look back. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.documents import as_object, dig
from fmcsa_orchestrator.model.fmcsa import Basic

_OF_BASIC = ("measure", "percentile", "percentileStatus", "inspectionsWithViolations", "acuteCritical", "basicAlert", "estimate")


def run_entry(document: Mapping[str, Any]) -> tuple[datetime, dict[str, Any]] | None:
    """The day of the SMS run that the document's scores are of, and what is kept of it; None where the carrier is in none.

    Shape: `basics.<basic>` with measure, percentile (0-100) and what explains them; `rates.<kind>` with out-of-service rates
    (0 to 1) beside the national averages; counts of inspections, violations and crashes.
    """
    csa = as_object(dig(document, "fmcsaData.csa"))
    as_of = csa.get("dataAsOf")
    if not isinstance(as_of, datetime) or csa.get("carrierClass") is None:
        return None
    inspections, violations = (as_object(dig(document, f"fmcsaData.{name}")) for name in ("inspections", "violations"))
    return as_of, {
        "basics": {basic.value: _kept(as_object(csa.get(basic.value))) for basic in Basic},
        "rates": {kind: as_object(inspections.get(kind)) for kind in ("driver", "vehicle", "hazmat")},
        "inspections": inspections.get("total"),
        "violations": violations.get("total"),
        "outOfServiceViolations": violations.get("outOfService"),
        "crashes": dig(document, "fmcsaData.crashes.total"),
    }


def _kept(basic: Mapping[str, Any]) -> dict[str, Any]:
    return {name: basic[name] for name in _OF_BASIC if name in basic}
