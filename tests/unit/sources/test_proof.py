"""What the proof notices: every single row of both files, by pure functions; and what it says of everything else."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmcsa_orchestrator import Company, UsdotNumber
from fmcsa_orchestrator.model.documents import dig, with_values
from fmcsa_orchestrator.model.fmcsa import PROOF
from fmcsa_orchestrator.sources.csa import RESULT_FILES, CsaSource, csa_fields, parse_result
from fmcsa_orchestrator.sources.inspections import parse_inspection, summarize_inspections
from fmcsa_orchestrator.sources.sms.proof import ONE_RUN, prove
from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21
from fmcsa_orchestrator.sources.violations import parse_violation, summarize_violations
from fmcsa_orchestrator.testing import Fleet
from tests.support.world import INSPECTIONS, VIOLATIONS

AS_OF = datetime(2026, 11, 12, 7, 5, tzinfo=UTC)
FLEET = Fleet.sample(24)
WITH_ROWS = [carrier for carrier in FLEET.carriers if carrier.inspections]


async def stored(usdot, *, violations=None, inspections=None, **changes):
    """The company as it is stored when these rows have been read, and its results."""
    results = {dataset.id: FLEET.rows(dataset.id, usdot) for dataset in RESULT_FILES}
    violations = FLEET.rows(VIOLATIONS, usdot) if violations is None else violations
    inspections = FLEET.rows(INSPECTIONS, usdot) if inspections is None else inspections
    status = {"usdot": usdot, "dataAsOf": AS_OF}
    values = {
        **csa_fields({dataset: parse_result(rows[0]) for dataset, rows in results.items() if rows}),
        "fmcsaData.csa.dataAsOf": AS_OF,
        "fmcsaData.violations": await summarize_violations([parse_violation(row) for row in violations]),
        "fmcsaData.inspections": await summarize_inspections([parse_inspection(row) for row in inspections]),
        **{f"fmcsaData.syncStatus.sources.{name}": status for name in ("csa_scores", "violations", "inspections")},
    }
    return Company(usdot, UsdotNumber(usdot), None, with_values({"_id": usdot, "dotNumber": usdot}, values | changes))


def without(rows, place):
    return [*rows[:place], *rows[place + 1 :]]


def places(count):
    """All of a small carrier's rows, some of a large one's."""
    return range(count) if count < 100 else [*range(3), count // 2, count - 1]


@pytest.mark.parametrize("carrier", WITH_ROWS, ids=lambda carrier: f"{carrier.kind} {carrier.usdot}")
async def test_each_row_of_both_files_is_missed(carrier):
    for name, dataset in (("violations", VIOLATIONS), ("inspections", INSPECTIONS)):
        rows = FLEET.rows(dataset, carrier.usdot)
        for place in places(len(rows)):
            company = await stored(carrier.usdot, **{name: without(rows, place)})
            whole = prove(company).fields[PROOF]
            assert (whole["agrees"], whole["reason"]) == (False, "rows missing"), (name, rows[place])
            assert whole["missing"][name] == 1


@pytest.mark.parametrize("carrier", WITH_ROWS, ids=lambda carrier: f"{carrier.kind} {carrier.usdot}")
async def test_a_violation_that_is_missing_is_told_of_its_basic_and_no_other(carrier):
    rows = FLEET.rows(VIOLATIONS, carrier.usdot)
    for place in places(len(rows)):
        derived = prove(await stored(carrier.usdot, violations=without(rows, place)))
        basic = parse_violation(rows[place])["basic"]
        for other in SMS_3_21.recomputed:
            found = derived.fields[f"fmcsaData.csa.{other}.recomputed"]
            assert (found["agrees"] is False) == (other == basic)
            assert found["missing"] == (other == basic) or found["reason"] in {"unavailable", "not published"}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
async def test_any_rows_that_are_missing_are_missed(data):
    carrier = data.draw(st.sampled_from([carrier for carrier in WITH_ROWS if carrier.kind != "large"]))
    kept = {}
    for name, dataset in (("violations", VIOLATIONS), ("inspections", INSPECTIONS)):
        rows = FLEET.rows(dataset, carrier.usdot)
        gone = data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=4)) if rows else set()
        kept[name] = [row for place, row in enumerate(rows) if place not in gone]
    whole = prove(await stored(carrier.usdot, **kept)).fields[PROOF]
    lost = [FLEET.count(dataset, carrier.usdot) - len(kept[name]) for name, dataset in
            (("violations", VIOLATIONS), ("inspections", INSPECTIONS))]  # fmt: skip
    if lost[1]:
        assert whole["missing"]["inspections"] == lost[1]
    assert (whole["agrees"] is False) == (lost != [0, 0])


async def small():
    return await stored(next(carrier.usdot for carrier in WITH_ROWS if carrier.violations > 20 and carrier.kind == "small"))


BASIC = "fmcsaData.csa.vehicleMaintenance"


async def recomputed(**changes):
    """What is said of Vehicle Maintenance, and of the carrier, with these values at these paths."""
    company = await small()
    company = Company(
        company.id, company.usdot, None, with_values(company.document, {k.replace("__", "."): v for k, v in changes.items()})
    )
    fields = prove(company).fields
    return fields[f"{BASIC}.recomputed"], fields[PROOF]


async def test_a_measure_that_differs():
    measure = dig((await small()).document, f"{BASIC}.measure")
    for off, agrees in ((0, True), (0.01, True), (-0.01, True), (0.02, False), (-0.03, False)):
        basic, whole = await recomputed(**{f"{BASIC}.measure": round(measure + off, 2)})
        assert (basic["agrees"], whole["agrees"]) == (agrees, agrees)
        assert whole["reason"] == basic["reason"] == (None if agrees else "measure differs")
        assert basic["difference"] == pytest.approx(-off, abs=0.0051)


@pytest.mark.parametrize(
    ("changes", "basic", "whole"),
    [
        ({f"{BASIC}.measure": None}, (None, "not published"), (True, None)),
        ({f"{BASIC}.measure": 0.5, f"{BASIC}.inspectionsWithViolations": None, f"{BASIC}.qcmobile": {"measure": 0.5}},
         (None, "not published"), (True, None)),
        ({"fmcsaData.csa.inspections": None}, (None, "not published"), (None, "not published")),
        ({"fmcsaData.violations.byBasic.vehicleMaintenance.weightedSeverity": None}, (None, "weights missing"), (True, None)),
        ({"fmcsaData.inspections.byBasic.vehicleMaintenance.relevantTimeWeight": None}, (None, "weights missing"), (True, None)),
        ({"fmcsaData.inspections.byBasic.vehicleMaintenance.relevantTimeWeight": 0, f"{BASIC}.measure": 0.0},
         (None, "unavailable"), (True, None)),
        ({"fmcsaData.inspections.byBasic.vehicleMaintenance.relevantTimeWeight": 0}, (False, "measure differs"),
         (False, "measure differs")),
        ({"fmcsaData.csa.dataAsOf": AS_OF + ONE_RUN}, (True, None), (True, None)),
        ({"fmcsaData.csa.dataAsOf": AS_OF + ONE_RUN + timedelta(seconds=1)}, (None, "files not of one SMS run"),
         (None, "files not of one SMS run")),
        ({"fmcsaData.syncStatus.sources.inspections.usdot": 5}, (None, "not read"), (None, "not read")),
        ({"fmcsaData.syncStatus.sources.inspections.quarantined": 1}, (None, "rows set aside"), (None, "rows set aside")),
        ({"fmcsaData.csa.inspections.total": 10_000}, (True, None), (False, "rows missing")),
        ({f"{BASIC}.inspectionsWithViolations": 10_000}, (False, "rows missing"), (False, "rows missing")),
        ({"fmcsaData.inspections.byBasic.hazmat.violations": 10_000}, (True, None), (False, "rows missing")),
        ({"fmcsaData.inspections.violations": 10_000}, (True, None), (False, "rows missing")),
        ({"fmcsaData.violations.total": 10_000, "fmcsaData.inspections.total": 10_000}, (True, None), (True, None)),
    ],
)  # fmt: skip
async def test_what_is_said_where_something_is_otherwise(changes, basic, whole):
    found = await recomputed(**changes)
    assert [(value["agrees"], value["reason"]) for value in found] == [basic, whole]


@pytest.mark.parametrize(
    "changes",
    [
        {"fmcsaData.csa.dataAsOf": None},
        {"fmcsaData.csa": 5},
        {"fmcsaData": None},
        {"fmcsaData.syncStatus.sources.csa_scores.usdot": 7},
    ],
)
async def test_without_results_of_this_number_nothing_is_said(changes):
    company = await small()
    changed = Company(company.id, company.usdot, None, with_values(company.document, changes))
    assert prove(changed).fields == {}
    assert prove(changed).read_again == ()


async def test_read_again_once_for_each_edition():
    company = await stored(WITH_ROWS[0].usdot, inspections=FLEET.rows(INSPECTIONS, WITH_ROWS[0].usdot)[1:])
    sources = ("csa_scores", "violations", "inspections")

    def again(at):
        nonlocal company
        times = {f"fmcsaData.syncStatus.sources.{name}.dataAsOf": at for name in sources} | {"fmcsaData.csa.dataAsOf": at}
        document = with_values(company.document, times)
        derived = prove(Company(company.id, company.usdot, None, document))
        company = Company(company.id, company.usdot, None, with_values(document, derived.fields))
        assert derived.fields[PROOF]["confirmed"] == (not derived.read_again)
        return derived.read_again

    month = timedelta(days=28)
    assert again(AS_OF) == sources
    assert [again(AS_OF + timedelta(minutes=minutes)) for minutes in (0, 30, -30, 0)] == [()] * 4
    assert again(AS_OF + month) == sources
    assert [again(AS_OF + month), again(AS_OF), again(AS_OF + month)] == [()] * 3


def test_what_is_derived_is_declared():
    assert {*(f"fmcsaData.csa.{basic}.recomputed" for basic in SMS_3_21.recomputed), PROOF} < set(CsaSource.derives)
