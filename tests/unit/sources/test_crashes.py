"""What the rows of the two crash files mean, how they are put together, and how crashes are counted."""

import asyncio
import random
import tracemalloc
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import MalformedPayloadError
from fmcsa_orchestrator.sources import crash_rows, crashes
from fmcsa_orchestrator.sources.crash_rows import MCMIS, SMS, order_of, parse_mcmis, parse_sms, vehicle_of
from fmcsa_orchestrator.sources.crashes import NOT_COUNTED, SEVERITIES, joined, summarize_crashes
from fmcsa_orchestrator.sources.soda.kept_rows import KeptRows
from fmcsa_orchestrator.sources.soda.row_documents import documents_of

FILE_OF = datetime(2026, 11, 12, 8, 29, tzinfo=UTC)
BOTH = {"dot_number": "1438", "report_state": "OH", "report_number": "OH0000000077", "report_seq_no": "1"}


def parsed(parse, row):
    """As rows are kept: without the USDOT number, and what is None is not in the file's row."""
    content = parse({column: value for column, value in row.items() if value is not None})
    del content["usdot"]
    return content


def mcmis(**columns):
    row = BOTH | {"crash_id": "700", "report_date": "20260131", "tow_away": "Y", "ci_status_code": "C"}
    return parsed(parse_mcmis, row | columns)


def sms(**columns):
    row = BOTH | {"report_date": "31-JAN-26", "tow_away": "true", "severity_weight": "1", "time_weight": "3"}
    return parsed(parse_sms, row | columns)


async def documents(mcmis_rows, sms_rows):
    found = await documents_of(await joined(mcmis_rows, sms_rows), vehicle_of, order_of=order_of)
    return {document.id: document.content for document in found}


async def counted(mcmis_rows, sms_rows, as_of=FILE_OF):
    return await summarize_crashes(await joined(mcmis_rows, sms_rows), as_of)


def kept(parse_one, number):
    rows = KeptRows()
    for place in range(number):
        rows.append(parse_one(report_number=f"OH{place}"))
    return rows


async def test_the_rows_of_a_large_carrier_are_never_held_together():
    first, second = kept(mcmis, 4_000), kept(sms, 4_000)

    async def peak(at_once):
        tracemalloc.start()
        try:
            found = await joined(first, second, at_once=at_once)
            return len(found), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (number, in_parts), (_, at_once) = await peak(400), await peak(4_000)
    assert number == 4_000
    assert in_parts < at_once * 0.6  # what is left is mostly the packed rows


def test_all_columns_of_both_files_are_known():
    assert [len(dataset.columns | dataset.others) for dataset in (MCMIS, SMS)] == [59, 22]


@pytest.mark.parametrize(
    ("column", "field", "code", "word"),
    [("ci_status_code", "matchStatus", "C", "complete"), ("ci_status_code", "matchStatus", "P", "potential"),
     ("ci_status_code", "matchStatus", "Z", "Z"), ("trafficway_id", "trafficway", "2", "twoWayDividedUnprotected"),
     ("trafficway_id", "trafficway", "98", "other"), ("access_control_id", "accessControl", "3", "none"),
     ("road_surface_condition_id", "surface", "2", "wet"), ("road_surface_condition_id", "surface", "3", "3"),
     ("weather_condition_id", "weather", "1", "none"), ("weather_condition_id", "weather", "6", "rainAndFog"),
     ("weather_condition_id", "weather", " 12 ", "12"), ("light_condition_id", "light", "2", "darkUnlit"),
     ("light_condition_id", "light", "7", "7"), ("gvw_rating_id", "grossWeight", "3", "over26000Lb"),
     ("vehicle_configuration_id", "configuration", "9", "tractorWithSemitrailer"), ("truck_bus_ind", "truckOrBus", "B", "bus"),
     ("truck_bus_ind", "truckOrBus", "", None), ("tow_away", "towAway", "Y", True), ("tow_away", "towAway", "U", "U"),
     ("tow_away", "towAway", "", None), ("report_date", "crashedOn", "20260131", datetime(2026, 1, 31, tzinfo=UTC)),
     ("report_date", "crashedOn", "20260231", "20260231"), ("report_time", "crashTime", "2360", "2360"),
     ("report_number", "reportNumber", " oh77b ", "OH77B"), ("report_seq_no", "sequence", "02", 2),
     ("vehicles_in_accident", "vehicles", "many", "many")],
)  # fmt: skip
def test_a_code_has_a_name_and_what_is_none_stays_as_it_came(column, field, code, word):
    assert mcmis(**{column: code})[field] == word


@pytest.mark.parametrize("columns", [{"report_number": " "}, {"report_number": None}, {"fatalities": "many"}, {"injuries": "-1"}])
def test_a_row_that_nobody_can_count_is_odd(columns):
    for parse in (mcmis, sms):
        with pytest.raises(MalformedPayloadError, match=next(iter(columns))):
            parse(**columns)


async def test_two_halves_make_one_document_and_it_keeps_its_id_when_the_other_comes_or_goes():
    first = mcmis(hazmat_released=None, injuries="2")
    second = sms(
        report_number="oh0000000077", report_date="30-JAN-26", hazmat_released="false", not_preventable="Y", injuries="1"
    )
    ids = [set(await documents(*halves)) for halves in (([first], []), ([first], [second]), ([], [second]))]
    assert ids == [{"OH:OH0000000077:1"}] * 3
    (whole,) = (await documents([first], [second])).values()
    assert (whole["crashedOn"].day, whole["injuries"], whole["hazmatReleased"]) == (31, 2, False)  # MCMIS, MCMIS, only SMS has it
    assert (whole["inMcmis"], whole["sms"]["notPreventable"], whole["severity"]) == (True, True, "injury")
    (alone,) = (await documents([], [second])).values()
    assert (alone["inMcmis"], alone["crashId"], alone["crashedOn"].day, alone["severity"]) == (False, None, 30, "injury")
    assert (await documents([first], []))["OH:OH0000000077:1"]["sms"] is None
    assert whole.keys() == alone.keys()


async def test_rows_of_another_state_or_vehicle_are_not_joined():
    found = await documents([mcmis()], [sms(report_state="PA"), sms(report_seq_no="2")])
    assert {key: (row["inMcmis"], row["sms"] is not None) for key, row in found.items()} == {
        "OH:OH0000000077:1": (True, False),
        "PA:OH0000000077:1": (False, True),
        "OH:OH0000000077:2": (False, True),
    }


async def test_of_two_rows_with_one_number_the_nearer_is_the_other_half_and_the_older_keeps_its_id():
    old, new, half = mcmis(crash_id="9", report_date="19990105"), mcmis(crash_id="700"), sms(report_date="30-JAN-26")
    before = await documents([new, old], [])
    after = await documents([old, new], [half])
    assert {key: row["crashId"] for key, row in before.items()} == {key: row["crashId"] for key, row in after.items()}
    assert {row["crashId"]: row["sms"] is not None for row in after.values()} == {"9": False, "700": True}
    assert before["OH:OH0000000077:1"]["crashId"] == "9"


async def test_of_many_rows_that_claim_one_number_not_every_one_is_held_against_all_others(monkeypatch):
    days = [f"{date(2000, 1, 1) + timedelta(days=place):%Y%m%d}" for place in range(300)]
    first, second = [mcmis(report_number="0", report_date=day) for day in days], [sms(report_number="0")] * 300
    looks = []
    monkeypatch.setattr(crashes, "day_of_crash", lambda row: looks.append(row) or crash_rows.day_of_crash(row))
    assert len(await joined(first, second)) == 300
    assert len(looks) < 10 * (300 + 300)


@pytest.mark.parametrize(
    ("columns", "severity"),
    [({"fatalities": "1", "injuries": "3"}, "fatal"), ({"injuries": "1"}, "injury"), ({}, "towAway"),
     ({"fatalities": "0", "injuries": "0", "tow_away": "N"}, "other"), ({"tow_away": "U"}, "other")],
)  # fmt: skip
async def test_a_crash_is_of_one_class(columns, severity):
    found = await counted([mcmis(**columns)], [])
    assert {name: found[name] for name in SEVERITIES} == {name: int(name == severity) for name in SEVERITIES}


async def test_vehicles_repeat_what_their_crash_did():
    vehicles = [mcmis(report_seq_no=str(number), crash_id=str(number), fatalities="1", injuries="2") for number in (1, 2, 3)]
    found = await counted(vehicles, [])
    assert (found["total"], found["fatal"], found["fatalities"], found["injuries"]) == (1, 1, 1, 2)


@pytest.mark.parametrize(
    ("statuses", "in_sms", "where"),
    [(["C"], False, "total"), (["N", "C"], False, "total"), (["N"], False, "nonMatch"), (["I"], True, "intrastate"),
     (["H"], False, "hold"), (["P"], False, "potential"), (["U"], False, "uploaded"), (["X"], False, "nonMotorCarrier"),
     (["T"], False, "censusSearch"), (["Z"], False, "unknown"), ([None], False, "unknown"), ([None], True, "total"),
     ([], True, "total")],
)  # fmt: skip
async def test_only_what_is_surely_this_carriers_is_counted_and_the_rest_is_told(statuses, in_sms, where):
    rows = [mcmis(ci_status_code=status, report_seq_no=str(number)) for number, status in enumerate(statuses, 1)]
    found = await counted(rows, [sms()] if in_sms else [])
    assert {"total": found["total"], **found["notCounted"]} == dict.fromkeys(("total", *NOT_COUNTED), 0) | {where: 1}
    assert (found["sms"]["total"], found["onlyInSms"]) == (int(in_sms), int(in_sms and not rows))


@pytest.mark.parametrize(
    ("date", "is_within"),
    [("20241112", False), ("20241113", True), ("20261112", True), ("20261113", False), ("19700101", False), ("20261399", False)],
)
async def test_the_last_24_months_are_those_before_the_file(date, is_within):
    found = await counted([mcmis(report_date=date)], [])
    assert (found["total"], found["last24Months"]["total"]) == (1, int(is_within))
    assert (await counted([mcmis(report_date=date)], [], as_of=None))["last24Months"] is None


async def test_what_the_crash_indicator_adds_up():
    """The example of the methodology: 3 + 2 + 6 = 11, whatever is not preventable, and however many vehicles."""
    rows = [
        sms(severity_weight="1", time_weight="3"),
        sms(report_number="OH78", severity_weight="2", time_weight="1", report_date="05-FEB-25"),
        *(sms(report_number="OH79", severity_weight="3", time_weight="2", report_seq_no=vehicle) for vehicle in "12"),
        sms(report_number="OH80", severity_weight="2", time_weight="3", not_preventable="Y"),
    ]
    expected = {"total": 4, "vehicles": 5, "notPreventable": 1, "weightedTotal": 11, "latest": datetime(2026, 1, 31, tzinfo=UTC)}
    assert (await counted([], rows))["sms"] == expected
    assert (await counted([], [*rows, sms(report_number="OH81", time_weight=None)]))["sms"]["weightedTotal"] is None


async def test_nothing_on_record_is_zero():
    found = await counted([], [])
    assert (found["total"], found["last24Months"]["total"], found["sms"]["weightedTotal"], found["latest"]) == (0, 0, 0, None)


halves = st.fixed_dictionaries(
    {
        "report_number": st.sampled_from(["OH1", "oh1", "OH2", "OH3"]),
        "report_seq_no": st.sampled_from(["1", "2"]),
        "fatalities": st.sampled_from([None, "0", "1"]),
        "injuries": st.sampled_from([None, "0", "4"]),
    }
)
mcmis_rows = st.lists(
    st.builds(
        lambda half, crash_id, status, date: mcmis(**half, crash_id=crash_id, ci_status_code=status, report_date=date),
        halves,
        st.sampled_from([None, "5", "6", "70"]),
        st.sampled_from("CNZ"),
        st.sampled_from(["20260131", "20250301", "19990231"]),
    ),
    max_size=8,
)
sms_rows = st.lists(
    st.builds(
        lambda half, date: sms(**half, report_date=date),
        halves,
        st.sampled_from(["31-JAN-26", "01-MAR-25", "31-FEB-26"]),
    ),
    max_size=8,
)


@given(mcmis_rows, sms_rows, st.integers(1, 9), st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_how_many_are_held_at_once_matters(first, second, at_once, rng: random.Random):
    async def check():
        shuffled = rng.sample(first, len(first)), rng.sample(second, len(second))
        assert await documents(first, second) == await documents(*shuffled)
        plain, in_parts = await joined(first, second), await joined(*shuffled, at_once=at_once)
        assert sorted(map(repr, plain)) == sorted(map(repr, in_parts))
        assert await summarize_crashes(plain, FILE_OF) == await summarize_crashes(in_parts, FILE_OF)

    asyncio.run(check())


@given(mcmis_rows, sms_rows)
def test_no_row_is_lost_and_each_crash_is_counted_once(first, second):
    async def check():
        found = await documents(first, second)
        assert sum(row["inMcmis"] for row in found.values()) == len(first)
        assert sum(row["sms"] is not None for row in found.values()) == len(second)
        summary = await counted(first, second)
        assert summary["total"] + sum(summary["notCounted"].values()) == len(Counter(map(crash_rows.crash_of, first + second)))
        assert summary["total"] == sum(summary[name] for name in SEVERITIES)

    asyncio.run(check())
