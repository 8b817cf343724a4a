"""The inspections of one carrier in the daily files: all that SMS has, those that it does not have yet, and older ones."""

from dataclasses import dataclass
from datetime import date, timedelta

from fmcsa_orchestrator.testing.fmcsa.carrier_rows import Keys, every_inspection
from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.inspection import Inspection
from fmcsa_orchestrator.testing.fmcsa.sms_dates import SMS_RUN, day_spelled

_BEFORE_SMS = date(2024, 10, 30)  # the last day that SMS no longer looks at
_OLDER, _NEWER = -2, -1  # versions that SMS never has


@dataclass(frozen=True, slots=True)
class DailyInspection:
    """One inspection there.

    Attributes:
        id: its number in these files; SMS does not tell it.
        carrier: whose it is.
        day: when it took place.
        changed: what the column `change_date` says.
        is_corrected: whether it was changed after it had been added.
        seen: what the inspector saw.
    """

    id: int
    carrier: Carrier
    day: date
    changed: str
    is_corrected: bool
    seen: Inspection


class DailyInspections(dict[int, DailyInspection]):
    """A carrier's, by their number."""

    @property
    def size(self) -> int:
        """How many."""
        return len(self)


def daily_inspections(carrier: Carrier, seed: int, version: int, keys: Keys) -> DailyInspections:
    """A carrier's after `version` changes.

    Each brings what SMS will have after its own next one, and one inspection of the days since SMS's run; the oldest goes, and
    one is corrected. What SMS no longer has stays.
    """
    found = DailyInspections()

    def add(id_: int, day: date, seen: Inspection, corrected: int = 0) -> None:
        changed = f"{day + timedelta(days=1 + id_ % 5):%Y%m%d} 21{30 + id_ % 20}"
        if corrected:
            changed = f"20261111 21{min(59, 30 + corrected)}"
        found[id_] = DailyInspection(id_, carrier, day, changed, corrected > 0, seen)

    number = carrier.inspections
    corrected = {(change - 1) % number: change for change in range(1, version + 1)} if number else {}
    for place, change, seen in every_inspection(carrier, seed, version + 1, keys):
        day = day_spelled(seen.day)
        add(keys.inspection_id(place, change), day, seen, 0 if change else corrected.get(place, 0))
        if not change and version <= place < number // 2:
            older = _BEFORE_SMS - (SMS_RUN - day) // 2
            add(keys.inspection_id(place, _OLDER), older, _under(seen, keys.at(place, _OLDER)))
        if not change and place <= version:
            newer = SMS_RUN + timedelta(days=1 + place % 6)
            add(keys.inspection_id(place, _NEWER), newer, _under(seen, keys.at(place, _NEWER)))
    return found


def _under(seen: Inspection, key: tuple[str, str]) -> Inspection:
    """As much was seen, in another inspection."""
    return seen._replace(unique_id=key[0], report_number=key[1])
