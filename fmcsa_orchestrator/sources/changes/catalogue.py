"""All types of events, in the order of the documentation."""

from fmcsa_orchestrator.sources.changes import (
    authority,
    crashes,
    csa,
    inspections,
    insurance,
    oos_rates,
    out_of_service_orders,
    registration,
    violations,
)
from fmcsa_orchestrator.sources.changes.event_type import EventType

EVENT_TYPES: dict[str, EventType] = {
    kind.name: kind
    for module in (csa, violations, inspections, oos_rates, registration, crashes, out_of_service_orders, authority, insurance)
    for kind in module.TYPES
}
"""Each type by its name."""
