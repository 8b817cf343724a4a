"""Out-of-service rates that rise above the national average, by a rule of the host's."""

from collections.abc import Iterator, Mapping
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, Severity
from fmcsa_orchestrator.model.documents import as_number, as_object
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.event_type import EventType

ABOVE = EventType(
    "oos_rate.above_average",
    Severity.MEDIUM,
    "The share of inspections of a kind that ended in an out-of-service order is as far above the national average as a rule "
    "says, and was not. Without that rule it is never told.",
    opposite="oos_rate.back_to_average",
)
BACK = EventType("oos_rate.back_to_average", Severity.INFO, "It no longer is.", opposite="oos_rate.above_average")
TYPES = (ABOVE, BACK)

_FIELD = "fmcsaData.inspections"
_KINDS = ("driver", "vehicle", "hazmat")


def rate_events(change: FieldChange, rules: AlertRules) -> Iterator[CarrierEvent]:
    """What it means; with too few inspections, before or now, no rate is known."""
    before, after = as_object(change.before.get(_FIELD)), as_object(change.after.get(_FIELD))
    for kind in _KINDS:
        old, new = (_above(as_object(side.get(kind)), rules) for side in (before, after))
        if old is None or new is None or old == new:
            continue
        what = ABOVE if new else BACK
        rate = {name: side[kind]["oosRate"] for name, side in (("before", before), ("after", after))}
        data = {"kind": kind, "nationalAverage": after[kind]["nationalAverage"], "inspections": after[kind]["inspections"]}
        yield what.event(f"{kind}.oosRate", before=rate["before"], after=rate["after"], data=data)


def _above(kind: Mapping[str, Any], rules: AlertRules) -> bool | None:
    rate, average, inspections = (as_number(kind.get(name)) for name in ("oosRate", "nationalAverage", "inspections"))
    if rules.oos_rate_points is None or rate is None or average is None or (inspections or 0) < rules.least_inspections:
        return None
    return bool((rate - average) * 100 >= rules.oos_rate_points)
