"""All types of events, in the order of the documentation."""

from fmcsa_orchestrator.sources.changes import csa, inspections, oos_rates, out_of_service_orders, violations
from fmcsa_orchestrator.sources.changes.event_type import EventType

EVENT_TYPES: dict[str, EventType] = {
    kind.name: kind for module in (csa, violations, inspections, oos_rates, out_of_service_orders) for kind in module.TYPES
}
"""Each type by its name."""
