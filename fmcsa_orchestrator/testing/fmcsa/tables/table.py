"""What a dataset of the double is."""

from collections.abc import Callable
from dataclasses import dataclass

from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.daily_inspections import DailyInspection
from fmcsa_orchestrator.testing.fmcsa.datasets import Row

MakeRows = Callable[[Carrier, int, int], list[Row]]


@dataclass(frozen=True, slots=True)
class PerInspection:
    """How the rows of a daily file of inspections are made: for each inspection by itself."""

    rows: Callable[[DailyInspection], list[Row]]


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset, and how a carrier's rows in it are made.

    Attributes:
        id: its id on the portal.
        title: its title there.
        columns: all of them, in order.
        make: the rows of a carrier, of the fleet's seed, after so many changes of that carrier in this dataset. The same for the
            same; null columns are left out, every value is text.
        numbers: the columns that are declared as numbers; all others are text.
        key: the column that holds the USDOT number.
        padded: whether that is written with eight digits.
        monthly: whether it is replaced with the SMS files, instead of daily and by itself.
        by_inspection: whether `key` holds the number of an inspection instead of a carrier's.
    """

    id: str
    title: str
    columns: tuple[str, ...]
    make: MakeRows | PerInspection
    numbers: frozenset[str] = frozenset()
    key: str = "dot_number"
    padded: bool = False
    monthly: bool = False
    by_inspection: bool = False
