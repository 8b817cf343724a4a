"""FMCSA's titles of the BASICs: every spelling of a known one is that one, an unknown one is counted under its own name."""

import pytest
from bson import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import Basic
from fmcsa_orchestrator.sources.violations import parse_violation, summarize_violations
from tests.support.samples import violation

KNOWN = {basic.value for basic in Basic}


async def by_basic(*titles):
    """The totals of rows with these titles; None leaves the column out."""
    return (await summarize_violations([parse_violation(violation(basic_desc=title)) for title in titles]))["byBasic"]


def counted(found):
    return {key: entry["total"] for key, entry in found.items() if entry["total"]}


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Controlled Substances/&#8203;Alcohol", "controlledSubstances"),  # as the portal has it
        ("Controlled Substances/&amp;#8203;Alcohol", "controlledSubstances"),
        ("Controlled Substances/&ZeroWidthSpace;Alcohol", "controlledSubstances"),
        ("Controlled Substances/\N{ZERO WIDTH SPACE}Alcohol", "controlledSubstances"),
        ("Controlled Substances / Alcohol", "controlledSubstances"),
        ("Drugs/Alcohol", "controlledSubstances"),
        ("Vehicle Main\N{SOFT HYPHEN}tenance", "vehicleMaintenance"),
        ("Vehicle Main&shy;tenance", "vehicleMaintenance"),
        ("Vehicle Maintenance ", "vehicleMaintenance"),
        ("\tVehicle\N{NO-BREAK SPACE} Maintenance\r\n", "vehicleMaintenance"),
        ("VEHICLE MAINTENANCE", "vehicleMaintenance"),
        ("Vehicle Maint.", "vehicleMaintenance"),
        ("VehicleMaint", "vehicleMaintenance"),
        ("HOS Compliance", "hoursOfService"),
        ("Hours of Service Compliance", "hoursOfService"),
        ("Hours\N{NON-BREAKING HYPHEN}of\N{NON-BREAKING HYPHEN}Service Compliance", "hoursOfService"),
        ("Hours-of-Service", "hoursOfService"),
        ("HM Compliance", "hazmat"),
        ("Hazardous Materials Compliance", "hazmat"),
        ("hazardous materials (hm) compliance", "hazmat"),
        ("Unsafe  Driving", "unsafeDriving"),
        ("Driver Fitness", "driverFitness"),
        ("Crash Indicator", "crashIndicator"),
    ],
)
def test_every_spelling_of_a_title_is_its_basic(title, key, caplog):
    row = parse_violation(violation(basic_desc=title))
    assert (row["basic"], row["basicDescription"]) == (key, title)
    assert "unknown_basic" not in caplog.text


@pytest.mark.parametrize("title", ["Vehicle Maintenance: Driver Observed", "Driver Observed", "Alcohol", "Compliance", "", "?"])
def test_no_title_is_taken_for_a_basic_that_it_may_not_be(title):
    row = parse_violation(violation(basic_desc=title))
    assert (row["basic"], row["basicDescription"]) == ("unknown", title)


async def test_an_unknown_basic_is_counted_under_its_own_name():
    rows = [
        parse_violation(violation(basic_desc="Vehicle Maintenance: Driver Observed")),
        parse_violation(violation(basic_desc="Vehicle  Maintenance: Driver Ob\N{SOFT HYPHEN}served ", oos_indicator="false")),
        parse_violation(violation()),
    ]
    summary = await summarize_violations(rows)
    assert summary["byBasic"]["Vehicle Maintenance: Driver Observed"] == {"total": 2, "outOfService": 1}
    assert summary["byBasic"]["vehicleMaintenance"] == {"total": 1, "outOfService": 1, "inspections": 1, "weightedSeverity": 6}
    assert summary["byBasic"].keys() == KNOWN - {"crashIndicator"} | {"Vehicle Maintenance: Driver Observed"}


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("$where", "_where"),
        ("A.b.c", "A_b_c"),
        ("Two\0 parts\n", "Two parts"),
        ("x" * 300, "x" * 60),
        ("x" * 59 + " y", "x" * 59),
        ("", "unknown"),
        ("\N{ZERO WIDTH SPACE}", "unknown"),
        ("unknown", "unknown"),
        (None, "unknown"),
    ],
)
async def test_a_name_is_safe_as_a_key(title, name):
    assert counted(await by_basic(title)) == {name: 1}


async def test_of_many_unknown_names_the_most_frequent_have_their_own_place():
    titles = [f"Category {number:02}" for number in range(25)]
    found = counted(await by_basic(*titles, *titles[5:10], "Vehicle Maintenance"))
    assert [key for key in found if key not in KNOWN] == [*sorted(titles[5:10] + titles[:5] + titles[10:20]), "unknown"]
    assert (found["Category 05"], found["Category 10"], found["unknown"], found["vehicleMaintenance"]) == (2, 1, 5, 1)


texts = st.text(max_size=70) | st.sampled_from([*KNOWN, "hazm.at", "$hazmat", "Drugs/Alcohol"]) | st.none()


@given(st.lists(texts, max_size=30), st.randoms())
async def test_whatever_the_titles_each_violation_is_counted_once_under_a_safe_key(titles, random):
    found = await by_basic(*titles)
    assert sum(counted(found).values()) == len(titles)
    assert all(0 < len(key) <= 60 and key[0] != "$" and not set(key) & set(".\0") for key in found)
    assert len(found.keys() - KNOWN) <= 21
    assert decode(encode(found)) == found
    assert await by_basic(*random.sample(titles, len(titles))) == found
