"""Rows of the company census to records: every code, every oddity, and what may be a person's own."""

import json
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.sources.census import PERSONAL, STREETS, parse_census, record_of
from fmcsa_orchestrator.sources.registration import DATASET, MOST_OTHERS, RegistrationSource
from fmcsa_orchestrator.sources.soda.kept_rows import KeptRows, RowKeeper
from fmcsa_orchestrator.sources.soda.source import Found
from fmcsa_orchestrator.testing import DATASETS, Fleet

CENSUS = "az4n-8mr2"
FILE_OF = datetime(2026, 11, 12, 14, 49, tzinfo=UTC)


def row(**columns):
    return {"dot_number": "295017", "legal_name": "CEDAR FREIGHT LLC", "status_code": "A", **columns}


def record(*, personal=True, **columns):
    return record_of(parse_census(row(**columns)), FILE_OF, personal=personal)


def at(found, path):
    for name in path.split("."):
        found = found[name]
    return found


def day(year, month, of_month):
    return datetime(year, month, of_month, tzinfo=UTC)


async def summary(*rows, personal=True):
    kept = KeptRows()
    for columns in rows:
        kept.append(parse_census(row(**columns)))
    return await RegistrationSource(None, personal_fields=personal).summarize(Found([kept], FILE_OF))


def test_all_147_columns_are_known():
    assert DATASET.columns | DATASET.others == set(DATASETS[CENSUS])
    assert len(DATASETS[CENSUS]) == 147
    assert not DATASET.columns & DATASET.others


@pytest.mark.parametrize(
    ("column", "text", "path", "value"),
    [("status_code", "I", "status", "inactive"), ("status_code", "P", "status", "pending"), ("status_code", "Z", "status", "unknown"),
     ("status_code", "Z", "statusCode", "Z"), ("carrier_operation", "B", "carrierOperation", "intrastateHazmat"),
     ("carship", "C;S", "entityTypes", ["carrier", "shipper"]), ("carship", "C;Q", "entityTypes", ["carrier", "unknown"]),
     ("classdef", "PRIVATE PROPERTY;AUTHORIZED FOR HIRE", "classifications", ["PRIVATE PROPERTY", "AUTHORIZED FOR HIRE"]),
     ("crgo_household", "X", "cargo", ["Household Goods"]), ("crgo_household", "", "cargo", []),
     ("hm_ind", "Y", "hazmat", True), ("hm_ind", "N", "hazmat", False), ("power_units", "0", "fleet.powerUnits", 0),
     ("power_units", "92901", "fleet.powerUnits", 92901), ("owntract", "2", "fleet.equipment.owned", {"tractors": 2}),
     ("mcs150_date", "20250528 0000", "mcs150.filedOn", day(2025, 5, 28)), ("add_date", "19870610", "addedOn", day(1987, 6, 10)),
     ("safety_rating", "U", "safetyRating.rating", "unsatisfactory"), ("safety_rating", "X", "safetyRating.rating", "unknown"),
     ("safety_rating_date", "20060103", "safetyRating.ratedOn", day(2006, 1, 3)), ("review_type", "N", "review.type", "Non-Ratable Review"),
     ("recordable_crash_rate", "000.312", "recordableCrashRate", 0.312), ("prior_revoke_flag", "Y", "priorRevocation.revoked", True),
     ("prior_revoke_dot_number", "99999", "priorRevocation.usdot", 99999), ("undeliv_phy", "U", "address.undeliverable", True),
     ("carrier_mailing_und_date", "20250917", "mailingAddress.undeliverableSince", day(2025, 9, 17)),
     ("company_officer_2", " ROBIN  VALE ", "officers", ["ROBIN VALE"]), ("cell_phone", "3035550142", "contact.cellPhone", "3035550142"),
     ("phy_zip", "983113729", "address.zip", "98311-3729"), ("phy_zip", "98311-3729", "address.zip", "98311-3729"),
     ("phy_zip", "98311", "address.zip", "98311"), ("phy_zip", "K1A 0B6", "address.zip", "K1A 0B6")],
)  # fmt: skip
def test_what_a_column_means(column, text, path, value):
    found = record(**{column: text})
    assert at(found, path) == value
    assert found["unreadable"] == []


def test_a_foreign_number_of_nine_digits_is_no_zip():
    assert record(phy_zip="123456789", phy_country="MX")["address"]["zip"] == "123456789"


def test_what_is_not_there_is_neither_zero_nor_no():
    found = record()
    assert (found["fleet"]["powerUnits"], found["hazmat"], found["mcs150"]["filedOn"], found["statusCode"]) == (
        None,
        None,
        None,
        "A",
    )
    assert found["safetyRating"] == {"ratingCode": None, "rating": "none", "ratedOn": None}
    assert (found["contact"]["phone"], found["officers"], found["withheld"]) == (None, [], [])
    assert found["address"]["undeliverable"] is False  # the dictionary: blank is deliverable


def test_dockets_do_not_tell_of_the_operating_authority():
    found = record(docket1prefix="MC", docket1="139446", docket1_status_code="A", docket3="77")
    assert found["dockets"] == [
        {"docket": "MC139446", "prefix": "MC", "number": "139446", "docketStatusCode": "A"},
        {"docket": "77", "prefix": None, "number": "77", "docketStatusCode": None},
    ]


@pytest.mark.parametrize(
    ("column", "text", "path"),
    [("power_units", "many", "fleet.powerUnits"), ("power_units", "-3", "fleet.powerUnits"), ("hm_ind", "?", "hazmat"),
     ("mcs150_date", "20251340", "mcs150.filedOn"), ("recordable_crash_rate", "n/a", "recordableCrashRate"),
     ("prior_revoke_dot_number", "0", "priorRevocation.usdot"), ("crgo_meat", "?", "cargo.Meat")],
)  # fmt: skip
def test_a_value_that_cannot_be_read_costs_that_value_only(column, text, path):
    found = record(**{column: text})
    assert found["legalName"] == "CEDAR FREIGHT LLC"
    assert found["unreadable"] == [{"field": path, "text": text}]
    assert found["cargo"] == [] if path.startswith("cargo") else at(found, path) is None


@pytest.mark.parametrize(
    ("columns", "doubts"),
    [({"power_units": "99999"}, {"fleet.powerUnits": "only nines, which stand for no number"}),
     ({"power_units": "101844", "total_drivers": "127917"}, {}),  # there are fleets of that size
     ({"power_units": "9999"}, {}),
     ({"power_units": "3", "truck_units": "4", "bus_units": "3"}, {"fleet.trucks": "more than fleet.powerUnits"}),
     ({"total_drivers": "7", "total_cdl": "8"}, {"drivers.cdl": "more than drivers.total"}),
     ({"total_cdl": "8"}, {}),
     ({"mcs150_mileage": "0", "mcs150_mileage_year": "0"}, {"mcs150.mileage": "of no year"}),
     ({"mcs150_mileage": "0", "mcs150_mileage_year": "2024"}, {}),
     ({"mcs150_mileage": "5", "mcs150_mileage_year": "2027"}, {"mcs150.mileageYear": "later than the file"}),
     ({"mcs150_date": "20261113"}, {"mcs150.filedOn": "later than the file"}),
     ({"mcs150_date": "20261112"}, {})],
)  # fmt: skip
def test_what_a_record_itself_contradicts_is_kept_and_told(columns, doubts):
    assert {doubt["field"]: doubt["reason"] for doubt in record(**columns)["doubtful"]} == doubts


OWN = {
    "phone": "3035550142", "fax": "3035550143", "cell_phone": "3035550144", "email_address": "robin@home.example",
    "company_officer_1": "ROBIN VALE", "company_officer_2": "ALEX MORROW",
}  # fmt: skip
HOME = {"phy_street": "4 MILL RD", "phy_zip": "67401", "carrier_mailing_street": "PO BOX 9", "carrier_mailing_zip": "67402",
        "phy_barrio": "CENTRO", "mail_barrio": "NORTE"}  # fmt: skip


@pytest.mark.parametrize("organization", ["CORPORATION", "Corporation", "INDIVIDUAL", "PARTNERSHIP", None])
def test_what_may_be_a_persons_own_is_withheld_by_name(organization):
    kind = {"business_org_desc": organization} if organization else {}
    found = record(personal=False, **OWN, **HOME, **kind, phy_city="SALINA")
    is_corporation = bool(kind) and organization.upper() == "CORPORATION"
    assert found["withheld"] == [*PERSONAL, *([] if is_corporation else STREETS)]
    assert not {"contact", "officers"} & found.keys()
    assert ("street" in found["address"], found["address"]["city"]) == (is_corporation, "SALINA")
    text = str(found)
    assert not [value for value in OWN.values() if value in text]
    assert is_corporation or not [value for value in HOME.values() if value in text]
    assert not [value for value in (OWN | HOME).values() if value not in str(record(**OWN, **HOME))]


def test_a_row_that_is_set_aside_has_nothing_personal_in_it():
    odd_row = {**row(**OWN, **HOME), "dba_name": ["no text"]}
    ((_, odd),) = RowKeeper([295017], parse_census).decode(json.dumps([odd_row]).encode())
    assert odd.field == "dba_name"
    assert not [value for value in (OWN | HOME).values() if value in odd.raw]


async def test_a_second_record_is_kept_beside_the_first_whatever_the_order():
    rows = [{"mcs150_date": "20240101"}, {"mcs150_date": "20250101", "status_code": "I"}, {"mcs150_date": "soon"}]
    found = [await summary(*order) for order in permutations(rows)]
    assert all(one == found[0] for one in found)
    assert (found[0]["records"], found[0]["mcs150"]["filedOn"]) == (3, day(2024, 1, 1))
    assert [one["status"] for one in found[0]["otherRecords"]] == ["active", "inactive"]
    many = await summary(*({"power_units": str(number)} for number in range(MOST_OTHERS + 3)))
    assert (many["records"], len(many["otherRecords"])) == (MOST_OTHERS + 3, MOST_OTHERS)


async def test_no_record():
    assert await summary() == {"records": 0, "otherRecords": [], "absentSince": None}


COLUMNS = st.dictionaries(st.sampled_from(sorted(DATASET.columns - {"dot_number"})), st.text(max_size=12), max_size=12)


@given(COLUMNS, st.booleans())
def test_no_text_in_any_column_costs_the_record(columns, personal):
    assert record(personal=personal, **columns).keys() == record(personal=personal).keys()


def test_the_double_has_every_state():
    fleet = Fleet.sample(400)
    found = [record_of(parse_census(one), FILE_OF, personal=True) for usdot in fleet.usdots for one in fleet.rows(CENSUS, usdot)]
    assert {one["status"] for one in found} == {"active", "inactive", "pending"}
    assert {one["safetyRating"]["rating"] for one in found} == {"satisfactory", "conditional", "unsatisfactory", "none"}
    assert {one["businessOrganization"] for one in found} == {"INDIVIDUAL", "PARTNERSHIP", "CORPORATION", None}
    assert {one["address"]["undeliverable"] for one in found} == {True, False}
    assert {len(one["dockets"]) for one in found} == {0, 1, 2, 3}
    assert {doubt["field"] for one in found for doubt in one["doubtful"]} == {"drivers.total", "drivers.cdl", "mcs150.mileage"}
    assert not [one for one in found if one["unreadable"] or not one["contact"]["phone"]]
