"""The inspection and violation rows of one carrier: made by chance, yet the same each time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from random import Random

from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import Row
from fmcsa_orchestrator.testing.fmcsa.inspection import Inspection
from fmcsa_orchestrator.testing.fmcsa.sms_dates import INSPECTION_DAYS
from fmcsa_orchestrator.testing.fmcsa.units import STATES, Unit, make_units
from fmcsa_orchestrator.testing.fmcsa.violation_codes import CODES_BY_LEVEL, LEVELS_WITH_VEHICLE, VIOLATION_CODES, Violation

_LEVELS = "1111122222223333335664"
_FRUITFUL_LEVELS = _LEVELS.replace("4", "")  # special studies write down no violations here
_COLUMNS = {(violation, oos): violation.columns(oos=oos) for violation in VIOLATION_CODES for oos in (False, True)}
_TWICE = 0.03  # of the inspections with two violations or more: about 1 in 50 of those with any
_REPLACED = 0.1
EARLIER_VERSIONS = 2  # that SMS never has: their numbers are free for inspections of the daily files alone
_FIRST_INSPECTION = 60_000_000


class MadeRows:
    """What the two input files hold of a carrier."""

    def __init__(self, inspections: Sequence[Inspection]) -> None:
        self._inspections = inspections
        self.violations = [row for inspection in inspections for row in inspection.violations]

    def __len__(self) -> int:
        return len(self._inspections) + len(self.violations)

    @cached_property
    def inspections(self) -> list[Row]:
        """Made when first asked for."""
        return [inspection.row() for inspection in self._inspections]


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

    def inspection_id(self, place: int, version: int) -> int:
        """Its number in the daily files; `place_of` leads back."""
        return _FIRST_INSPECTION + self.first + place + (version + EARLIER_VERSIONS) * self.stride


def place_of(inspection_id: int, stride: int) -> int:
    """The place in the whole fleet to which an inspection of the daily files belongs."""
    return (inspection_id - _FIRST_INSPECTION) % stride


def make_rows(carrier: Carrier, seed: int, version: int, keys: Keys) -> MadeRows:
    """All its rows after `version` changes, each of which swaps some inspections for new ones."""
    made = {place: inspection for place, _, inspection in every_inspection(carrier, seed, version, keys)}
    return MadeRows(list(made.values()))


def every_inspection(carrier: Carrier, seed: int, version: int, keys: Keys) -> Iterator[tuple[int, int, Inspection]]:
    """All that it ever had up to `version` changes: its place, the change with which it came, and what was seen."""
    rng = Random(f"{seed}:{carrier.usdot}:0")
    inspector = _Inspector.of(carrier, seed)
    sizes = _violations_by_inspection(carrier, rng)
    for place, size in enumerate(sizes):
        yield place, 0, inspector.inspect(rng, keys.at(place, 0), size)
    for change in range(1, version + 1):
        rng = Random(f"{seed}:{carrier.usdot}:{change}")
        for place in _places_to_change(sizes, rng):
            yield place, change, inspector.inspect(rng, keys.at(place, change), sizes[place])


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
        count = max(1, min(400, carrier.inspections // 4))
        units = make_units(rng, "passenger" if carrier.passenger else "power", count, states)
        trailers = [] if carrier.passenger else make_units(rng, "trailer", count, states)
        return cls(str(carrier.usdot), not carrier.passenger and rng.random() < 0.2, states, units, trailers)

    def inspect(self, rng: Random, key: tuple[str, str], size: int) -> Inspection:
        """One inspection with `size` violations."""
        chance = rng.random
        levels = _FRUITFUL_LEVELS if size else _LEVELS
        level = levels[int(chance() * len(levels))]
        hazmat = self.hauls_hazmat and level in LEVELS_WITH_VEHICLE and chance() < 0.4
        day, time_weight = INSPECTION_DAYS[int(chance() * len(INSPECTION_DAYS))]
        unit = self.units[int(chance() * len(self.units))]
        trailer = self.trailers[int(chance() * len(self.trailers))] if self.trailers and chance() < 0.7 else None
        head = {"unique_id": key[0], "insp_date": day, "dot_number": self.dot_number, "time_weight": time_weight}
        picked = _pick(rng, CODES_BY_LEVEL[level, hazmat], size) if size else ()
        violations = _violations(rng, head, picked, with_trailer=trailer is not None)
        state = self.states[int(chance() * len(self.states))]
        federal = chance() < 0.05
        decal = str(30_000_000 + int(chance() * 9_999_999)) if not size and level in "15" and chance() < 0.5 else None
        return Inspection(
            *key, self.dot_number, day, time_weight, level, hazmat, state, federal, unit, trailer, decal, violations
        )


def _violations(rng: Random, head: Row, picked: Sequence[Violation], *, with_trailer: bool) -> list[Row]:
    chance = rng.random
    rows = []
    for violation in picked:
        row = _COLUMNS[violation, violation.can_stop and chance() < 0.25].copy()
        row |= head
        row["viol_unit"] = _unit(violation, chance(), with_trailer=with_trailer)
        rows.append(row)
    if len(rows) > 1 and chance() < _TWICE:
        rows[-1] = rows[0].copy()
    return rows


def _pick(rng: Random, pool: Sequence[Violation], size: int) -> list[Violation]:
    """Different ones as long as there are enough."""
    if size > len(pool):
        return rng.choices(pool, k=size)
    picked: dict[Violation, None] = {}
    while len(picked) < size:
        picked[pool[int(rng.random() * len(pool))]] = None
    return list(picked)


def _unit(violation: Violation, chance: float, *, with_trailer: bool) -> str:
    if violation.by_driver:
        return "C" if chance < 0.05 else "D"
    return "2" if with_trailer and chance < 0.35 else "1"
