"""The measure's arithmetic: the vector worked out by hand, and what must hold of any rows in any order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import Basic
from fmcsa_orchestrator.sources.inspections import parse_inspection, summarize_inspections
from fmcsa_orchestrator.sources.sms.measures import SeverityByInspection, agree, measure_of
from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21
from fmcsa_orchestrator.sources.violations import parse_violation, summarize_violations
from tests.support.samples import inspection, violation

HOS = "hoursOfService"


def added(*violations):
    """Violations as (inspection, severity, time weight), all of one BASIC."""
    severity = SeverityByInspection()
    severity.add((name, HOS, points, time_weight) for name, points, time_weight in violations)
    return severity


def test_the_vector_worked_out_by_hand():
    """Four relevant inspections of weights 3, 2, 1, 1: (14 x 3 + 30 x 2) / 7; no cap gives 15.71, cap after the weight 8.57."""
    severity = added(("a", 9, 3), ("b", 10, 2), ("a", 5, 3), ("b", 12, 2), ("b", 12, 2))
    assert severity.of(HOS).weighted == 102
    assert severity.of(HOS).inspections == 2
    assert round(measure_of(102, 3 + 2 + 1 + 1), 4) == 14.5714


async def test_the_same_vector_from_rows():
    """A severity of 7 with the out-of-service bonus is 9: without it, 13.71."""
    hos = {"basic_desc": "Hours-of-Service Compliance", "severity_weight": "7"}
    first, second = {"unique_id": "1", "time_weight": "3"}, {"unique_id": "2", "time_weight": "2"}
    rows = [violation(**hos, **first, total_severity_wght="9"), violation(**hos, **first, total_severity_wght="5")]
    rows += [violation(**hos, **second, total_severity_wght=points) for points in ("10", "12", "12")]
    seen = [
        inspection(unique_id=str(number), time_weight=weight, fatigued_insp="true") for number, weight in enumerate("3211", 1)
    ]
    weighted = (await summarize_violations([parse_violation(row) for row in rows]))["byBasic"][HOS]["weightedSeverity"]
    weight = (await summarize_inspections([parse_inspection(row) for row in seen]))["byBasic"][HOS]["relevantTimeWeight"]
    assert (weighted, weight) == (102, 7)


def test_without_relevant_inspections_there_is_no_measure():
    assert measure_of(0, 0) is None
    assert measure_of(0, 3) == 0


@pytest.mark.parametrize(
    ("recomputed", "published", "expected"),
    [
        (14.5714, 14.57, True),
        (0.695, 0.69, True),
        (0.7049, 0.69, True),
        (0.705, 0.69, True),
        (0.7051, 0.69, False),
        (0, 0.02, False),
    ],
)
def test_what_agrees(recomputed, published, expected):
    assert agree(recomputed, published) is expected


def test_a_violation_without_severity_is_one_all_the_same():
    severity = added(("a", 0, 3))
    assert (severity.of(HOS).inspections, severity.of(HOS).weighted) == (1, 0)


def test_a_missing_weight_leaves_its_basic_unknown_and_no_other():
    severity = added(("a", None, 3), ("b", 4, None))
    severity.add([("a", Basic.DRIVER_FITNESS, 5, 3)])
    assert (severity.of(HOS).inspections, severity.of(HOS).weighted) == (2, None)
    assert severity.of(Basic.DRIVER_FITNESS).weighted == 15


VIOLATIONS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 12)), max_size=60)


@given(VIOLATIONS, st.randoms())
def test_it_is_the_formula_however_the_rows_are_scattered(found, random):
    weights = dict(zip("abcdefgh", (1, 2, 3, 3, 2, 1, 1, 3), strict=True))
    random.shuffle(found)
    sums = Counter()
    for name, points in found:
        sums[name] += points
    severity = added(*((name, points, weights[name]) for name, points in found))
    assert severity.of(HOS).weighted == sum(min(30, points) * weights[name] for name, points in sums.items())
    assert severity.of(HOS).inspections == len(severity) == len({name for name, _ in found})


@given(st.lists(st.tuples(st.integers(0, 500), st.sampled_from([*Basic, None]), st.integers(0, 40)), max_size=80))
def test_basics_do_not_mix(found):
    severity = SeverityByInspection()
    for number, basic, points in found:
        severity.add([(str(number), basic, points, 1)])
    for basic in Basic:
        own = Counter()
        for number, of_basic, points in found:
            if of_basic is basic:
                own[number] += points
        assert severity.of(basic).weighted == sum(min(30, points) for points in own.values())
        assert severity.of(basic).inspections == len({number for number, of_basic, _ in found if of_basic is basic})
    assert len(severity) == len({number for number, _, _ in found})


def test_the_rules_are_data():
    assert SMS_3_21.severity_cap == 30
    assert Basic.UNSAFE_DRIVING not in SMS_3_21.recomputed
    assert len(SMS_3_21.recomputed) == 4
