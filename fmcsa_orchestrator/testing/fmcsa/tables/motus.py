"""What the datasets of Motus have in common: who is in them, under which docket, and what is filed.

Half of the carriers are in them from the beginning, far more than upstream, and everybody of whom something changes.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import Row

_FIRST_CHANGE = date(2026, 6, 1)


@dataclass(frozen=True, slots=True)
class Licence:
    """What a carrier is licensed for, before any change.

    Attributes:
        docket: as most files write it.
        kind: of authority.
        required: dollars of liability insurance; 0 for a broker.
        filed: the layers on file, in dollars: the first, and one above it or 0.
        since: the day of the first filing.
        in_motus: whether anything was filed since Motus began.
    """

    docket: str
    kind: str
    required: int
    filed: tuple[int, int]
    since: date
    in_motus: bool

    @property
    def household_goods(self) -> bool:
        """Whether cargo insurance is required."""
        return self.kind.endswith("Household Goods")

    @property
    def broker(self) -> bool:
        """Whether a bond is required, and no insurance."""
        return self.kind.startswith("Broker")

    def head(self, usdot: int) -> Row:
        """The columns that each file begins with."""
        return {"docket_number": self.docket, "usdot_number": str(usdot)}


def licence_of(carrier: Carrier, seed: int) -> Licence:
    """The carrier's, the same for the same."""
    rng = Random(f"{seed}:{carrier.usdot}:motus")
    if carrier.passenger:
        kind, required, filed = "Motor Carrier of Passengers", 5_000_000, rng.choice(((5_000_000, 0), (1_500_000, 3_500_000)))
    elif (chance := rng.random()) < 0.1:
        kind, required, filed = "Broker of Property", 0, (0, 0)
    else:
        kind = "Motor Carrier of Household Goods" if chance < 0.2 else "Motor Carrier of Property"
        required, filed = 750_000, rng.choice(((750_000, 0), (750_000, 0), (1_000_000, 0), (750_000, 250_000)))
    since = date(2018, 1, 1) + timedelta(days=rng.randrange(2_900))
    return Licence(f"MC{rng.randrange(100_000, 1_800_000)}", kind, required, filed, since, rng.random() < 0.5)


def compact(day: date) -> str:
    """The day as these files spell it."""
    return f"{day:%Y%m%d}"


def day_of_change(number: int) -> date:
    """When a carrier's change of that number, from 1, took place."""
    return _FIRST_CHANGE + timedelta(days=7 * (number - 1))
