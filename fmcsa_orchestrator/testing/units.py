"""The vehicles of a made-up carrier."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from fmcsa_orchestrator.testing.datasets import Row

STATES = "AL AZ CA CO FL GA IA IL IN KS KY MO NC NE NY OH OK OR PA TN TX UT VA WA WI".split()

_TYPES = {
    "power": ("TRUCK TRACTOR", "TRUCK TRACTOR", "TRUCK TRACTOR", "STRAIGHT TRUCK"),
    "passenger": ("BUS", "MOTOR COACH", "PASSENGER VAN", "SCHOOL BUS", "LIMOUSINE"),
    "trailer": ("SEMI-TRAILER", "SEMI-TRAILER", "FULL TRAILER", "INTERMODAL CHASSIS"),
}
_MAKES = {
    "power": ("FREIGHTLINER", "PETERBILT", "KENWORTH", "VOLVO", "MACK", "INTERNATIONAL"),
    "passenger": ("FORD", "PREVOST", "VAN HOOL", "BLUE BIRD", "CHAMPION"),
    "trailer": ("UTILITY", "GREAT DANE", "WABASH", "HYUNDAI", "FONTAINE"),
}
_AWKWARD_MAKES = ("ŠKODA", "O'NEIL", 'THE "BIG" ONE', "MFG. CO.", "$PECIAL")
_VIN_CHARACTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True)
class Unit:
    """A vehicle as inspectors write it down, the same way each time; what they leave out has no column."""

    known: Row

    def columns(self, number: str = "") -> Row:
        """Its columns as the first unit or as unit 2."""
        return {column + number: value for column, value in self.known.items()} if number else self.known


def make_units(rng: Random, use: str, count: int, states: Sequence[str]) -> list[Unit]:
    """So many vehicles: of use "power", "passenger" or "trailer"."""
    return [_make_unit(rng, use, states) for _ in range(count)]


def _make_unit(rng: Random, use: str, states: Sequence[str]) -> Unit:
    makes = _AWKWARD_MAKES if rng.random() < 0.03 else _MAKES[use]
    known = {
        "unit_type_desc": rng.choice(_TYPES[use]),
        "unit_make": rng.choice(makes),
    }
    if rng.random() < 0.95:
        known["unit_license"] = "".join(rng.choices(_VIN_CHARACTERS, k=7))
        known["unit_license_state"] = rng.choice(states)
    if rng.random() < 0.92:
        known["vin"] = "".join(rng.choices(_VIN_CHARACTERS, k=17))
    return Unit(known)
