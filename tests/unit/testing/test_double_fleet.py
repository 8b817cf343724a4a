"""The double's rows: shaped like the real files, and in agreement with each other."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise

import pytest

from fmcsa_orchestrator.testing.fmcsa.carrier_files import CarrierFiles, FilesCache
from fmcsa_orchestrator.testing.fmcsa.carrier_rows import Keys, make_rows
from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.catalogue import DATASETS, TITLES
from fmcsa_orchestrator.testing.fmcsa.datasets import SMS_COLUMNS, SMS_TITLES
from fmcsa_orchestrator.testing.fmcsa.fleet import Fleet
from fmcsa_orchestrator.testing.fmcsa.result_rows import spell_measure

Rows = list[dict[str, str]]
Reader = Callable[[Fleet, str, int], Rows]

VIOLATIONS, INSPECTIONS = "8mt8-2mdr", "rbkj-cgst"
RESULTS = {"AB": "4y6x-dmck", "C": "h9zy-gjn8"}
PASSENGER_RESULTS = {"AB": "m3ry-qcip", "C": "h3zn-uid9"}

# name in violation rows: column in inspection rows, prefix in results
BASICS = {
    "Unsafe Driving": ("unsafe", "unsafe_driv"),
    "Hours-of-Service Compliance": ("fatigued", "hos_driv"),
    "Driver Fitness": ("dr_fitness", "driv_fit"),
    "Controlled Substances/Alcohol": ("subt_alcohol", "contr_subst"),
    "Vehicle Maintenance": ("vh_maint", "veh_maint"),
    "Hazardous Materials (HM) Compliance": ("hm", None),
}
VEHICLE_BASICS = ("Vehicle Maintenance", "Hazardous Materials (HM) Compliance")
THRESHOLDS = {"unsafe_driv": 50, "hos_driv": 50, "driv_fit": 65, "contr_subst": 65, "veh_maint": 65}
TOO_FEW = {
    "Less than 3 driver inspections",
    "Less than 5 driver inspections",
    "Less than 5 vehicle inspections",
    "Less than 5 vehicle inspections with violations",
}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """Two editions on, so that every check is of changed carriers too."""
    fleet = Fleet.sample(60)
    fleet.publish(changed=0.5)
    fleet.publish(changed=0.5)
    return fleet


def snapshot(fleet: Fleet, read: Reader = Fleet.rows) -> dict[tuple[str, int], Rows]:
    return {(dataset, usdot): read(fleet, dataset, usdot) for dataset in SMS_COLUMNS for usdot in fleet.usdots}


def every(fleet: Fleet, dataset: str) -> Rows:
    return [row for usdot in fleet.usdots for row in fleet.rows(dataset, usdot)]


def by_inspection(fleet: Fleet) -> list[tuple[dict[str, str], Rows]]:
    """Each inspection with its violations; none may be left over."""
    inspections: dict[str, tuple[dict[str, str], Rows]] = {row["unique_id"]: (row, []) for row in every(fleet, INSPECTIONS)}
    for violation in every(fleet, VIOLATIONS):
        inspections[violation["unique_id"]][1].append(violation)
    return list(inspections.values())


def with_results(fleet: Fleet) -> Iterator[tuple[Carrier, dict[str, str]]]:
    """Each listed carrier with a result row of it."""
    for carrier in fleet.carriers:
        for dataset in (*RESULTS.values(), *PASSENGER_RESULTS.values()):
            for row in fleet.rows(dataset, carrier.usdot):
                yield carrier, row


def test_columns_are_those_of_the_files(fleet: Fleet) -> None:
    assert {dataset: len(columns) for dataset, columns in SMS_COLUMNS.items()} == {
        VIOLATIONS: 13,
        INSPECTIONS: 39,
        **dict.fromkeys(RESULTS.values(), 21),
        **dict.fromkeys(PASSENGER_RESULTS.values(), 36),
    }
    assert SMS_TITLES.keys() == SMS_COLUMNS.keys() <= TITLES.keys() == DATASETS.keys()
    for dataset, columns in SMS_COLUMNS.items():
        rows = every(fleet, dataset)
        assert {column for row in rows for column in row} <= set(columns)
        assert all(type(value) is str and value for row in rows for value in row.values())
        if dataset != INSPECTIONS:
            assert all(row.keys() == set(columns) for row in rows)


def test_sample_has_every_kind() -> None:
    kinds = Counter(carrier.kind for carrier in Fleet.sample().carriers)
    assert kinds.keys() == {"small", "large", "clean", "listed", "unknown"}
    assert kinds["large"] == 1
    assert kinds["small"] > 20
    assert {(c.passenger, c.file_class) for c in Fleet.sample().carriers if c.kind == "small"} == {
        (False, "AB"),
        (False, "C"),
        (True, "AB"),
        (True, "C"),
    }


def test_kinds_have_the_rows_they_promise(fleet: Fleet) -> None:
    for carrier in fleet.carriers:
        violations, inspections = (fleet.rows(dataset, carrier.usdot) for dataset in (VIOLATIONS, INSPECTIONS))
        assert (len(violations), len(inspections)) == (carrier.violations, carrier.inspections)
        assert bool(violations) == (carrier.kind in {"small", "large"})
        assert bool(inspections) == (carrier.kind in {"small", "large", "clean"})
        if carrier.kind == "large":
            assert 2_100 <= len(violations) <= 2_199


def test_class_and_passengers_decide_the_result_files(fleet: Fleet) -> None:
    for carrier in fleet.carriers:
        expected = set[str]()
        if carrier.kind != "unknown":
            expected = {RESULTS[carrier.file_class]} | ({PASSENGER_RESULTS[carrier.file_class]} if carrier.passenger else set())
        found = {d for d in (*RESULTS.values(), *PASSENGER_RESULTS.values()) if fleet.rows(d, carrier.usdot)}
        assert found == expected


def test_giant_comes_on_top() -> None:
    fleet = Fleet.sample(3, giant=True)
    giant = fleet.carriers[-1]
    assert [carrier.kind for carrier in fleet.carriers].count("giant") == 1
    assert fleet.carriers[:3] == Fleet.sample(3).carriers
    assert 50_000 < len(fleet.rows(VIOLATIONS, giant.usdot)) < 50_500
    assert 29_000 < len({row["unique_id"] for row in fleet.rows(INSPECTIONS, giant.usdot)}) < 31_000


def test_uniform_is_small_property_carriers() -> None:
    fleet = Fleet.uniform(50, violations=9, inspections=4)
    assert {(c.kind, c.passenger, c.file_class, c.inspections, c.violations) for c in fleet.carriers} == {
        ("small", False, "AB", 4, 9)
    }
    assert len(set(fleet.usdots)) == len(fleet) == 50
    assert {len(fleet.rows(VIOLATIONS, usdot)) for usdot in fleet.usdots} == {9}


def test_violations_need_inspections() -> None:
    with pytest.raises(ValueError, match="need inspections"):
        Fleet.uniform(1, violations=1, inspections=0)


def test_more_violations_than_codes() -> None:
    fleet = Fleet.uniform(2, violations=300, inspections=2)
    assert [len(fleet.rows(VIOLATIONS, usdot)) for usdot in fleet.usdots] == [300, 300]


def test_documents_spell_the_number_variously() -> None:
    fleet = Fleet.sample(8)
    numbers = [document["dotNumber"] for document in fleet.company_documents()]
    usdots = fleet.usdots
    assert numbers[:4] == [usdots[0], str(usdots[1]), f" {usdots[2]:08d}", f"USDOT {usdots[3]}"]
    assert [int(str(number).removeprefix("USDOT ")) for number in numbers] == usdots
    assert all(document.keys() == {"name", "dotNumber"} for document in fleet.company_documents())


def test_ids_are_unique_over_the_fleet(fleet: Fleet) -> None:
    rows = every(fleet, INSPECTIONS)
    for column, digits in (("unique_id", 9), ("report_number", 10)):
        values = [row[column] for row in rows]
        assert len(set(values)) == len(values)
        assert all(re.fullmatch(rf"\d{{{digits}}}", value) for value in values)


def test_dates_are_in_the_window_and_weighted_by_age(fleet: Fleet) -> None:
    for row in every(fleet, INSPECTIONS) + every(fleet, VIOLATIONS):
        assert re.fullmatch(r"\d\d-[A-Z]{3}-\d\d", row["insp_date"])
        day = datetime.strptime(row["insp_date"].title(), "%d-%b-%y")  # noqa: DTZ007
        assert datetime(2024, 10, 30) < day < datetime(2026, 10, 30)
        weight = 3 if day >= datetime(2026, 4, 30) else 2 if day >= datetime(2025, 10, 30) else 1
        assert row["time_weight"] == str(weight)


def test_violations_agree_with_their_inspection(fleet: Fleet) -> None:
    for inspection, violations in by_inspection(fleet):
        for violation in violations:
            for column in ("insp_date", "dot_number", "time_weight"):
                assert violation[column] == inspection[column]
        found = Counter(violation["basic_desc"] for violation in violations)
        assert found.keys() <= BASICS.keys()
        assert inspection["basic_viol"] == str(len(violations))
        for name, (column, _) in BASICS.items():
            assert inspection[f"{column}_viol"] == str(found[name])
            assert not found[name] or inspection[f"{column}_insp"] == "true"


def test_levels_decide_what_is_inspected(fleet: Fleet) -> None:
    for inspection, _ in by_inspection(fleet):
        level = inspection["insp_level_id"]
        hazmat = inspection.get("hazmat_placard_req") == "Y"
        assert level in "123456"
        assert not hazmat or level in "1256"
        for column in ("unsafe", "fatigued", "dr_fitness", "subt_alcohol"):
            assert inspection.get(f"{column}_insp") == ("true" if level in "1236" else None)
        assert inspection.get("vh_maint_insp") == ("true" if level in "1256" else None)
        assert inspection.get("hm_insp") == ("true" if hazmat else None)


def test_out_of_service_totals_follow_the_units(fleet: Fleet) -> None:
    for inspection, violations in by_inspection(fleet):
        oos = Counter[str]()
        for violation in violations:
            if violation["oos_indicator"] == "true":
                hazmat = violation["basic_desc"].startswith("Hazardous")
                oos["hazmat" if hazmat else "driver" if violation["viol_unit"] in "DC" else "vehicle"] += 1
        for kind in ("driver", "vehicle", "hazmat"):
            assert inspection[f"{kind}_oos_total"] == str(oos[kind])
        assert inspection["oos_total"] == str(oos.total())


def test_violation_units_fit(fleet: Fleet) -> None:
    for inspection, violations in by_inspection(fleet):
        for violation in violations:
            assert violation["viol_unit"] in ("12" if violation["basic_desc"] in VEHICLE_BASICS else "DC")
            assert violation["viol_unit"] != "2" or "unit_type_desc2" in inspection


def test_weights(fleet: Fleet) -> None:
    rows = every(fleet, VIOLATIONS)
    for row in rows:
        assert row["oos_weight"] == {"true": "2", "false": "0"}[row["oos_indicator"]]
        assert 1 <= int(row["severity_weight"]) <= 10
        assert int(row["total_severity_wght"]) == int(row["severity_weight"]) + int(row["oos_weight"])
        assert row["viol_code"].isalnum()
    assert len({row["viol_code"] for row in rows}) > 35
    assert {row["oos_indicator"] for row in rows} == {"true", "false"}


def test_results_add_up(fleet: Fleet) -> None:
    for carrier, result in with_results(fleet):
        inspections = fleet.rows(INSPECTIONS, carrier.usdot)
        driver = [row for row in inspections if row["insp_level_id"] in "1236"]
        vehicle = [row for row in inspections if row["insp_level_id"] in "1256"]
        assert result["dot_number"] == str(carrier.usdot)
        assert result["insp_total"] == str(len(inspections))
        assert result["driver_insp_total"] == str(len(driver))
        assert result["driver_oos_insp_total"] == str(sum(row["driver_oos_total"] != "0" for row in driver))
        assert result["vehicle_insp_total"] == str(len(vehicle))
        assert result["vehicle_oos_insp_total"] == str(sum(row["vehicle_oos_total"] != "0" for row in vehicle))
        for name, (_, prefix) in BASICS.items():
            if prefix:
                found = {row["unique_id"] for row in fleet.rows(VIOLATIONS, carrier.usdot) if row["basic_desc"] == name}
                assert result[f"{prefix}_insp_w_viol"] == str(len(found))
                assert bool(found) == (result[f"{prefix}_measure"] != "0")
                assert result[f"{prefix}_ac"] in {"Y", "N"}


def test_percentiles_and_alerts_follow_the_thresholds(fleet: Fleet) -> None:
    seen = Counter[str]()
    for _, result in with_results(fleet):
        for prefix, threshold in THRESHOLDS.items():
            if f"{prefix}_pct" not in result:
                continue
            percentile = re.fullmatch(r"(\d{1,2})%", result[f"{prefix}_pct"])
            alert = percentile is not None and int(percentile[1]) >= threshold
            assert percentile or result[f"{prefix}_pct"] in TOO_FEW
            assert result[f"{prefix}_rd_alert"] == "NY"[alert]
            assert result[f"{prefix}_basic_alert"] == "NY"[alert or result[f"{prefix}_ac"] == "Y"]
            seen["alert" if alert else "no alert" if percentile else "no percentile"] += 1
    assert seen.keys() == {"alert", "no alert", "no percentile"}


@pytest.mark.parametrize(
    ("measure", "text"), [(0.0, "0"), (0.02, ".02"), (0.5, ".5"), (1.0, "1"), (10.0, "10"), (14.5, "14.5"), (3.149, "3.15")]
)
def test_measures_have_no_zero_before_the_point(measure: float, text: str) -> None:
    assert spell_measure(measure) == text


def test_a_few_rows_stand_twice(fleet: Fleet) -> None:
    fruitful = [violations for _, violations in by_inspection(fleet) if violations]
    twice = [rows for rows in fruitful if len({tuple(sorted(row.items())) for row in rows}) < len(rows)]
    assert 0.01 < len(twice) / len(fruitful) < 0.04


def test_some_columns_are_missing_and_some_texts_awkward(fleet: Fleet) -> None:
    inspections = every(fleet, INSPECTIONS)
    for column in ("vin", "unit_license", "unit_decal_number", "unit_type_desc2", "vin2", "hazmat_placard_req"):
        assert 0 < sum(column in row for row in inspections) < len(inspections)
    assert {len(row["vin"]) for row in inspections if "vin" in row} == {17}
    assert "US" in {row["report_state"] for row in inspections}
    makes = "".join({row["unit_make"] for row in inspections})
    descriptions = "".join({row["section_desc"] for row in every(fleet, VIOLATIONS)})
    for text in (makes, descriptions):
        assert set("'\".$") <= set(text)
        assert not text.isascii()


def test_same_seed_same_rows_other_seed_other_rows() -> None:
    first, again, other = Fleet.sample(8), Fleet.sample(8), Fleet.sample(8, seed=8)
    assert snapshot(first) == snapshot(again)
    assert not set(first.usdots) & set(other.usdots)


def test_publish_changes_a_share_and_nothing_else() -> None:
    fleet = Fleet.uniform(50)
    before = snapshot(fleet)
    fleet.publish(changed=0.2)
    after = snapshot(fleet)
    assert fleet.edition == 1
    changed = {usdot for (_, usdot), rows in after.items() if rows != before[_, usdot]}
    assert len(changed) == 10
    for usdot in changed:
        for dataset in (VIOLATIONS, INSPECTIONS):
            ids_before, ids_after = ({row["unique_id"] for row in edition[dataset, usdot]} for edition in (before, after))
            assert ids_before - ids_after
            assert ids_after - ids_before
            assert ids_before & ids_after
            kept = [
                [r for r in edition[dataset, usdot] if r["unique_id"] in ids_before & ids_after] for edition in (before, after)
            ]
            assert kept[0] == kept[1]
    assert snapshot(fleet, Fleet.previous) == before


def test_publishes_never_use_an_id_twice() -> None:
    fleet = Fleet.uniform(5)
    editions = []
    for _ in range(6):
        editions.append({row["unique_id"] for row in every(fleet, INSPECTIONS)})
        fleet.publish(changed=1.0)
    gone = set[str]()
    for earlier, later in pairwise(editions):
        gone |= earlier - later
        assert not gone & later


def test_publish_of_the_same_content() -> None:
    fleet = Fleet.sample(8)
    before = snapshot(fleet)
    assert snapshot(fleet, Fleet.previous) == before
    fleet.publish(changed=0.0)
    assert fleet.edition == 1
    assert snapshot(fleet) == before


def test_a_small_share_is_one_carrier_at_least() -> None:
    fleet = Fleet.uniform(3)
    before = snapshot(fleet)
    fleet.publish(changed=0.01)
    assert len({usdot for (_, usdot), rows in snapshot(fleet).items() if rows != before[_, usdot]}) == 1


def test_a_share_is_from_0_to_1() -> None:
    with pytest.raises(ValueError, match="share"):
        Fleet.uniform(3).publish(changed=20)


def test_counts_are_those_of_the_rows(fleet: Fleet) -> None:
    for dataset in DATASETS:
        counts = [fleet.count(dataset, key) for key in fleet.keys(dataset)]
        assert counts == [len(fleet.rows(dataset, key)) for key in fleet.keys(dataset)]
        assert fleet.total_rows(dataset) == sum(counts)


def test_nobody_has_no_rows(fleet: Fleet) -> None:
    assert fleet.rows(VIOLATIONS, 1) == fleet.previous(VIOLATIONS, 1) == []
    assert fleet.count(VIOLATIONS, 1) == 0


def test_the_list_is_the_callers() -> None:
    fleet = Fleet.uniform(1)
    fleet.rows(VIOLATIONS, fleet.usdots[0]).clear()
    assert fleet.rows(VIOLATIONS, fleet.usdots[0])


def files_of_100_rows() -> CarrierFiles:
    fleet = Fleet.uniform(1, violations=49, inspections=49)
    return CarrierFiles(fleet.carriers[0], make_rows(fleet.carriers[0], 7, 0, Keys(0, 49)), 7)


def test_cache_forgets_the_least_used() -> None:
    cache, made = FilesCache(250), []

    def make() -> CarrierFiles:
        made.append(usdot)
        return files_of_100_rows()

    for usdot in (1, 2, 1, 3, 1, 2):
        cache.get((usdot, 0), make)
    assert made == [1, 2, 3, 2]
    assert cache.size == 200


def test_cache_keeps_the_last_whatever_its_size() -> None:
    cache, files = FilesCache(1), files_of_100_rows()
    assert cache.get((1, 0), lambda: files) is cache.get((1, 0), files_of_100_rows) is files
