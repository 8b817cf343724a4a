"""One inspection as it took place, and its row in the inspection file."""

from collections.abc import Sequence
from typing import NamedTuple

from fmcsa_orchestrator.testing.fmcsa.datasets import BASICS, HAZMAT, VEHICLE_MAINTENANCE, Row
from fmcsa_orchestrator.testing.fmcsa.units import Unit
from fmcsa_orchestrator.testing.fmcsa.violation_codes import LEVELS_WITH_DRIVER, LEVELS_WITH_VEHICLE


class Inspection(NamedTuple):
    """What the inspector saw; `violations` are rows already."""

    unique_id: str
    report_number: str
    dot_number: str
    day: str
    time_weight: str
    level: str
    hazmat: bool
    state: str
    federal: bool
    unit: Unit
    trailer: Unit | None
    decal: str | None
    violations: list[Row]

    def row(self) -> Row:
        """Its columns; null ones are left out."""
        return {
            "unique_id": self.unique_id,
            "report_number": self.report_number,
            "report_state": "US" if self.federal else self.state,
            "dot_number": self.dot_number,
            "insp_date": self.day,
            "insp_level_id": self.level,
            "county_code_state": self.state,
            "time_weight": self.time_weight,
            **(_out_of_service(self.violations) if self.violations else _NONE_OUT_OF_SERVICE),
            "total_hazmat_sent": "1" if self.hazmat else "0",
            **({"hazmat_placard_req": "Y"} if self.hazmat else {}),
            **self.unit.first,
            **({"unit_decal_number": self.decal} if self.decal else {}),
            **(self.trailer.second if self.trailer else {}),
            **_INSPECTED[self.level, self.hazmat],
            **(_counted(self.violations) if self.violations else _NONE_COUNTED),
        }


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
    if level in LEVELS_WITH_DRIVER:
        flags = dict.fromkeys(("unsafe_insp", "fatigued_insp", "dr_fitness_insp", "subt_alcohol_insp"), "true")
    if level in LEVELS_WITH_VEHICLE:
        flags[VEHICLE_MAINTENANCE.inspected] = "true"
    if hazmat:
        flags[HAZMAT.inspected] = "true"
    return flags


def _counted(violations: Sequence[Row]) -> Row:
    names = [row["basic_desc"] for row in violations]
    counts = {name: str(names.count(name)) for name in set(names)}
    return _NONE_COUNTED | {"basic_viol": str(len(names))} | {_COUNTED[name]: count for name, count in counts.items()}


# What most inspections say.
_INSPECTED = {(level, hazmat): _inspected(level, hazmat=hazmat) for level in "123456" for hazmat in (False, True)}
_NONE_OUT_OF_SERVICE = _out_of_service(())
_COUNTED = {basic.name: basic.counted for basic in BASICS}
_NONE_COUNTED = {"basic_viol": "0", **dict.fromkeys(_COUNTED.values(), "0")}
