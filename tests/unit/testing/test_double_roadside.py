"""The double's daily files of inspections: they agree with SMS's where both have an inspection, and with each other."""

import json
from collections import Counter
from datetime import datetime

import pytest

from fmcsa_orchestrator.testing import Fleet
from fmcsa_orchestrator.testing.fmcsa.catalogue import TABLES
from fmcsa_orchestrator.testing.fmcsa.portal import SodaDouble
from fmcsa_orchestrator.testing.server.faults import Edits

INSPECTIONS, UNITS, VIOLATIONS = "fx4q-ay7w", "wt8s-2hbx", "876r-jsdb"
SMS_INSPECTIONS, SMS_VIOLATIONS = "rbkj-cgst", "8mt8-2mdr"
LAST_OF_SMS, FIRST_OF_SMS = "20261030", "20241031"


@pytest.fixture(scope="module")
def fleet():
    fleet = Fleet.sample(60)
    fleet.publish(changed=0.5)
    fleet.publish_daily(changed=0.5)
    fleet.publish(changed=0.3)
    return fleet


def ids(rows):
    return [int(row["inspection_id"]) for row in rows]


def key(row):
    return row["report_state"], row["report_number"]


def details(fleet, dataset, usdot):
    return [row for id_ in ids(fleet.rows(INSPECTIONS, usdot)) for row in fleet.rows(dataset, id_)]


def test_each_inspection_of_sms_has_one_twin_of_the_same_day(fleet):
    for usdot in fleet.usdots:
        days = {key(row): row["insp_date"] for row in fleet.rows(INSPECTIONS, usdot)}
        assert len(days) == len(fleet.rows(INSPECTIONS, usdot))
        for row in fleet.rows(SMS_INSPECTIONS, usdot):
            assert days[key(row)] == f"{datetime.strptime(row['insp_date'], '%d-%b-%y'):%Y%m%d}"  # noqa: DTZ007  # a day


def test_there_are_newer_and_older_ones_and_some_that_sms_has_still_to_learn_of(fleet):
    for carrier in fleet.carriers:
        rows = fleet.rows(INSPECTIONS, carrier.usdot)
        if not carrier.inspections:
            assert rows == []
            continue
        known = {key(row) for row in fleet.rows(SMS_INSPECTIONS, carrier.usdot)}
        kinds = Counter(
            "newer" if row["insp_date"] > LAST_OF_SMS else "older" if row["insp_date"] < FIRST_OF_SMS else key(row) in known
            for row in rows
        )
        assert kinds["newer"]
        assert kinds[True] == carrier.inspections
        assert kinds[False] > 0
        assert kinds["older"] or carrier.inspections < 8


def test_what_sms_learns_next_is_there_already():
    fleet = Fleet.sample(20)
    before = {key(row) for usdot in fleet.usdots for row in fleet.rows(INSPECTIONS, usdot)}
    fleet.publish(changed=1)
    assert {key(row) for usdot in fleet.usdots for row in fleet.rows(SMS_INSPECTIONS, usdot)} <= before


def test_violations_are_sms_s_and_some_of_the_states(fleet):
    more = 0
    for usdot in fleet.usdots:
        by_twin = {row["inspection_id"]: key(row) for row in fleet.rows(INSPECTIONS, usdot)}
        ours = {row["unique_id"]: key(row) for row in fleet.rows(SMS_INSPECTIONS, usdot)}
        sms = Counter((ours[row["unique_id"]], row["viol_code"]) for row in fleet.rows(SMS_VIOLATIONS, usdot))
        daily = Counter()
        for row in details(fleet, VIOLATIONS, usdot):
            daily[by_twin[row["inspection_id"]], row["viol_code"].replace(".", "", 1)] += 1
        awaited = {by_twin[str(id_)] for id_ in ids(fleet.rows(INSPECTIONS, usdot)) if not fleet.rows(VIOLATIONS, id_)}
        assert {entry: number for entry, number in sms.items() if entry[0] not in awaited}.items() <= daily.items()
        more += sum("2-SLOWN" in code for _, code in daily)
    assert more


def test_details_are_of_inspections_that_there_are_and_have_ids_of_their_own(fleet):
    known = [id_ for usdot in fleet.usdots for id_ in ids(fleet.rows(INSPECTIONS, usdot))]
    assert len(known) == len(set(known))
    assert sorted(known) == sorted(fleet.keys(UNITS)) == sorted(fleet.keys(VIOLATIONS))
    for dataset, column in ((UNITS, "insp_unit_id"), (VIOLATIONS, "insp_violation_id")):
        rows = [row for id_ in known for row in fleet.rows(dataset, id_)]
        assert len({row[column] for row in rows}) == len(rows) == fleet.total_rows(dataset)
        assert {column for row in rows for column in row} <= set(TABLES[dataset].columns)
        assert fleet.rows(dataset, max(known) + 10**6) == []


def test_files_that_are_put_out_together_change_for_the_same_carriers():
    fleet = Fleet.sample(30)
    before = set(fleet.keys(UNITS))
    fleet.publish_daily(changed=0.3)
    found = {id_ for usdot in fleet.usdots for id_ in ids(fleet.rows(INSPECTIONS, usdot))}
    assert found == set(fleet.keys(UNITS)) == set(fleet.keys(VIOLATIONS))
    assert found - before
    assert before - found


def test_each_change_corrects_one():
    fleet = Fleet.uniform(4)
    assert not any(row["transaction_code"] == "C" for usdot in fleet.usdots for row in fleet.rows(INSPECTIONS, usdot))
    fleet.publish_daily(changed=1)
    for usdot in fleet.usdots:
        (row,) = [row for row in fleet.rows(INSPECTIONS, usdot) if row["transaction_code"] == "C"]
        assert row["change_date"].startswith("20261111")


@pytest.mark.parametrize(("dataset", "quote", "other"), [(UNITS, "'", ""), (VIOLATIONS, "", "'")])
def test_details_are_asked_for_by_inspection(fleet, dataset, quote, other):
    portal = SodaDouble(fleet, None)
    asked = ids(fleet.rows(INSPECTIONS, fleet.usdots[0]))[:7]

    def ask(quote, **params):
        literals = ",".join(f"{quote}{id_}{quote}" for id_ in [*asked, 1])
        query = {"$where": f"inspection_id in ({literals})", "$order": ":id", **params}
        answer = portal.resource(dataset, query, {}, Edits())
        return answer.status, json.loads(answer.body)

    status, rows = ask(quote)
    assert status == 200
    expected = [row for id_ in asked for row in fleet.rows(dataset, id_)]
    assert sorted(map(str, rows)) == sorted(map(str, expected))
    assert ask(quote, **{"$select": "count(*)"})[1] == [{"count": str(len(expected))}]
    if dataset == UNITS:  # as text it cannot be compared with numbers
        assert ask(other)[0] == 400
