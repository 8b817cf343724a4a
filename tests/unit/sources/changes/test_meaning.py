"""What a change of a row or a field means: each type of event, its counterpart, and what is none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, Observation, RowChange, Severity
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.catalogue import EVENT_TYPES
from fmcsa_orchestrator.sources.changes.csa import csa_events
from fmcsa_orchestrator.sources.changes.inspections import inspection_events
from fmcsa_orchestrator.sources.changes.oos_rates import rate_events
from fmcsa_orchestrator.sources.changes.out_of_service_orders import order_events
from fmcsa_orchestrator.sources.changes.violations import violation_events

DAY = datetime(2026, 5, 14, tzinfo=UTC)
INSPECTION = {"reportNumber": "1", "reportState": "OH", "inspectedOn": DAY, "level": 1, "driverOos": 0, "vehicleOos": 0,
              "hazmatOos": 0, "violations": 0, "timeWeight": 3}  # fmt: skip
VIOLATION = {"violationCode": "39395A", "basic": "vehicleMaintenance", "severityWeight": 4, "outOfService": False,
             "unit": "mainVehicle", "uniqueId": "7", "inspectedOn": DAY, "timeWeight": 3}  # fmt: skip
ORDER = {"orderedOn": DAY, "reason": "Unfit", "rescindedOn": None, "state": "inForce"}
PATH = "fmcsaData.csa.unsafeDriving"


def kinds(events):
    return [(event.type, event.severity) for event in events]


@pytest.mark.parametrize(
    ("function", "before", "after", "expected"),
    [
        (inspection_events, None, INSPECTION, [("inspection.added", "info")]),
        (inspection_events, None, {**INSPECTION, "violations": 2}, [("inspection.added", "low")]),
        (inspection_events, None, {**INSPECTION, "violations": 1, "vehicleOos": 1},
         [("inspection.added", "low"), ("inspection.oos_violation", "high")]),
        (inspection_events, INSPECTION, None, [("inspection.removed", "info")]),
        (inspection_events, INSPECTION, {**INSPECTION, "level": 2}, [("inspection.changed", "low")]),
        (inspection_events, INSPECTION, {**INSPECTION, "timeWeight": 2, "anything": "new"}, []),
        (violation_events, None, VIOLATION, [("violation.added", "low")]),
        (violation_events, None, {**VIOLATION, "outOfService": True}, [("violation.added", "medium")]),
        (violation_events, VIOLATION, None, [("violation.removed", "info")]),
        (violation_events, VIOLATION, {**VIOLATION, "timeWeight": 1}, []),
        (order_events, None, ORDER, [("oos_order.issued", "critical")]),
        (order_events, None, {**ORDER, "state": "unreadable", "orderedOn": "soon"}, [("oos_order.issued", "critical")]),
        (order_events, None, {**ORDER, "state": "scheduled"}, [("oos_order.scheduled", "high")]),
        (order_events, None, {**ORDER, "state": "rescinded"}, [("oos_order.rescinded", "info")]),
        (order_events, ORDER, {**ORDER, "state": "rescinded", "rescindedOn": DAY}, [("oos_order.rescinded", "medium")]),
        (order_events, {**ORDER, "state": "scheduled"}, ORDER, [("oos_order.issued", "critical")]),
        (order_events, {**ORDER, "state": "rescinded"}, ORDER, [("oos_order.issued", "critical")]),
        (order_events, ORDER, {**ORDER, "legalName": "ANOTHER"}, []),
        (order_events, ORDER, None, [("oos_order.rescinded", "medium")]),
        (order_events, {**ORDER, "state": "rescinded"}, None, []),
    ],
)  # fmt: skip
def test_what_a_row_means(function, before, after, expected):
    events = list(function(RowChange("7", before, after)))
    assert kinds(events) == expected
    for event in events:
        assert event.key == "7"
        assert event.occurred_on in {DAY, None}
        assert (event.before is None) == (before is None)
        assert (event.after is None) == (after is None)


@pytest.mark.parametrize(
    ("before", "after", "rules", "expected"),
    [
        ({"percentile": 49}, {"percentile": 50}, {}, ["basic.threshold_crossed"]),
        ({"percentile": 50}, {"percentile": 49}, {}, ["basic.cleared"]),
        ({"percentile": 50}, {"percentile": 99}, {}, []),
        ({"percentile": None}, {"percentile": 99}, {}, []),
        ({"percentile": 99}, {"percentile": None}, {}, []),
        ({}, {"percentile": 99}, {}, []),
        ({"percentile": 49}, {"percentile": 50}, {"percentiles": {"unsafeDriving": 70}}, []),
        ({"measure": 1.0}, {"measure": 1.5}, {}, ["basic.measure_changed"]),
        ({"measure": 1.0}, {"measure": None}, {}, []),
        ({"measure": 1.0}, {"measure": 1.5}, {"measures": {"unsafeDriving": 1.2}}, ["basic.measure_changed", "basic.threshold_crossed"]),
        ({"acuteCritical": False}, {"acuteCritical": True}, {}, ["basic.serious_violation"]),
        ({"acuteCritical": None}, {"acuteCritical": True}, {}, []),
    ],
)  # fmt: skip
def test_what_a_basic_means(before, after, rules, expected):
    document = {"fmcsaData": {"csa": {"passengerCarrier": True}}}
    change = FieldChange({PATH: before}, {PATH: after}, document)
    assert [event.type for event in csa_events(change, AlertRules(**rules))] == expected


@pytest.mark.parametrize(("carrier", "threshold"), [({}, 65), ({"passengerCarrier": True}, 50)])
def test_thresholds_go_by_the_kind_of_carrier(carrier, threshold):
    document = {"fmcsaData": {"csa": carrier}}
    for percentile in (threshold - 1, threshold):
        change = FieldChange({PATH: {"percentile": 0}}, {PATH: {"percentile": percentile}}, document)
        assert len(list(csa_events(change, AlertRules()))) == (percentile == threshold)


@pytest.mark.parametrize(
    ("old", "new", "inspections", "points", "expected"),
    [(0.2, 0.3, 9, 5, ["oos_rate.above_average"]), (0.3, 0.2, 9, 5, ["oos_rate.back_to_average"]), (0.2, 0.3, 4, 5, []),
     (0.2, 0.3, 9, None, []), (None, 0.3, 9, 5, []), (0.3, 0.4, 9, 5, [])],
)  # fmt: skip
def test_rates_are_told_of_by_a_rule_only(old, new, inspections, points, expected):
    def side(rate):
        return {"fmcsaData.inspections": {"vehicle": {"oosRate": rate, "nationalAverage": 0.2226, "inspections": inspections}}}

    events = rate_events(FieldChange(side(old), side(new), {}), AlertRules(oos_rate_points=points))
    assert [event.type for event in events] == expected


def test_no_more_data_takes_the_place_of_what_every_event_has():
    event = CarrierEvent("a.b", "7", Severity.LOW, data={"severity": "fatal", "usdot": 1, "more": 2})
    data = Observation("c", 123, "inspections", DAY, DAY).document(event)["data"]
    assert (data["severity"], data["usdot"], data["more"]) == ("low", 123, 2)


def test_every_counterpart_is_a_type_and_severities_have_an_order():
    assert all(kind.opposite in EVENT_TYPES for kind in EVENT_TYPES.values() if kind.opposite)
    assert [one.value for one in sorted(Severity, key=lambda one: one.rank)] == ["info", "low", "medium", "high", "critical"]


@pytest.mark.parametrize(
    "rules", [{"percentiles": {"unsafeDriving": 101}}, {"measures": {"speeding": 1}}, {"least_inspections": 0}, {"x": 1}]
)
def test_rules_that_cannot_be_meant_are_refused(rules):
    with pytest.raises(ValidationError):
        AlertRules(**rules)


ROWS = st.fixed_dictionaries(
    {name: st.integers(0, 3) for name in ("driverOos", "vehicleOos", "hazmatOos", "violations", "level")}
).map(lambda row: {**INSPECTION, **row})


@given(ROWS, ROWS)
def test_the_same_change_has_the_same_id_and_another_another(before, after):
    seen = Observation("c", 123, "inspections", DAY, DAY)
    later = Observation("c", 123, "inspections", datetime(2026, 6, 1, tzinfo=UTC), DAY)
    events = list(inspection_events(RowChange("7", before, after)))
    ids = [seen.document(event)["id"] for event in events]
    assert ids == [later.document(event)["id"] for event in events]  # seen again, as after a sync that was killed
    assert len(ids) == len(set(ids))
    assert not set(ids) & {seen.document(event)["id"] for event in inspection_events(RowChange("8", before, after))}
