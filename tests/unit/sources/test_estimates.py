"""The census of a result file, the document that is kept of it, and what is said of a carrier by it."""

import json
from datetime import UTC, datetime

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import Company, UsdotNumber
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.sources.sms.census import Census, Standing
from fmcsa_orchestrator.sources.sms.estimates import ESTIMATED, SmsEstimates, estimate_fields
from fmcsa_orchestrator.sources.sms.ranking import Cell, Published
from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21
from tests.support.strategies import anything, often

AS_OF = datetime(2026, 11, 12, 7, 5, tzinfo=UTC)
MAINTENANCE, HOS = Basic.VEHICLE_MAINTENANCE, Basic.HOS_COMPLIANCE
RULE = "100*(rank-1)/(n-1), min rank, round; among carriers with violation, classes together"
ERROR = {"median": 1, "p95": 4, "carriers": 812}


def row(**columns):
    return {
        "dot_number": "7", "driver_insp_total": "12", "vehicle_insp_total": "9",
        "hos_driv_insp_w_viol": "3", "hos_driv_measure": ".69",
        "driv_fit_insp_w_viol": "0", "driv_fit_measure": "0",
        "contr_subst_insp_w_viol": "0", "contr_subst_measure": "0",
        "veh_maint_insp_w_viol": "4", "veh_maint_measure": "14.5", **columns,
    }  # fmt: skip


def census(*rows, of="AB"):
    found = Census(of)
    found.add(found.decode(json.dumps(rows).encode()))
    return found


def test_a_row_is_counted_among_its_peers():
    found = census(row(), row(veh_maint_insp_w_viol="5"), row())
    assert found.cells == {
        Cell(HOS, "AB", 2, 2): {69: 3},
        Cell(Basic.DRIVER_FITNESS, "AB", 2, 0): {0: 3},
        Cell(MAINTENANCE, "AB", 1, 1): {1450: 2},
        Cell(MAINTENANCE, "AB", 1, 2): {1450: 1},
    }
    assert (found.carriers, found.unreadable, found.published) == (3, 0, {})


def test_a_percentile_is_taken_where_it_is_one_and_there_are_violations():
    texts = ["4%", "0%", "Less than 5 vehicle inspections with violations", None, " ", "101%"]
    rows = [row(veh_maint_pct=text, hos_driv_pct="12%") for text in texts]
    found = census(*rows, row(driv_fit_pct="0%"), of="C")
    cell = Cell(MAINTENANCE, "C", 1, 1)
    assert found.published == {
        Published(cell, 1450, 4): 1,
        Published(cell, 1450, 0): 1,
        Published(Cell(HOS, "C", 2, 2), 69, 12): len(texts),
    }


@pytest.mark.parametrize(
    "odd",
    [{"veh_maint_measure": "many"}, {"hos_driv_insp_w_viol": "-1"}, {"veh_maint_measure": "1e300"}, {"vehicle_insp_total": []}],
)
def test_a_row_that_cannot_be_understood_is_counted_and_left_out(odd):
    found = census(row(), row(**odd), row())
    assert (found.carriers, found.unreadable) == (2, 1)
    assert found.cells[Cell(MAINTENANCE, "AB", 1, 1)] == {1450: 2}


def test_what_is_not_json_yet_is_waited_for():
    with pytest.raises(ValueError, match="EOF|expected"):
        Census("AB").decode(b'[{"dot_number":"7"')


@often
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8), st.integers(0, 900)), max_size=30), st.integers(1, 7))
def test_in_which_pages_the_rows_come_does_not_matter(carriers, size):
    rows = [
        row(vehicle_insp_total=str(n), veh_maint_insp_w_viol=str(v), veh_maint_measure=str(m / 100), veh_maint_pct=f"{m % 101}%")
        for n, v, m in carriers
    ]
    joined = Census("AB")
    for start in range(0, len(rows), size):
        joined.join(census(*reversed(rows[start : start + size])))
    whole = census(*rows)
    assert (joined.cells, joined.published, joined.carriers) == (whole.cells, whole.published, whole.carriers)


@pytest.mark.parametrize(
    ("basic", "inspections", "with_violations", "expected"),
    [
        (MAINTENANCE, {"vehicle": 4}, 4, (None, 1)), (MAINTENANCE, {"vehicle": 5}, 5, (1, 2)),
        (MAINTENANCE, {"vehicle": 30}, 0, (3, 0)), (MAINTENANCE, {}, 9, (None, 2)), (HOS, {"driver": 3}, 2, (1, 1)),
        (Basic.CONTROLLED_SUBSTANCES_ALCOHOL, {}, 3, (3, 2)), (Basic.CONTROLLED_SUBSTANCES_ALCOHOL, {}, 0, (None, 0)),
    ],
)  # fmt: skip
def test_where_a_carrier_stands(basic, inspections, with_violations, expected):
    assert Standing.of(SMS_3_21.peers[basic], inspections, with_violations) == expected


# --- what is said of a carrier


def document(**changes):
    groups = [{"classes": "AB+C", "group": 1, "carriers": 4, "measures": [100, 200, 500], "counts": [1, 2, 1]}]
    kept = {
        "version": "SMS_3_21.1:1,2,3,4",
        "asOf": AS_OF,
        "rule": RULE,
        "basics": {MAINTENANCE: {"error": ERROR, "groups": groups}},
    }
    return kept | changes


def estimates(**changes):
    found = SmsEstimates([], "fmcsaEstimates")
    found.use(document(**changes))
    return found


def results(measure=2.0, with_violations=5, vehicle=9, **changes):
    value = {"measure": measure, "inspectionsWithViolations": with_violations}
    return {MAINTENANCE: value, "inspections": {"vehicle": vehicle}, "carrierClass": "AB", "dataAsOf": AS_OF} | changes


def test_an_estimate_says_what_it_rests_on():
    assert estimates().of(MAINTENANCE, results()) == {
        "percentile": 33, "group": 1, "rule": RULE, "error": ERROR, "asOf": AS_OF, "reason": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (results(measure=None), "not published"), (results(with_violations=0), "no violations"),
        (results(with_violations=4), "too few inspections"), (results(vehicle=4), "too few inspections"),
        (results(vehicle=11), "nothing published to fit"), (results(dataAsOf=AS_OF.replace(month=10)), "distribution of another SMS run"),
        (results(dataAsOf=None), "not published"), ({}, "not published"),
    ],
)  # fmt: skip
def test_without_an_estimate_the_reason_is_told(found, reason):
    estimate = estimates().of(MAINTENANCE, found)
    assert (estimate["percentile"], estimate["reason"]) == (None, reason)
    assert (estimate["rule"], estimate["error"], estimate["group"]) == (None, None, None)


def test_without_a_distribution_or_a_rule():
    assert SmsEstimates([], "x").of(MAINTENANCE, results())["reason"] == "distribution not read"
    assert estimates(rule=None, basics={}).of(MAINTENANCE, results())["reason"] == "nothing published to fit"
    assert estimates().of(Basic.UNSAFE_DRIVING, results())["reason"] == "segment unknown"


@often
@given(st.dictionaries(st.sampled_from([*Basic, "inspections", "carrierClass", "dataAsOf"]), anything), st.booleans())
def test_whatever_is_stored_of_a_carrier_is_answered(stored, with_values):
    if with_values:
        stored = results() | {MAINTENANCE: {"measure": next(iter(stored.values()), None), "inspectionsWithViolations": 5}}
    company = Company("a", UsdotNumber(7), None, {"fmcsaData": {"csa": stored}})
    fields = estimate_fields(company, estimates())
    assert set(fields) in ({*ESTIMATED}, set())
    assert all(value is None or value in range(101) for path, value in fields.items() if path.startswith("smsBasics"))


@pytest.mark.parametrize("broken", [{"rule": "by dice"}, {"asOf": "today"}, {"basics": {"speed": {"groups": [], "error": {}}}}])
def test_a_document_that_is_not_ours_is_refused_and_the_one_before_stays(broken):
    found = estimates()
    with pytest.raises(ValueError):  # whichever it is: the caller records it, and reads the files again
        found.use(document(**broken))
    assert found.held == document()["version"]


def test_the_mark_tells_whether_the_distribution_is_of_upstreams_state():
    found = estimates()
    assert found.mark == "e"
    found.upstream = "1,2,3,4"
    assert (found.wanted, found.mark) == (found.held, f"e{int(AS_OF.timestamp())}")
    found.upstream = "1,2,3,5"
    assert (found.wanted == found.held, found.mark) == (False, "e")


def test_the_document_of_any_number_of_carriers_fits_into_the_store():
    """As many distinct measures as there can be: each hundredth up to 90, in each of five groups of four BASICs and two classes."""
    measures = list(range(9_001))
    group = {"classes": "AB", "group": 5, "carriers": 600_000, "measures": measures, "counts": [10**6] * len(measures)}
    whole = document(basics={basic: {"error": ERROR, "groups": [group] * 10} for basic in list(Basic)[:4]})
    assert len(bson.encode(whole)) < 8 * 2**20
