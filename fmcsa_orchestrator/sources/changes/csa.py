"""BASICs that cross a threshold, get other measures, or have a serious violation; out-of-service rates above the average."""

from collections.abc import Iterator, Mapping
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, Severity
from fmcsa_orchestrator.model.documents import as_number, as_object, dig
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.event_type import EventType

CROSSED = EventType(
    "basic.threshold_crossed",
    Severity.HIGH,
    "A BASIC's percentile, or its measure where a rule has a limit for it, is at or above the threshold, and was not.",
    opposite="basic.cleared",
)
CLEARED = EventType("basic.cleared", Severity.INFO, "It is below the threshold again.", opposite="basic.threshold_crossed")
MEASURE = EventType("basic.measure_changed", Severity.INFO, "A BASIC's measure is another one. Low where it is worse.")
SERIOUS = EventType(
    "basic.serious_violation",
    Severity.CRITICAL,
    "An investigation has found a serious (acute or critical) violation in this BASIC within the last 12 months.",
)
TYPES = (CROSSED, CLEARED, MEASURE, SERIOUS)

_FOLDER = "fmcsaData.csa"


def csa_events(change: FieldChange, rules: AlertRules) -> Iterator[CarrierEvent]:
    """What it means. A value that is not known, before or now, is no change."""
    passenger = dig(change.document, f"{_FOLDER}.passengerCarrier") is True
    hazmat = dig(change.document, "fmcsaData.registration.hazmat") is True
    for basic in Basic:
        path = f"{_FOLDER}.{basic}"
        before, after = as_object(change.before.get(path)), as_object(change.after.get(path))
        yield from _measure_event(basic, before, after)
        limits = {"percentile": rules.percentile(basic, passenger=passenger, hazmat=hazmat), "measure": rules.measures.get(basic)}
        for what, limit in limits.items():
            if limit is not None:
                yield from _crossing(basic, what, limit, as_number(before.get(what)), as_number(after.get(what)))
        if after.get("acuteCritical") is True and before.get("acuteCritical") is False:
            yield SERIOUS.event(basic.value, before=False, after=True, data={"basic": basic.value})


def _measure_event(basic: Basic, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CarrierEvent]:
    old, new = as_number(before.get("measure")), as_number(after.get("measure"))
    if old is not None and new is not None and old != new:
        severity = Severity.LOW if new > old else None
        yield MEASURE.event(basic.value, severity=severity, before=old, after=new, data={"basic": basic.value})


def _crossing(basic: Basic, what: str, limit: float, old: float | None, new: float | None) -> Iterator[CarrierEvent]:
    if old is None or new is None or (old >= limit) == (new >= limit):
        return
    kind = CROSSED if new >= limit else CLEARED
    data = {"basic": basic.value, "of": what, "threshold": limit}
    yield kind.event(f"{basic.value}.{what}", before=old, after=new, data=data)
