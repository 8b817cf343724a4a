"""Each type of event on the double: a silent baseline, noise that tells nothing, a change that tells just it, and its undoing."""

import pytest

from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.catalogue import EVENT_TYPES
from fmcsa_orchestrator.storage.event_log import Wanted
from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from tests.support.edited_fleet import EditedFleet
from tests.support.world import open_world

RESULTS, VIOLATIONS, INSPECTIONS, CENSUS, ORDERS = "h9zy-gjn8", "8mt8-2mdr", "rbkj-cgst", "az4n-8mr2", "p2mt-9ige"
MCMIS, SMS_CRASHES = "aayw-vxb3", "4wxs-vbns"
AUTHORITIES, HISTORY, ORDERS_OF_AUTHORITY, FILED, ENDED = "inys-ebih", "yu5v-wbh6", "wb4f-neki", "c5y8-a4uz", "3uet-3z4i"
SOURCES = {
    RESULTS: "csa_scores", VIOLATIONS: "violations", INSPECTIONS: "inspections", CENSUS: "registration", ORDERS: "out_of_service_orders",
    MCMIS: "crashes", SMS_CRASHES: "crashes", AUTHORITIES: "authority", ORDERS_OF_AUTHORITY: "authority", FILED: "insurance",
    ENDED: "insurance",
}  # fmt: skip
USDOT = 777_001
SHAPE = {"dot_number": str(USDOT)}
DOCKET = {"docket_number": "MC900001", "usdot_number": str(USDOT)}
AUTHORITY = {**DOCKET, "op_auth_type": "Motor Carrier of Property", "op_auth_status": "Active", "min_cov_amount": "750000.00",
             "bipd_file": "750000.00", "cargo_req": "N", "cargo_file": "N", "bond_req": "N", "bond_file": "N"}  # fmt: skip
STOP = {"docket_number": "MC-900001", "usdot_number": str(USDOT), "op_auth_type": "Motor Carrier of Property",
        "order1_type_desc": "INVOLUNTARY SUSPENSION", "order1_serve_date": "20260601", "order1_effective_date": "20260701"}  # fmt: skip
FILING = {**DOCKET, "ins_form_code": "BMC-91X", "ins_type_code": "1", "ins_class_code": "P", "max_cov_amount": "750000.00",
          "underl_lim_amount": "0.00", "policy_no": "TRK 77-1", "effective_date": "20250701", "trans_date": "20250620",
          "insurance_company_name": "Harbor Casualty Co."}  # fmt: skip
CRASH = {**SHAPE, "crash_id": "9", "report_state": "OH", "report_number": "OH9", "report_date": "20260601", "report_seq_no": "1",
         "ci_status_code": "C", "fatalities": "0", "injuries": "1", "tow_away": "Y", "hazmat_released": "N"}  # fmt: skip
IN_SMS = {**SHAPE, "report_state": "OH", "report_number": "OH9", "report_seq_no": "1", "report_date": "01-JUN-26", "fatalities": "0",
          "injuries": "1", "tow_away": "true", "hazmat_released": "false", "severity_weight": "2", "time_weight": "3"}  # fmt: skip
ORDER = {**SHAPE, "legal_name": "X", "oos_date": "2026-06-01", "oos_reason": "Unfit", "status": "ACTIVE"}


def these(**columns):
    """All rows with these values; None takes a column out."""

    def change(rows):
        found = [{**row, **columns} for row in rows]
        return [{name: value for name, value in row.items() if value is not None} for row in found]

    return change


def plus(*more):
    return lambda rows: [*rows, *more]


def only(*rows):
    return lambda _: list(rows)


def without(place):
    return lambda rows: rows[:place] + rows[place + 1 :]


def swapped(rows):
    """Another order, and text in another case where it is a name."""
    names = {"legal_name", "phy_street", "company_officer_1", "email_address"}
    return [{name: text.lower() if name in names else text for name, text in row.items()} for row in reversed(rows)]


# What is upstream before, by dataset; the change; what it tells, by type; what its undoing tells.
STORIES = [
    ("identity.phone_changed", CENSUS, None, these(phone="2025550100"), None),
    ("identity.email_changed", CENSUS, None, these(email_address="new@x.example"), None),
    ("identity.address_changed", CENSUS, None, these(phy_street="9 NEW ST"), None),
    ("identity.name_changed", CENSUS, None, these(legal_name="SOMEBODY ELSE LLC"), None),
    ("identity.officer_changed", CENSUS, None, these(company_officer_1="NEW PERSON"), None),
    ("registration.deactivated", CENSUS, these(status_code="A"), these(status_code="I"), "registration.reactivated"),
    ("registration.reactivated", CENSUS, these(status_code="I"), these(status_code="A"), "registration.deactivated"),
    ("registration.absent", CENSUS, None, only(), "registration.returned"),
    ("mcs150.updated", CENSUS, these(mcs150_date="20251101"), these(mcs150_date="20251201"), ""),
    ("mcs150.outdated", CENSUS, these(mcs150_date="20251101"), these(mcs150_date="20240101"), "mcs150.updated"),
    ("fleet.size_changed", CENSUS, these(power_units="20", truck_units="1"), these(power_units="30", truck_units="1"), None),
    ("rating.changed", CENSUS, these(safety_rating="S"), these(safety_rating="C"), None),
    ("crash.added", MCMIS, None, plus(CRASH, {**CRASH, "report_seq_no": "2", "crash_id": "10"}), "crash.removed"),
    ("crash.changed", MCMIS, plus(CRASH), plus({**CRASH, "injuries": "2"}), None),
    ("crash.reattributed", MCMIS, plus(CRASH), plus({**CRASH, "ci_status_code": "N"}), "crash.added"),
    ("crash.not_preventable", SMS_CRASHES, plus(IN_SMS), plus({**IN_SMS, "not_preventable": "Y"}), ""),
    ("oos_order.issued", ORDERS, only(), only(ORDER), "oos_order.rescinded"),
    ("oos_order.scheduled", ORDERS, only(), only({**ORDER, "oos_date": "2031-01-01"}), "oos_order.rescinded"),
    ("authority.granted", AUTHORITIES, only(AUTHORITY), only(AUTHORITY, {**AUTHORITY, "op_auth_type": "Broker"}), ""),
    ("authority.withdrawn", AUTHORITIES, only(AUTHORITY), only({**AUTHORITY, "op_auth_status": "Withdrawn"}), "authority.reinstated"),
    ("authority.status_changed", AUTHORITIES, only(AUTHORITY), only({**AUTHORITY, "op_auth_status": "Pending"}), "authority.granted"),
    ("authority.suspended", ORDERS_OF_AUTHORITY, only(), only(STOP), ""),
    ("authority.revoked", ORDERS_OF_AUTHORITY, only(), only({**STOP, "order1_type_desc": "REVOCATION"}), ""),
    ("authority.suspension_noticed", ORDERS_OF_AUTHORITY, only(), only({**STOP, "order1_effective_date": "20310101"}), ""),
    ("insurance.below_required", AUTHORITIES, only(AUTHORITY), only({**AUTHORITY, "bipd_file": "0.0"}), "insurance.required_met"),
    ("insurance.requirement_changed", AUTHORITIES, only(AUTHORITY), only({**AUTHORITY, "min_cov_amount": "300000.0"}), None),
    ("insurance.filed", FILED, only(), only(FILING), ""),
    ("insurance.cancelled", ENDED, only(), only({**FILING, "filing_status_reason": "CANCEL", "cancl_effective_date": "20260601"}), "insurance.filed"),
    ("insurance.replaced", ENDED, only(), only({**FILING, "filing_status_reason": "TERM/REPL", "cancl_effective_date": "20260601"}), "insurance.filed"),
    ("inspection.added", INSPECTIONS, without(0), None, "inspection.removed"),
    ("inspection.oos_violation", INSPECTIONS, without(0), these(driver_oos_total="1", oos_total="1"), "inspection.removed"),
    ("inspection.changed", INSPECTIONS, these(insp_level_id="1"), lambda rows: [{**rows[0], "insp_level_id": "2"}, *these(insp_level_id="1")(rows[1:])], None),
    ("oos_rate.above_average", INSPECTIONS, these(insp_level_id="1", vehicle_oos_total="0"), these(insp_level_id="1", vehicle_oos_total="1"), "oos_rate.back_to_average"),
    ("violation.added", VIOLATIONS, without(0), None, "violation.removed"),
    ("basic.measure_changed", RESULTS, these(unsafe_driv_measure="1.5"), these(unsafe_driv_measure="2"), None),
    ("basic.threshold_crossed", RESULTS, these(unsafe_driv_measure="49"), these(unsafe_driv_measure="51"), "basic.cleared"),
    ("basic.serious_violation", RESULTS, these(unsafe_driv_ac="N"), these(unsafe_driv_ac="Y"), ""),
]  # fmt: skip
BESIDE = {  # what else must be upstream, so that there is something to tell of
    ENDED: {FILED: only(FILING)},
    AUTHORITIES: {HISTORY: only(), ORDERS_OF_AUTHORITY: only()},
    ORDERS_OF_AUTHORITY: {AUTHORITIES: only({**AUTHORITY, "op_auth_status": "Inactive"}), HISTORY: only()},
    FILED: {ENDED: only()},
    SMS_CRASHES: {MCMIS: plus(CRASH)},
}
RULES = AlertRules(measures={"unsafeDriving": 50}, oos_rate_points=50)
CARRIER = Carrier(USDOT, "Cedar Freight", "small", False, "C", 6, 8)


async def told(world, after=0):
    return [
        (event["type"].removeprefix("fmcsa."), event["data"]) for event in await world.event_log.read(after, 10_000, Wanted())
    ]


@pytest.mark.parametrize(("kind", "dataset", "before", "change", "undone"), STORIES, ids=[story[0] for story in STORIES])
async def test_a_change_tells_its_event_and_nothing_else_does(kind, dataset, before, change, undone):
    fleet = EditedFleet([CARRIER])
    async with open_world("memory", None, fleet=fleet, sources=(SOURCES[dataset],), alert_rules=RULES) as world:

        async def sync(edit=None):
            fleet.edit(dataset, edit)
            place = await world.event_log.last()
            summary = await world.orchestrator.sync_all_companies()
            assert summary.success, summary.errors
            return await told(world, place)

        for other, edit in BESIDE.get(dataset, {}).items():
            fleet.edit(other, edit)
        assert await sync(before) == []  # the baseline
        assert await sync(before) == []  # published again
        base = before or (lambda rows: rows)
        assert await sync(lambda rows: swapped(base(rows))) == []
        assert await sync(before) == []
        events = await sync(change)
        assert [found for found, _ in events if found == kind] == [kind]
        assert {found for found, _ in events} <= {kind, *BY_THE_WAY.get(kind, ())}
        data = dict(events)[kind]
        assert data["usdot"] == USDOT
        assert data["before"] != data["after"]
        assert data["severity"] in {"info", "low", "medium", "high", "critical"}
        assert await sync(change) == []
        place = await world.event_log.last()
        await world.orchestrator.sync_all_companies(force=True)
        assert await world.event_log.last() == place
        back = {found for found, _ in await sync(before)}
        expected = {kind if undone is None else undone} - {""}
        assert expected <= back <= expected | {EVENT_TYPES[kind].opposite} | set(BY_THE_WAY.get(kind, ()))


BY_THE_WAY = {
    "inspection.added": ["inspection.oos_violation"],
    "inspection.oos_violation": ["inspection.added", "inspection.changed"],
    "oos_rate.above_average": ["inspection.changed"],
    "basic.threshold_crossed": ["basic.measure_changed"],
    "insurance.requirement_changed": ["insurance.below_required", "insurance.required_met"],
}


def test_every_type_has_a_story():
    assert {kind for kind, *_ in STORIES} | {undone for *_, undone in STORIES} >= EVENT_TYPES.keys()
