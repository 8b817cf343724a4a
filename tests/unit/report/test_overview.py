"""What the status shows, prepared from documents: states, thresholds, reasons, rates; and whatever a document holds, no crash."""

import json
from datetime import timedelta

import pytest

from fmcsa_orchestrator.model.fmcsa import INTERVENTION_THRESHOLDS, Basic
from fmcsa_orchestrator.model.text import printable
from fmcsa_orchestrator.report.freshness import company_state, source_names, source_views
from fmcsa_orchestrator.report.overview import as_json, cutoff_of, make_overview
from fmcsa_orchestrator.report.safety import safety_view
from fmcsa_orchestrator.report.wording import age, counted, dollars, duration, number, percent, spaced, tally
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, SourceCounts, State, StateCounts
from tests.support.status_samples import BROKEN, HOSTILE, NOW, SOURCES, company, failing, source, with_safety

CUTOFF = cutoff_of(NOW, 48)


@pytest.mark.parametrize(
    ("document", "state"),
    [
        (company(1, 47), State.FRESH),
        (company(1, 48), State.FRESH),
        (company(1, 49), State.STALE),
        (failing(1), State.FAILING),
        (failing(1, 400), State.FAILING),
        ({"_id": 1, "dotNumber": 5}, State.NEVER),
    ],
)
def test_a_company_is_in_one_state(document, state):
    assert company_state(document, CUTOFF) is state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (source("unchanged", 1), State.FRESH),
        (source("not_found", 47), State.FRESH),
        (source("changed", 49), State.STALE),
        (source("skipped", None), State.STALE),
        (source("failed", 1), State.FAILING),
        (source("timed_out", None), State.FAILING),
        (source("unavailable", 1), State.FAILING),
        ({}, State.NEVER),
        (None, State.NEVER),
    ],
)
def test_a_source_is_judged_by_its_own_success_not_by_upstreams_date(status, state):
    document = company(1, violations=status)
    assert [view.state for view in source_views(document, ["violations"], CUTOFF)] == [state]


def test_sources_of_the_host_come_after_the_built_in_ones_and_only_by_fit_names():
    documents = [company(1, scoring=source()), BROKEN[5], company(2, drivers=source())]
    assert source_names(documents, SOURCES) == [*SOURCES, "drivers", "scoring"]


def test_percentiles_against_the_threshold_of_this_kind_of_carrier():
    basics = {basic.basic: basic for basic in safety_view(with_safety(company(1))).basics}
    unsafe, hours = basics[Basic.UNSAFE_DRIVING], basics[Basic.HOS_COMPLIANCE]
    assert (unsafe.percentile, unsafe.threshold, unsafe.threshold_by, unsafe.exceeds) == (50, 50, "passenger", True)
    assert (hours.percentile, hours.exceeds, hours.reason) == (49.5, False, None)
    assert (unsafe.acute_critical, unsafe.violations, unsafe.out_of_service) == (True, 4, 1)
    fitness = basics[Basic.DRIVER_FITNESS]
    assert (fitness.threshold, fitness.threshold_by, fitness.exceeds) == (75, "QCMobile", None)
    assert (fitness.reason, basics[Basic.CRASH_INDICATOR].reason) == ("Less than 3 driver inspections", "not public")
    assert len(basics) == 7


def test_other_carriers_have_the_general_thresholds():
    document = with_safety(company(1))
    for passenger in (False, None):
        document["fmcsaData"]["csa"] |= {"passengerCarrier": passenger, "driverFitness": {}}
        view = safety_view(document)
        assert view.passenger is passenger
        assert {basic.basic: basic.threshold for basic in view.basics} == {
            basic: thresholds[2] for basic, thresholds in INTERVENTION_THRESHOLDS.items()
        }


def test_rates_stand_beside_the_national_average():
    view = safety_view(with_safety(company(1)))
    assert [(kind.kind, kind.rate, kind.above) for kind in view.oos] == [
        ("driver", 0.25, True),
        ("vehicle", 0.2, False),
        ("hazmat", None, None),
    ]
    assert (view.violations.total, view.violations.marked, view.unplaced) == (6, 1, 2)
    assert view.unplaced_by_name == {"Another": 1, "unknown": 1}
    assert (view.inspections.total, view.inspections.marked) == (9, 5)


def test_what_was_not_read_is_not_zero():
    view = safety_view({"_id": 1})
    assert (view.violations, view.inspections, view.oos, view.passenger) == (None, None, (), None)
    assert {basic.reason for basic in view.basics} == {"not read yet"}
    assert {basic.violations for basic in view.basics} == {None}


@pytest.mark.parametrize("document", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_document_is_shown_as_not_known(document):
    overview = make_overview([document], SOURCES, NOW, 48)
    json.dumps(as_json(overview), allow_nan=False)
    assert overview.companies[0].state in {State.NEVER, State.STALE}


def test_as_json_is_plain_and_names_its_times():
    found = json.loads(json.dumps(as_json(make_overview([with_safety(failing("a"))], SOURCES, NOW, 48))))
    [shown] = found["companies"]
    assert (found["fleet"], found["at"], shown["id"], shown["state"]) == (None, "2026-11-25T12:00:00Z", "a", "failing")
    assert shown["errors"] == [{"source": "violations", "kind": "malformed", "error": "no such column"}]
    assert shown["safety"]["basics"][0]["exceeds"] is True


def test_only_the_company_asked_for_decides_whether_it_fails():
    assert make_overview([failing(1)], SOURCES, NOW, 48).is_failing
    assert not make_overview([company(1, 500)], SOURCES, NOW, 48).is_failing


def test_names_cannot_steer_the_terminal():
    shown = make_overview([company("\x1b]0;x\x07", name=HOSTILE, number="\x1b[2J")], SOURCES, NOW, 48).companies[0]
    for text in (shown.name, shown.id, shown.usdot):
        assert text.isprintable()
    assert "<script>" in shown.name
    assert printable("Åsgård Øl") == "Åsgård Øl"


def test_numbers_and_times_in_words():
    moments = [NOW - timedelta(seconds=seconds) for seconds in (5, 125, 7_300, 200_000, -5)]
    assert [age(moment, NOW) for moment in moments] == ["5 s ago", "2 min ago", "2 h ago", "2 d ago", "0 s ago"]
    assert (age(None, NOW), duration(59.9)) == ("never", "59 s")
    assert [number(value) for value in (None, 1234, 12.0, 0.5, 1234.5)] == ["-", "1,234", "12", "0.5", "1,234.5"]
    assert (percent(0.0667), percent(None, "none")) == ("6.7 %", "none")
    assert (counted(None, "x"), counted(1, "x"), counted(2_000, "x")) == ("no number of xs", "1 x", "2,000 xs")
    assert (dollars(None), dollars(1_250_000.4)) == ("-", "$1,250,000")
    assert [spaced(name) for name in ("nonMatch", "MC139446", "Motor Carrier", "a1B2c")] == [
        "non match",
        "MC139446",
        "Motor Carrier",
        "a1B2c",
    ]
    assert (tally({"a": 1, "b": 2_000}), tally({})) == ("2,000 b, 1 a", "none")


def test_what_documents_hold_is_printable_in_the_fleets_counts_too():
    states = StateCounts(1, 0, 0, 0)
    counts = SourceCounts("mine", states, {"chan\x1b[2Jged": 2, "chan [2Jged": 1, "x" * 90: 1}, NOW, NOW)
    shown = make_overview([], SOURCES, NOW, 48, FleetCounts(1, states, (counts,), NOW, "Acme\u202e Inc")).fleet
    assert shown.oldest_company == "Acme  Inc"
    assert shown.sources[0].outcomes == {"chan [2Jged": 3, "x" * 40: 1}
