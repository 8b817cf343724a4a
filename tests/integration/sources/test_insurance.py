"""Insurance: which filings are in force by two files that say it in parts, and nothing about who is not in Motus."""

from datetime import UTC, datetime
from random import Random
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import InsuranceSource
from fmcsa_orchestrator.sources.insurance import covered, filings_of, parse_ended, parse_filed
from fmcsa_orchestrator.sources.motus import kept
from fmcsa_orchestrator.sources.soda.source import Found
from fmcsa_orchestrator.testing import Fleet
from tests.support.own_source import OwnSource
from tests.support.world import open_world, status_of

FILED, ENDED = FILES = ("c5y8-a4uz", "3uet-3z4i")
FILE_OF = datetime(2026, 11, 12, 10, 44, tzinfo=UTC)


class TestInsurance(OwnSource):
    columns: ClassVar = {
        "ins_type_code": 1,
        "max_cov_amount": ["much"],
        "policy_no": ["x"],
        "trans_date": 20260101,
        "filing_status_reason": {"why": 1},
    }

    def make(self, portal, mobile):
        return InsuranceSource(portal)

    def prepare(self, fleet):
        fleet.publish_daily(*FILES, changed=1)


_POLICY = {
    "usdot_number": "1438", "docket_number": "MC7", "ins_form_code": "BMC-91X", "ins_type_code": "1", "ins_class_code": "P",
    "max_cov_amount": "750000.00", "underl_lim_amount": "0.00", "policy_no": "TRK 77-1", "effective_date": "20250501",
    "insurance_company_name": "Prairie Mutual",
}  # fmt: skip


def _row(parse, columns):
    content = parse({name: value for name, value in columns.items() if value is not None})
    return {name: value for name, value in content.items() if name != "usdot"}


def filed(transacted="20250420", **columns):
    return _row(parse_filed, {**_POLICY, "trans_date": transacted, **columns})


def ended(on, reason="CANCEL", **columns):
    return _row(parse_ended, {**_POLICY, "cancl_effective_date": on, "filing_status_reason": reason, **columns})


def one(*parts):
    """The only filing that these rows are of."""
    (found,) = filings_of(*parts, FILE_OF)
    return found


async def report_of(*parts):
    """Documents and summary of these rows of the two files."""
    source = InsuranceSource(None)
    found = await source.prepared(Found([kept(rows) for rows in parts], FILE_OF))
    return list(await source.documents(found)), await source.summarize(found)


@pytest.mark.parametrize(
    ("filings", "ends", "state"),
    [([filed()], [], "inForce"),
     ([filed(effective_date="20320810")], [], "scheduled"),
     ([filed(effective_date="in May")], [], "inForce"),
     ([filed()], [ended("20260501")], "ended"),
     ([filed()], [ended("20261112")], "ended"),
     ([filed()], [ended("20261201")], "inForce"),  # until then
     ([filed()], [ended(None)], "ended"),  # as old ends are written
     ([filed()], [ended("once")], "ended"),
     ([filed()], [ended("20260501", policy_no="trk77-1")], "ended"),
     ([filed()], [ended("20260501", docket_number="MC-7")], "ended"),
     ([filed(docket_number="MC-7")], [ended("20260501", "TERM/REPL")], "ended"),
     ([], [ended("20260501")], "ended"),
     ([], [ended("20261201")], "ended"),  # nobody says that it was filed
     ([filed(), filed("20260420", effective_date="20260501")], [ended("20260501")], "inForce"),  # the term before
     ([filed(), filed("20260420", effective_date="20260501")], [ended(None)], "inForce"),
     ([filed(), filed("20260420", effective_date="20260501")], [ended("20260601")], "ended"),
     ([filed()], [ended("20250501")], "ended"),  # it never began
     ([filed(), filed("20260502")], [ended("20260501")], "ended"),  # the cancellation itself may be a transaction
     ([filed(), filed("20260502")], [ended("20260501", "TERM/REPL")], "inForce"),
     ([filed(), filed("20260501")], [ended("20260501", "NAMECHG")], "inForce"),
     ([filed()], [ended("20260501", "NAMECHG")], "ended"),
     ([filed("20260502")], [ended("20260501", "TRANSFERRED")], "ended"),
     ([filed(policy_no=None)], [ended("20260501", policy_no=" ")], "ended")],
)  # fmt: skip
def test_what_a_filing_is_on_the_day_of_the_files(filings, ends, state):
    assert one(filings, ends)["state"] == state


@pytest.mark.parametrize(
    "other", [{"docket_number": "MC8"}, {"ins_type_code": "2"}, {"ins_class_code": "E"}, {"policy_no": "TRK 77-2"}]
)
def test_an_end_is_of_one_docket_type_class_and_policy(other):
    assert sorted(found["state"] for found in filings_of([filed()], [ended("20260501", **other)], FILE_OF)) == [
        "ended",
        "inForce",
    ]


def test_bonds_without_a_number_are_known_by_their_insurers():
    bonds = [filed(policy_no=None, ins_type_code="3", insurance_company_name=name) for name in ("Prairie Mutual", "Harbor")]
    ends = [ended("20260501", policy_no=None, ins_type_code="3", insurance_company_name="HARBOR")]
    found = filings_of(bonds, ends, FILE_OF)
    assert [(bond["insurer"], bond["state"]) for bond in found] == [("Harbor", "ended"), ("Prairie Mutual", "inForce")]


def test_the_latest_transaction_and_the_latest_end_count():
    first, last = filed(), filed("20260101", max_cov_amount="1000000.00", insurance_company_name="Harbor")
    found = one([last, first], [ended("20260601"), ended("20260301", "TERM/REPL"), ended("20260601")])
    assert (found["maxCoverage"], found["insurer"], found["transactions"]) == (1_000_000, "Harbor", 2)
    assert (found["cancelledAsOf"], found["ending"], found["endReason"]) == (
        datetime(2026, 6, 1, tzinfo=UTC),
        "cancelled",
        "CANCEL",
    )


@pytest.mark.parametrize(
    ("words", "ending"),
    [("CANCEL", "cancelled"), ("TERM/CANCL", "cancelled"), ("TERM/REPL", "replaced"), ("Term/Repl", "replaced"),
     ("NAMECHG", "renamed"), ("Name Change", "renamed"), ("Transferred", "transferred"), ("LOST", "other")],
)  # fmt: skip
def test_how_a_filing_ended(words, ending):
    assert ended("20260501", words)["ending"] == ending


def test_codes_in_words():
    found = [filed(ins_type_code=code)["type"] for code in "12349"]
    assert found == ["bipd", "cargo", "bond", "trust", "unknown"]
    assert [filed(ins_class_code=code)["layer"] for code in "PE12X"] == ["primary", "excess", "full", "full", None]


@pytest.mark.parametrize(
    ("layers", "dollars"),
    [([("P", "750000", "0")], 750_000),
     ([("P", "750000", "0"), ("E", "250000", "750000")], 1_000_000),
     ([("E", "3000000", "2000000"), ("P", "1000000", "0"), ("E", "1000000", "1000000")], 5_000_000),
     ([("P", "750000", "0"), ("E", "1000000", "1000000")], 750_000),  # a gap between
     ([("P", "1000000", "0"), ("E", "500000", "750000")], 1_250_000),  # they overlap
     ([("P", "750000", "0"), ("P", "1000000", "0")], 1_000_000),  # an end that is missing is not to double the sum
     ([("1", "5000000", None)], 5_000_000), ([("P", "much", "0")], None),
     ([("P", "750000", "0"), ("E", "1000000", None)], 750_000),
     ([("E", "1000000", "1000000")], None), ([("P", None, "0")], None), ([("P", "0", "0")], 0), ([], None)],
)  # fmt: skip
def test_what_layers_cover_together(layers, dollars):
    names = ("ins_class_code", "max_cov_amount", "underl_lim_amount")
    assert covered(filed(**dict(zip(names, layer, strict=True))) for layer in layers) == dollars


_days = st.sampled_from([None, "20250501", "20260101", "20260501", "20270101", "soon"])
_columns = st.fixed_dictionaries(
    {"policy_no": st.sampled_from(["A 1", "a-1", "B2"]), "effective_date": _days, "ins_class_code": st.sampled_from("PE")}
)
_filed = st.lists(st.builds(lambda day, columns: filed(day, **columns), _days, _columns), max_size=6)
_reasons = st.sampled_from(["CANCEL", "TERM/REPL", "NAMECHG"])
_ended = st.lists(st.builds(lambda day, why, columns: ended(day, why, **columns), _days, _reasons, _columns), max_size=6)


@given(_filed, _ended, st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing_and_neither_do_duplicates_of_ends(filings, ends, rng):
    expected = filings_of(filings, ends, FILE_OF)
    again = [*ends, *rng.sample(ends, len(ends))]
    assert filings_of(rng.sample(filings, len(filings)), rng.sample(again, len(again)), FILE_OF) == expected
    assert sum(found["transactions"] for found in expected) == len(filings)


@given(_filed, _ended)
async def test_ids_do_not_follow_what_becomes_of_a_filing(filings, ends):
    before, _ = await report_of(filings, [])
    after, _ = await report_of(filings, ends)
    ids = [document.id for document in after]
    assert len(set(ids)) == len(ids)
    assert {document.id for document in before} <= set(ids)


async def test_what_is_in_force_by_docket_and_type():
    _, found = await report_of(
        [
            filed(),
            filed(
                policy_no="XS 1",
                ins_class_code="E",
                max_cov_amount="250000",
                underl_lim_amount="750000",
                effective_date="20240101",
            ),
            filed(policy_no="C 1", ins_type_code="2", ins_class_code=None, insurance_company_name="Harbor"),
            filed(docket_number="FF9"),
            filed(policy_no="old"),
            filed(policy_no="new", effective_date="20270101"),
        ],
        [ended("20260401", policy_no="OLD"), ended("20250501", "TERM/REPL", policy_no="older"), ended("20261201")],
    )
    assert (found["inForce"], found["scheduled"], found["ended"]) == (4, 1, 2)
    assert {ending: number for ending, number in found["endedBy"].items() if number} == {"cancelled": 1, "replaced": 1}
    assert found["lastCancelledAsOf"] == datetime(2026, 4, 1, tzinfo=UTC)
    assert [(entry["docket"], entry["type"], entry["filings"], entry["amount"]) for entry in found["coverage"]] == [
        ("FF9", "bipd", 1, 750_000),
        ("MC7", "bipd", 2, 1_000_000),
        ("MC7", "cargo", 1, 750_000),
    ]
    assert (found["coverage"][1]["effectiveSince"], found["coverage"][1]["cancelledAsOf"]) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
    )
    assert found["coverage"][2]["insurers"] == ["Harbor"]


async def test_ends_alone_do_not_say_that_nothing_is_in_force():
    _, found = await report_of([], [ended("20260401")])
    assert (found["inForce"], found["scheduled"], found["ended"], found["coverage"]) == (None, None, 1, [])


async def test_of_a_carrier_in_neither_file_nothing_is_said():
    assert await report_of([], []) == ([], None)


async def test_the_summary_is_bounded():
    rows = [filed(docket_number=f"MC{n}", insurance_company_name=f"I{n}") for n in range(50)]
    rows += [filed(policy_no=f"P{n}", insurance_company_name=f"I{n}", docket_number="FF1") for n in range(50)]
    _, found = await report_of(Random(1).sample(rows, 100), [])
    assert (found["inForce"], len(found["coverage"])) == (100, 20)
    assert found["coverage"][0]["insurers"] == ["I0", "I1", "I10", "I11", "I12"]


async def test_insurance_is_followed_from_file_to_file():
    fleet = Fleet.sample(20)
    seen = []
    async with open_world("memory", None, fleet=fleet, sources=("insurance",)) as world:
        for _ in range(3):
            summary = await world.orchestrator.sync_all_companies()
            documents = [row for row in await world.rows("fmcsaInsurance") if row["current"]]
            seen.append((summary, {company["_id"]: company["fmcsaData"] for company in await world.companies()}, documents))
            fleet.publish_daily(*FILES, changed=1)
    assert all(summary.success for summary, _, _ in seen)
    assert [summary.requests for summary, _, _ in seen[1:]] == [2 + 2 * 2] * 2  # a version for each file; a batch of 15, one of 5
    for carrier in fleet.carriers:
        first, cancelled, anew = (companies[carrier.usdot]["insurance"] for _, companies, _ in seen)
        if not fleet.rows(FILED, carrier.usdot):
            assert (first, cancelled, anew) == (None, None, None)
            assert (
                "does not mean that it is uninsured"
                in status_of({"fmcsaData": seen[0][1][carrier.usdot]})["sources"]["insurance"]["message"]
            )
        elif not fleet.rows(ENDED, carrier.usdot):  # a broker
            assert (anew["ended"], {entry["type"] for entry in anew["coverage"]} & {"bond", "trust"} != set()) == (0, True)
        else:
            ends = [row for row in fleet.rows(ENDED, carrier.usdot) if "cancl_effective_date" in row]
            assert (cancelled["lastCancelledAsOf"] is not None, anew["inForce"]) == (True, cancelled["inForce"] + 1)
            assert first is None or (first["inForce"], first["lastCancelledAsOf"]) == (anew["inForce"], None)
            assert anew["endedBy"]["replaced"] + anew["endedBy"]["renamed"] == 1
            assert {row["filing_status_reason"] for row in ends} <= {"CANCEL", "TERM/REPL", "NAMECHG"}
    ids = [{row["_id"] for row in documents} for _, _, documents in seen]
    assert ids[0] < ids[1] < ids[2]


async def test_the_double_has_on_file_what_is_filed():
    """What FMCSA adds up for an authority is what the filings in force come to."""
    fleet = Fleet.sample(60)
    async with open_world("memory", None, fleet=fleet, sources=("authority", "insurance")) as world:
        await world.orchestrator.sync_all_companies()
        companies = [company["fmcsaData"] for company in await world.companies()]
    compared = set()
    for data in companies:
        if data["authority"] is not None:
            on_file = {
                entry["docket"]: entry["bipdOnFile"] for entry in data["authority"]["authorities"] if entry["bipdRequired"]
            }
            coverage = data["insurance"]["coverage"]
            assert on_file == {entry["docket"]: entry["amount"] for entry in coverage if entry["type"] == "bipd"}
            compared |= set(on_file.values())
    assert len(compared) > 2
