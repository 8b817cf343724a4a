"""What a change of a carrier's registration means, and what is only written in another way."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.model.carrier_events import FieldChange
from fmcsa_orchestrator.model.documents import with_values
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.census import record_of
from fmcsa_orchestrator.sources.changes.csa import csa_events
from fmcsa_orchestrator.sources.changes.registration import registration_events
from fmcsa_orchestrator.sources.registration import RegistrationSource, parse_census

PATH = "fmcsaData.registration"
FILE_OF = datetime(2026, 11, 20, tzinfo=UTC)
ROW = {
    "dot_number": "123", "legal_name": "CEDAR FREIGHT, INC.", "status_code": "A", "phone": "3035550101", "fax": "(303) 555-0102",
    "email_address": "office@cedar.example", "company_officer_1": "ROBIN VALE", "company_officer_2": "SAM HOLLIS",
    "phy_street": "1 MILL RD.", "phy_city": "SALINA", "phy_state": "KS", "phy_zip": "67401", "phy_country": "US",
    "power_units": "20", "mcs150_date": "20250101", "hm_ind": "N",
}  # fmt: skip


def stored(*, personal=True, **columns):
    row = parse_census({**ROW, **{name: text for name, text in columns.items() if text is not None}})
    return {"records": 1, **record_of(row, FILE_OF, personal=personal), "otherRecords": [], "absentSince": None}


def events_of(before, after):
    return list(registration_events(FieldChange({PATH: before}, {PATH: after}, {}), AlertRules()))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"phone": "3035550199"}, [("identity.phone_changed", "contact.phone", "medium")]),
        ({"cell_phone": "3035550199"}, [("identity.phone_changed", "contact.cellPhone", "medium")]),
        ({"email_address": "other@cedar.example"}, [("identity.email_changed", "contact.email", "medium")]),
        ({"email_address": ""}, [("identity.email_changed", "contact.email", "medium")]),
        ({"phy_street": "2 MILL RD"}, [("identity.address_changed", "address", "medium")]),
        ({"phy_zip": "67402"}, [("identity.address_changed", "address", "medium")]),
        ({"carrier_mailing_city": "ALTOONA"}, [("identity.address_changed", "mailingAddress", "medium")]),
        ({"dba_name": "CEDAR LINES"}, [("identity.name_changed", "dbaName", "medium")]),
        ({"company_officer_2": "JO FENN"}, [("identity.officer_changed", "officers", "medium")]),
        ({"phone": "1", "email_address": "x@y"},
         [("identity.phone_changed", "contact.phone", "high"), ("identity.email_changed", "contact.email", "high")]),
        ({"status_code": "I"}, [("registration.deactivated", "status", "high")]),
        ({"status_code": "P"}, [("registration.deactivated", "status", "high")]),
        ({"status_code": "Z"}, []),  # a code that we do not know
        ({"mcs150_date": "20260101"}, [("mcs150.updated", "mcs150.filedOn", "info")]),
        ({"mcs150_date": "20240101"}, [("mcs150.outdated", "mcs150.outdated", "low")]),
        ({"mcs150_date": "soon"}, []),
        ({"power_units": "22"}, [("fleet.size_changed", "fleet.powerUnits", "low")]),
        ({"power_units": "21"}, []),  # a twentieth
        ({"power_units": "99999"}, []),  # stands for no number
        ({"power_units": ""}, []),
        ({"safety_rating": "S", "safety_rating_date": "20261101"}, [("rating.changed", "safetyRating", "info")]),
        ({"safety_rating": "C"}, [("rating.changed", "safetyRating", "high")]),
        ({"safety_rating": "U"}, [("rating.changed", "safetyRating", "critical")]),
        ({"safety_rating": "Q"}, []),
    ],
)  # fmt: skip
def test_what_a_change_means_and_what_undoes_it(columns, expected):
    before, after = stored(), stored(**columns)
    events = events_of(before, after)
    assert [(event.type, event.key, event.severity) for event in events] == expected
    back = events_of(after, before)
    assert all((one.before, one.after) != (other.before, other.after) for one, other in zip(events, back, strict=False))
    if expected and not expected[0][0].startswith("mcs150"):
        assert [event.key for event in back] == [key for _, key, _ in expected]


@pytest.mark.parametrize(
    "columns",
    [
        {"phone": "(303) 555-0101"}, {"phone": "+1 303 555 0101"}, {"fax": "13035550102"},
        {"email_address": " OFFICE@CEDAR.EXAMPLE "}, {"phy_street": "1 Mill Rd"}, {"phy_zip": "67401-1234"},
        {"phy_zip": "674011234"}, {"legal_name": "Cedar  Freight Inc"}, {"dba_name": " "},
        {"company_officer_1": "SAM HOLLIS", "company_officer_2": "Robin Vale"}, {"hm_ind": "Y"}, {"pointnum": "7"},
    ],
)  # fmt: skip
def test_what_is_written_in_another_way_is_no_change(columns):
    assert events_of(stored(), stored(**columns)) == []


def test_kinds_that_change_together_are_named():
    events = events_of(stored(), stored(phone="1", fax="2", phy_city="ALTOONA"))
    assert {tuple(event.data["changedTogether"]) for event in events} == {("identity.address_changed", "identity.phone_changed")}
    assert [event.data["changedTogether"] for event in events_of(stored(), stored(phone="1", fax="2"))] == [
        ["identity.phone_changed"]
    ] * 2


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [("", "S", "better"), ("S", "C", "worse"), ("C", "U", "worse"), ("U", "C", "better"), ("S", "", None), ("", "U", "worse")],
)
def test_a_rating_has_a_direction(old, new, direction):
    (event,) = events_of(stored(safety_rating=old), stored(safety_rating=new))
    assert event.data["direction"] == direction


def test_who_leaves_the_census_is_absent_and_comes_back():
    there, gone = stored(), {**stored(), "records": 0, "absentSince": FILE_OF}
    (absent,) = events_of(there, gone)
    assert (absent.type, absent.after, absent.data["absentSince"]) == ("registration.absent", None, FILE_OF)
    assert absent.before == {"legalName": "CEDAR FREIGHT, INC.", "status": "active"}
    assert events_of(gone, gone) == []
    returned, phone = events_of(gone, stored(phone="1"))
    assert (returned.type, returned.before, returned.data["absentSince"]) == ("registration.returned", None, FILE_OF)
    assert phone.type == "identity.phone_changed"
    never = {"records": 0, "otherRecords": [], "absentSince": None}
    assert events_of(never, stored()) == events_of({}, stored()) == events_of(never, never) == []


@pytest.mark.parametrize("sides", [(True, False), (False, True), (False, False)])
def test_without_personal_fields_no_event_has_any(sides):
    before = stored(personal=sides[0])
    after = stored(personal=sides[1], phone="7", email_address="a@b", company_officer_1="X", phy_street="9 ELM", phy_city="ELY")
    (event,) = events_of(before, after)
    assert (event.type, event.before["city"], event.after["city"]) == ("identity.address_changed", "SALINA", "ELY")
    assert not {"street", "zip", "neighborhood"} & event.before.keys() | event.after.keys() - event.before.keys()


@pytest.mark.parametrize(("hazmat", "crossed"), [("Y", ["basic.threshold_crossed"]), ("N", [])])
def test_the_thresholds_of_hazmat_carriers_go_by_the_census(hazmat, crossed):
    path = "fmcsaData.csa.unsafeDriving"
    document = with_values({}, {RegistrationSource.owns[0]: stored(hm_ind=hazmat)})
    change = FieldChange({path: {"percentile": 59}}, {path: {"percentile": 61}}, document)
    assert [event.type for event in csa_events(change, AlertRules())] == crossed


@given(st.dictionaries(st.sampled_from(sorted(ROW)), st.text(max_size=9), max_size=4), st.sampled_from(["x", None, 7, [], {}]))
def test_whatever_is_stored_is_looked_at_without_fault(columns, odd):
    after = stored(**{name: text for name, text in columns.items() if name != "dot_number"})
    for path in ("contact", "officers", "fleet", "mcs150", "safetyRating", "address", "doubtful", "records"):
        for before, now in ((with_values(stored(), {path: odd}), after), (after, with_values(stored(), {path: odd}))):
            events_of(before, now)
    assert events_of(after, after) == []
