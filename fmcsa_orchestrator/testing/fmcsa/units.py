"""The vehicles of a made-up carrier."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Self

from fmcsa_orchestrator.testing.fmcsa.datasets import Row

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


@dataclass(frozen=True, slots=True)
class Unit:
    """A vehicle as inspectors write it down, the same way each time; what they leave out has no column."""

    first: Row
    second: Row

    @classmethod
    def of(cls, known: Row) -> Self:
        """Its columns as the first and as the second unit of an inspection."""
        return cls(known, {f"{column}2": value for column, value in known.items()})


def make_units(rng: Random, use: str, count: int, states: Sequence[str]) -> list[Unit]:
    """So many vehicles: of use "power", "passenger" or "trailer"."""
    return [_make_unit(rng, use, states) for _ in range(count)]


def _make_unit(rng: Random, use: str, states: Sequence[str]) -> Unit:
    makes = _AWKWARD_MAKES if rng.random() < 0.03 else _MAKES[use]
    known = {
        "unit_type_desc": rng.choice(_TYPES[use]),
        "unit_make": rng.choice(makes),
    }
    characters = f"{rng.getrandbits(96):024X}"  # for license and VIN
    if rng.random() < 0.95:
        known["unit_license"] = characters[:7]
        known["unit_license_state"] = rng.choice(states)
    if rng.random() < 0.92:
        known["vin"] = characters[7:]
    return Unit.of(known)
