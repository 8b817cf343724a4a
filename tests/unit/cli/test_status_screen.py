"""The status in the terminal: on a console that is a string, 80 and 120 columns wide."""

import io
from datetime import timedelta

import pytest
from rich.console import Console

from fmcsa_orchestrator.cli.terminal.fleet import show_overview
from fmcsa_orchestrator.report.history import history_view
from fmcsa_orchestrator.report.overview import make_overview
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, ProofCounts, SourceCounts, StateCounts
from tests.support.status_samples import (
    AS_OF,
    BROKEN,
    CARRIER_SOURCES,
    HOSTILE,
    NOW,
    SOURCES,
    company,
    failing,
    run,
    source,
    with_carrier,
    with_safety,
)

EVERY = [*SOURCES, *CARRIER_SOURCES]


def shown(*documents, fleet=None, width=120, sources=SOURCES, history=None):
    console = Console(file=io.StringIO(), width=width)
    show_overview(console, make_overview(documents, sources, NOW, 48, fleet, history=history))
    return console.file.getvalue()


def counts(total, *states):
    found = StateCounts(*states)
    sources = tuple(SourceCounts(name, found, {"changed": 3, "failed": 1}, AS_OF, AS_OF) for name in SOURCES)
    return FleetCounts(
        total, found, sources, AS_OF if total else None, "Oldest & Co." if total else None, ProofCounts(970, 20, 10)
    )


def test_the_fleet_at_a_glance():
    text = shown(failing(1), company(2), {"_id": 3, "dotNumber": 3}, fleet=counts(1_000, 996, 2, 1, 1))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "1,000 companies; the oldest attempt is 13 d ago: Oldest & Co." in lines
    assert "companies 996 2 1 1" in lines
    assert "violations 996 2 1 1 13 d ago 2026-11-12" in lines
    assert "violations: 1 failed" in lines
    assert "stale: last success over 48 hours ago; never: not synced yet" in lines
    assert "stored rows against FMCSA's results: 970 agree, 20 disagree, 10 cannot be compared" in lines
    assert "A Carrier 1021580 failing 1 h violations failed, held 2 d" in lines
    assert "A Carrier 1021580 fresh 1 h" in lines
    assert "3 3 never never" in lines
    assert "3 of 1,000 shown; --limit shows more" in lines


def test_what_is_held_from_before_has_its_age():
    late = {"lastAttempt": NOW}
    text = shown(
        company(1, success=False, violations=source("failed", 60) | late, inspections=source("timed_out", None) | late),
        fleet=counts(1, 0, 0, 1, 0),
    )
    assert "held 2 d" in text
    assert "nothing held" in text
    assert "--limit" not in text


def test_a_fleet_of_none():
    text = shown(fleet=counts(0, 0, 0, 0, 0))
    assert "0 companies" in text
    assert "no company with a dotNumber" in text


def test_one_company_in_full():
    lines = [" ".join(line.split()) for line in shown(with_safety(failing("a"))).splitlines()]
    assert lines[0] == "A Carrier (USDOT 1021580, passenger carrier): failing"
    assert "malformed violations: no such column" in lines
    assert "Unsafe Driving 50 AT OR ABOVE 50 passenger 1.5 - 4 1" in lines
    assert "Hours-of-Service Compliance 49.5 50 passenger 1.5 1.51 - -" in lines
    assert "Driver Fitness Less than 3 driver 75 QCMobile 1.5 unavailable - -" in lines
    assert "Vehicle Maintenance not public; our estimate 57 65 passenger 1.5 1.23 rows missing - -" in lines
    assert "±4" in lines
    assert any(line.startswith("Where a percentile is estimated, that is ours, not FMCSA's: 95 of 100") for line in lines)
    assert "Controlled Substances/Alcohol not public 65 passenger 1.5 - - -" in lines
    assert "Unsafe Driving: serious violation found in an investigation" in lines
    assert "6 violations, 1 out of service, 2 of a BASIC not known here (1 Another, 1 unknown); latest 2026-11-12" in lines
    assert "driver 8 2 25.0 % 6.7 % above average" in lines
    assert "vehicle 5 1 20.0 % 22.3 % not above" in lines
    assert "hazmat 0 0 - 4.5 %" in lines
    assert "to look at: violations failed, held 2 d; Unsafe Driving 50 (50);" in lines[3]
    assert "violations failing failed 2 d never 2026-11-12" in lines
    assert "inspections fresh changed 1 h never 2026-11-12" in lines
    off = "Registration, Crashes, Out-of-service orders, Operating authority, Insurance, Roadside: switched off"
    assert off in lines
    assert "history" not in " ".join(lines)  # where it was not asked for


def test_what_the_sources_say_of_a_carrier():
    text = shown(with_carrier(company("a")), sources=EVERY, width=80)
    for words in (
        "Registration, as of 2026-11-12",
        "not on file: liability insurance, bond",
        "$1,000,000, Freight; since 2026-11-12",
    ):
        assert words in text


def test_the_history_as_lines():
    runs = [run(AS_OF + timedelta(days=30 * n), unsafeDriving={"measure": n / 2}) for n in range(4)]
    lines = [" ".join(line.split()) for line in shown(company("a"), history=history_view(runs), width=80).splitlines()]
    assert "history, 4 SMS runs, from 2026-11-12 to 2027-02-10" in lines
    assert "Unsafe Driving measure 0 1.5 ▁▃▆█" in lines
    many = [run(AS_OF + timedelta(days=30 * n), hazmat={"measure": n}, vehicleMaintenance={"measure": 1}) for n in range(36)]
    for width, drawn in ((60, 9), (80, 29), (120, 36)):
        text = shown(company("a"), history=history_view(many), width=width)
        line = [line for line in text.splitlines() if line.startswith("Vehicle Maint")][-1]  # the first is in the table of BASICs
        assert line.count("█") == drawn
        assert (f"the last {drawn}" in text) is (drawn < 36)
    assert "History: no SMS run is kept yet" in shown(company("a"), history=history_view([]))


@pytest.mark.parametrize("width", [80, 120])
def test_however_many_sources_there_are_the_tables_fit(width):
    own = [f"source_of_ours_{number}" for number in range(20)]
    document = with_carrier(with_safety(failing("a", **{name: source("failed", None) for name in own})))
    for fleet in (None, counts(1_000_000, 1_000_000, 2, 1, 1)):
        text = shown(document, fleet=fleet, sources=[*EVERY, *own], width=width)
        assert all(len(line) <= width for line in text.splitlines())
        assert all(name in text for name in own)
    assert "failing  1 h" in text
    lines = shown(document, sources=EVERY, width=width).splitlines()
    [head] = [line.split() for line in lines if line.startswith("BASIC")]
    assert head == ["BASIC", "percentile", "threshold", "measure", "recomputed", "violations", "OOS"]
    for word in ("Controlled", "Maintenance", "Substances", "Compliance"):
        assert any(word in line for line in lines)  # and not broken in two


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    "document",
    [
        *BROKEN,
        with_carrier(with_safety(failing(HOSTILE, name=f"[red]{HOSTILE}[/]", number="[/]", message="[/x]")), f"[b]{HOSTILE}[/b]"),
    ],
)
def test_whatever_a_document_holds_stays_text_within_the_screen(document, width):
    for text in (shown(document, width=width), shown(document, fleet=counts(1, 1, 0, 0, 0), width=width)):
        assert all(len(line) <= width for line in text.splitlines())
        assert "\x1b" not in text
        assert ("[red]" in text) == ("[red]" in str(document.get("name")))


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        ({"agrees": True}, "stored rows agree with FMCSA's results"),
        ({"agrees": None, "reason": "not read"}, "stored rows cannot be compared with FMCSA's results: not read"),
        (
            {"agrees": False, "reason": "rows missing", "missing": {"inspections": 1, "violations": 0}},
            "stored rows disagree with FMCSA's results: rows missing (1 inspections); the next sync reads them again",
        ),
        (
            {"agrees": False, "reason": "measure differs", "missing": 5, "confirmed": True},
            "stored rows disagree with FMCSA's results: measure differs; still so after they were read again",
        ),
        ({"agrees": "yes"}, "stored rows cannot be compared with FMCSA's results: unknown"),
        (None, None),
    ],
)
def test_whether_the_rows_come_to_fmcsas_results(proof, said):
    document = with_safety(company("a"))
    document["fmcsaData"]["csa"]["recomputed"] = proof
    lines = [" ".join(line.split()) for line in shown(document).splitlines()]
    found = [line for line in lines if line.startswith("stored rows")]
    assert found == ([] if said is None else [said])
