"""The inspection and violation rows of one carrier: made by chance, yet the same each time."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from random import Random

from fmcsa_orchestrator.testing.carriers import Carrier
from fmcsa_orchestrator.testing.datasets import BASICS, HAZMAT, VEHICLE_MAINTENANCE, Row
from fmcsa_orchestrator.testing.sms_dates import INSPECTION_DAYS
from fmcsa_orchestrator.testing.units import STATES, Unit, make_units
from fmcsa_orchestrator.testing.violation_codes import (
    CODES_BY_LEVEL,
    DRIVER_LEVELS,
    VEHICLE_LEVELS,
    Violation,
)

_LEVELS = "1111122222223333335664"
_FRUITFUL_LEVELS = _LEVELS.replace("4", "")  # special studies write down no violations here
_TWICE = 0.035  # of the inspections with two violations or more: about 1 in 50 of those with any
_REPLACED = 0.1


@dataclass(frozen=True, slots=True)
class CarrierRows:
    """What the two input files hold of a carrier."""

    inspections: list[Row]
    violations: list[Row]


@dataclass(frozen=True, slots=True)
class Keys:
    """Numbers its inspections so that none is used twice in a fleet: by place, and by how often a place was filled anew."""

    first: int
    stride: int

    def at(self, place: int, version: int) -> tuple[str, str]:
        """`unique_id` and `report_number`, both scattered."""
        number = self.first + place + version * self.stride
        # The factors share no divisor with the number of ids, so different numbers give different ids.
        unique_id = 100_000_000 + number * 618_033_989 % 900_000_000
        report_number = 1_000_000_000 + number * 2_718_281_831 % 9_000_000_000
        return str(unique_id), str(report_number)


def make_rows(carrier: Carrier, seed: int, version: int, keys: Keys) -> CarrierRows:
    """All its rows after `version` changes, each of which swaps some inspections for new ones."""
    rng = Random(f"{seed}:{carrier.usdot}:0")
    inspector = _Inspector.of(carrier, seed)
    sizes = _violations_by_inspection(carrier, rng)
    made = [inspector.inspect(rng, keys.at(place, 0), size) for place, size in enumerate(sizes)]
    for change in range(1, version + 1):
        rng = Random(f"{seed}:{carrier.usdot}:{change}")
        for place in _places_to_change(sizes, rng):
            made[place] = inspector.inspect(rng, keys.at(place, change), sizes[place])
    return CarrierRows([inspection for inspection, _ in made], [row for _, violations in made for row in violations])


def _violations_by_inspection(carrier: Carrier, rng: Random) -> list[int]:
    """How many each gets; about a third of the inspections stay clean."""
    sizes = [0] * carrier.inspections
    fruitful = rng.sample(range(carrier.inspections), ceil(carrier.inspections * 0.65))
    if carrier.violations:
        for place in rng.choices(fruitful, k=carrier.violations):
            sizes[place] += 1
    return sizes


def _places_to_change(sizes: Sequence[int], rng: Random) -> list[int]:
    """Some inspections with violations and some without, one at least of each."""
    fruitful = [place for place, size in enumerate(sizes) if size]
    clean = [place for place, size in enumerate(sizes) if not size]
    return [place for places in (fruitful, clean) for place in rng.sample(places, ceil(len(places) * _REPLACED))]


@dataclass(frozen=True, slots=True)
class _Inspector:
    """Writes the inspections of one carrier."""

    dot_number: str
    hauls_hazmat: bool
    states: tuple[str, ...]
    units: list[Unit]
    trailers: list[Unit]

    @classmethod
    def of(cls, carrier: Carrier, seed: int) -> "_Inspector":
        rng = Random(f"{seed}:{carrier.usdot}:units")
        states = tuple(rng.sample(STATES, 4))
        count = max(1, min(400, carrier.inspections // 2))
        units = make_units(rng, "passenger" if carrier.passenger else "power", count, states)
        trailers = [] if carrier.passenger else make_units(rng, "trailer", count, states)
        return cls(str(carrier.usdot), not carrier.passenger and rng.random() < 0.2, states, units, trailers)

    def inspect(self, rng: Random, key: tuple[str, str], size: int) -> tuple[Row, list[Row]]:
        """One inspection with `size` violations."""
        chance = rng.random
        levels = _FRUITFUL_LEVELS if size else _LEVELS
        level = levels[int(chance() * len(levels))]
        hazmat = self.hauls_hazmat and level in VEHICLE_LEVELS and chance() < 0.4
        day, time_weight = INSPECTION_DAYS[int(chance() * len(INSPECTION_DAYS))]
        unit = self.units[int(chance() * len(self.units))]
        trailer = self.trailers[int(chance() * len(self.trailers))] if self.trailers and chance() < 0.7 else None
        head = {"unique_id": key[0], "insp_date": day, "dot_number": self.dot_number, "time_weight": time_weight}
        pool = CODES_BY_LEVEL.get((level, hazmat), ())
        violations = self._violations(rng, head, _pick(rng, pool, size), with_trailer=trailer is not None)
        state = self.states[int(chance() * len(self.states))]
        row = {
            "unique_id": key[0],
            "report_number": key[1],
            "report_state": "US" if chance() < 0.05 else state,
            "dot_number": self.dot_number,
            "insp_date": day,
            "insp_level_id": level,
            "county_code_state": state,
            "time_weight": time_weight,
            **_out_of_service(violations),
            "total_hazmat_sent": "1" if hazmat else "0",
            **({"hazmat_placard_req": "Y"} if hazmat else {}),
            **unit.columns(),
            **(trailer.columns("2") if trailer else {}),
            **_inspected(level, hazmat=hazmat),
            **_counted(violations),
        }
        if not size and level in "15" and chance() < 0.5:
            row["unit_decal_number"] = str(30_000_000 + int(chance() * 9_999_999))
        return row, violations

    def _violations(self, rng: Random, head: Row, picked: Sequence[Violation], *, with_trailer: bool) -> list[Row]:
        chance = rng.random
        rows = []
        for violation in picked:
            oos = violation.can_stop and chance() < 0.25
            rows.append(
                {
                    "unique_id": head["unique_id"],
                    "insp_date": head["insp_date"],
                    "dot_number": head["dot_number"],
                    "viol_code": violation.code,
                    "basic_desc": violation.basic.name,
                    "oos_indicator": "true" if oos else "false",
                    "oos_weight": "2" if oos else "0",
                    "severity_weight": str(violation.severity),
                    "time_weight": head["time_weight"],
                    "total_severity_wght": str(violation.severity + 2 * oos),
                    "section_desc": violation.description,
                    "group_desc": violation.group,
                    "viol_unit": _unit(violation, chance(), with_trailer=with_trailer),
                }
            )
        if len(rows) > 1 and chance() < _TWICE:
            rows[-1] = rows[0].copy()
        return rows


def _pick(rng: Random, pool: Sequence[Violation], size: int) -> list[Violation]:
    """Different ones as long as there are enough."""
    return rng.sample(pool, size) if size <= len(pool) else rng.choices(pool, k=size)


def _unit(violation: Violation, chance: float, *, with_trailer: bool) -> str:
    if violation.by_driver:
        return "C" if chance < 0.05 else "D"
    return "2" if with_trailer and chance < 0.35 else "1"


def _out_of_service(violations: Sequence[Row]) -> Row:
    driver = vehicle = hazmat = 0
    for row in violations:
        if row["oos_indicator"] == "false":
            continue
        if row["basic_desc"] == HAZMAT.name:
            hazmat += 1
        elif row["viol_unit"] in "DC":
            driver += 1
        else:
            vehicle += 1
    return {
        "driver_oos_total": str(driver),
        "vehicle_oos_total": str(vehicle),
        "oos_total": str(driver + vehicle + hazmat),
        "hazmat_oos_total": str(hazmat),
    }


def _inspected(level: str, *, hazmat: bool) -> Row:
    """The BASICs that were looked at; the others have no column."""
    flags: Row = {}
    if level in DRIVER_LEVELS:
        flags = dict.fromkeys(("unsafe_insp", "fatigued_insp", "dr_fitness_insp", "subt_alcohol_insp"), "true")
    if level in VEHICLE_LEVELS:
        flags[VEHICLE_MAINTENANCE.inspected] = "true"
    if hazmat:
        flags[HAZMAT.inspected] = "true"
    return flags


def _counted(violations: Sequence[Row]) -> Row:
    names = [row["basic_desc"] for row in violations]
    return {"basic_viol": str(len(names)), **{basic.counted: str(names.count(basic.name)) for basic in BASICS}}
