"""What the sources say of a carrier, in words; and the words where they say nothing, of which there are several kinds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.report.carrier import carrier_sections
from fmcsa_orchestrator.report.concerns import Concern, Weight
from fmcsa_orchestrator.report.freshness import source_views
from fmcsa_orchestrator.report.overview import cutoff_of, make_overview
from tests.support.status_samples import (
    AS_OF,
    CARRIER_SOURCES,
    HOSTILE,
    NOW,
    SOURCES,
    company,
    failing,
    source,
    with_carrier,
    with_safety,
)


def sections(document, names=CARRIER_SOURCES):
    views = source_views(document, names, cutoff_of(NOW, 48))
    return {section.source: section for section in carrier_sections(document, views)}


def told(document, name):
    return [(fact.label, fact.text, fact.concern) for fact in sections(document)[name].facts]


def test_who_it_is():
    assert told(with_carrier(company(1)), "registration") == [
        ("name", "Freight, doing business as Fast Freight", None),
        ("USDOT number", "inactive", "USDOT number inactive"),
        ("operation", "intrastate non hazmat, carrier, freight forwarder, hazardous materials", None),
        ("fleet", "1 power unit, 1,200 drivers; by the carrier's own word", None),
        ("MCS-150", "filed 2026-11-12; 90,000 miles in 2024", None),
        ("safety rating", "conditional, 2026-11-12", "rated conditional"),
        ("doubtful", "fleet.powerUnits", None),
    ]


def test_what_the_census_leaves_empty_is_not_given():
    bare = with_carrier(company(1), registration={"records": 1, "safetyRating": {"rating": "none"}, "hazmat": False})
    assert told(bare, "registration") == [
        ("name", "none given", None),
        ("USDOT number", "status not given", None),
        ("operation", "not given, no hazardous materials", None),
        ("fleet", "no number of power units, no number of drivers; by the carrier's own word", None),
        ("MCS-150", "filed unknown", None),
        ("safety rating", "none on record", None),
    ]


def test_crashes_none_and_not_known_are_three_things():
    assert told(with_carrier(company(1)), "crashes") == [
        ("24 months", "none on record", None),
        ("all on record", "4: 3 with injuries, 1 fatal; the latest on 2026-11-12", None),
        ("in SMS", "2, of which 1 not preventable", None),
        ("not counted", "2 non match: not surely this carrier's", None),
    ]
    assert told(with_carrier(company(1), crashes={"last24Months": None}), "crashes") == [
        ("24 months", "not known: the files do not say of when they are", None),
        ("all on record", "not known", None),
    ]


def test_orders_in_force():
    assert told(with_carrier(company(1)), "out_of_service_orders") == [
        ("in force", "since 2026-11-12: Freight", "out-of-service order in force"),
        ("in force", "since unknown: no reason given", "out-of-service order in force"),
        ("others", "1 rescinded", None),
    ]
    for found, words in (({"total": 0, "inForce": 0}, "none on record"), ({"total": 2, "inForce": 0}, "none"), ({}, "not known")):
        assert told(with_carrier(company(1), outOfServiceOrders=found), "out_of_service_orders") == [("in force", words, None)]


def test_authority_per_docket_and_what_is_not_on_file():
    assert told(with_carrier(company(1)), "authority") == [
        (
            "MC1 Motor Carrier",
            "active; liability $0 on file, $750,000 required; not on file: liability insurance, bond; changed 2026-11-12: Active",
            "not on file: liability insurance, bond",
        ),
        ("MC2 unknown", "state not known: in the history only", None),
        ("order, MC1 Broker", "standing, 2026-11-12: Freight", "authority: order standing"),
    ]


def test_an_authority_that_is_not_active_lacks_nothing():
    entry = {"docket": "MC1", "kind": "Broker", "state": "inactive", "bondRequired": True, "bondOnFile": False}
    [(_, text, concern)] = told(with_carrier(company(1), authority={"authorities": [entry]}), "authority")
    assert (text, concern) == ("inactive; not on file: bond", None)


def test_insurance_in_force_and_that_none_is_no_proof():
    assert told(with_carrier(company(1)), "insurance") == [
        ("MC1 BIPD", "$1,000,000, Freight; since 2026-11-12", None),
        ("scheduled", "1", None),
        ("ended", "2: 2 replaced", None),
    ]
    for in_force, words, concern in (
        (0, "none in Motus; no proof that it is uninsured", "no insurance in force in Motus"),
        (None, "not known: only ended filings are there", None),
    ):
        assert told(with_carrier(company(1), insurance={"inForce": in_force}), "insurance") == [("in force", words, concern)]
    ending = {"docket": None, "type": "cargo", "amount": None, "cancelledAsOf": AS_OF}
    assert told(with_carrier(company(1), insurance={"inForce": 1, "coverage": [ending]}), "insurance") == [
        (
            "no docket cargo",
            "amount not known; since unknown; ends 2026-11-12",
            "insurance of no docket cargo ends 2026-11-12",
        )
    ]


def test_roadside_inspections():
    assert told(with_carrier(company(1)), "roadside") == [
        ("inspections", "2 inspections; the latest on 2026-11-12", None),
        ("out of service", "1 driver", None),
        ("awaiting details", "1", None),
    ]


@pytest.mark.parametrize(
    ("status", "found", "words"),
    [
        ("off", None, "switched off"),
        (None, None, "not read yet"),
        (source("failed", None), None, "not known: failed, and nothing is held from before"),
        (source("timed_out"), {"records": 0}, "not known: timed_out, and nothing is held from before"),
        (source("not_found", message="a reason"), {"records": 0}, "not in the census: a reason"),
        (source("unchanged"), {"records": 0}, "not in the census"),
        (source("unchanged"), 5, "not in the census"),
        (source("unchanged"), {"records": 1}, None),
        ("off", {"records": 1}, None),  # what is held from before it was switched off stays to be seen
    ],
)
def test_nothing_is_said_of_a_carrier_for_different_reasons(status, found, words):
    document = company(1, **({} if status in ("off", None) else {"registration": status}))
    document["fmcsaData"]["registration"] = found
    section = sections(document, () if status == "off" else CARRIER_SOURCES)["registration"]
    assert (section.absent, bool(section.facts)) == (words, words is None)


def test_not_published_is_never_none():
    absent = {name: section.absent for name, section in sections(company(1, authority=source(), insurance=source())).items()}
    assert (absent["authority"], absent["insurance"]) == ("not published", "not published")


def test_what_is_held_from_before_a_failure_says_so():
    document = with_carrier(company(1))
    document["fmcsaData"]["syncStatus"]["sources"] |= {"crashes": source("failed", 60)}
    found = sections(document)
    assert (found["crashes"].held, found["authority"].held) == ("held from before; the last attempt: failed", None)
    assert (found["crashes"].as_of, bool(found["crashes"].facts)) == (AS_OF, True)


def test_what_to_look_at_the_worst_first():
    document = with_carrier(with_safety(failing(1)))
    [view] = make_overview([document], [*SOURCES, *CARRIER_SOURCES], NOW, 48).companies
    assert [(str(concern.weight), concern.text) for concern in view.concerns] == [
        ("bad", "violations failed, held 2 d"),
        ("bad", "Unsafe Driving 50 (50)"),
        ("bad", "Unsafe Driving: serious violation"),
        ("bad", "USDOT number inactive"),
        ("bad", "rated conditional"),
        ("bad", "out-of-service order in force (2)"),
        ("bad", "not on file: liability insurance, bond"),
        ("bad", "authority: order standing"),
        ("warning", "driver OOS 25.0 % (6.7 %)"),
        ("warning", "rows disagree"),
    ]


def concerns(document):
    [view] = make_overview([document], SOURCES, NOW, 48).companies
    return [concern.text for concern in view.concerns]


def test_a_company_that_is_well_has_at_most_its_worst_basic_to_look_at():
    assert concerns(company(1)) == []
    document = with_safety(company(1))
    csa = document["fmcsaData"]["csa"]
    csa["unsafeDriving"] = {"percentile": 20}
    csa["recomputed"] = {"agrees": True}
    document["fmcsaData"]["inspections"]["driver"] |= {"inspections": 4}  # too few for a rate
    [view] = make_overview([document], SOURCES, NOW, 48).companies
    assert view.concerns == (Concern(Weight.NOTE, "HOS 49.5 (50)"),)


def test_our_estimate_at_or_above_the_threshold_is_a_warning_and_says_whose_it_is():
    document = with_safety(company(1))
    csa = document["fmcsaData"]["csa"]
    for basic, percentile in (("unsafeDriving", 90), ("vehicleMaintenance", 65), ("driverFitness", 64)):
        csa[basic] = {"estimate": {"percentile": percentile, "error": {"p95": 4}}}
    found = [text for text in concerns(document) if "estimate" in text]
    assert found == ["Unsafe Driving: our estimate 90 ±4 (50)", "Vehicle Maintenance: our estimate 65 ±4 (65)"]


def test_sources_that_are_not_well():
    late = {"lastAttempt": NOW}
    assert concerns(company(1, violations=source("failed", None) | late, inspections=source("not_found"))) == [
        "violations failed, nothing held",
        "not found: inspections",
    ]
    assert concerns(company(1, violations=source(hours=60), inspections={})) == ["stale: violations", "not read yet: inspections"]
    assert concerns(company(1, hours=60)) == []  # its state says so
    assert concerns({"_id": 1, "dotNumber": 5}) == []
    broken = company(1, success=False)
    broken["fmcsaData"]["syncStatus"]["errors"] = [{"source": "company", "kind": "invalid_usdot", "error": "x"}]
    assert concerns(broken) == ["invalid_usdot"]


FIELDS = ("registration", "crashes", "outOfServiceOrders", "authority", "insurance", "roadside")
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(AS_OF) | st.just(HOSTILE)
JUNK = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2))


@given(st.data())
def test_whatever_lies_in_a_document_is_said_in_printable_words_or_as_not_known(data):
    document = with_carrier(company(1))
    for field in FIELDS:
        found = document["fmcsaData"][field]
        names = data.draw(st.lists(st.sampled_from(sorted(found)), unique=True))
        found |= {name: data.draw(JUNK) for name in names}
        lists = [value for value in found.values() if isinstance(value, list)]
        for entry in (entry for entries in lists for entry in entries if isinstance(entry, dict) and entry):
            entry |= {name: data.draw(JUNK) for name in data.draw(st.lists(st.sampled_from(sorted(entry)), unique=True))}
    for section in sections(document).values():
        for fact in section.facts:
            assert (fact.label + fact.text + (fact.concern or "")).isprintable()
