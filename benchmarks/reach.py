"""How far one process reaches: requests and hours by arithmetic, CPU measured here for carriers of the mean size.

`python -m benchmarks reach` prints it; docs/howto/scale.md shows the arithmetic, and a test compares the two.
"""

from dataclasses import dataclass
from math import ceil

from rich.table import Table

from benchmarks.cpu import cpu_seconds, synced
from benchmarks.world import PassingRepository, double, versions
from fmcsa_orchestrator.testing import Fleet

BATCH = 200
FILES = 15  # of the eight default sources
DAILY_FILES = 9  # of those, what is read when the eight daily files have changed: with that of crashes its monthly half
PER_COMPANY_CALL = 15  # requests for a company that is synced alone, once its versions are known, at the least
ACTIVE_CARRIERS = 2_237_648  # status A in the company census, az4n-8mr2
ROWS = {"violations": 3, "inspections": 3}  # 6.7 and 5.8 million rows, over the active carriers, rounded up
FLEETS = (1_000, 10_000, 100_000, ACTIVE_CARRIERS)
RATES = (1.0, 5.0)
QCMOBILE_RATE = 2.0
MEASURED = 2_000
UNCHANGED_MEASURED = 20_000


@dataclass(frozen=True, slots=True)
class Reach:
    """What one run over so many companies asks of the portal."""

    companies: int

    @property
    def all_changed(self) -> int:
        """A first sync, or the month's new files: the versions, then each batch through each file."""
        return FILES + FILES * ceil(self.companies / BATCH)

    @property
    def daily_changed(self) -> int:
        """Any other working day."""
        return FILES + DAILY_FILES * ceil(self.companies / BATCH)

    @property
    def one_by_one(self) -> int:
        """The same by `sync_company`, in one process."""
        return FILES + PER_COMPANY_CALL * self.companies

    @property
    def unchanged(self) -> int:
        """The versions."""
        return FILES

    @property
    def qcmobile(self) -> int:
        """With a web key, once per SMS run: the carrier and its BASICs."""
        return 2 * self.companies


def spelled(seconds: float) -> str:
    """For people."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"


def rows() -> list[tuple[str, ...]]:
    """The page's table: requests and times when all has changed, the daily files, nothing; one by one; for QCMobile."""
    return [
        (
            f"{reach.companies:,}",
            f"{reach.all_changed:,}",
            *(spelled(reach.all_changed / rate) for rate in RATES),
            f"{reach.daily_changed:,}",
            spelled(reach.daily_changed / RATES[0]),
            f"{reach.unchanged}",
            f"{reach.one_by_one:,}",
            spelled(reach.one_by_one / RATES[0]),
            spelled(reach.qcmobile / QCMOBILE_RATE),
        )
        for reach in map(Reach, FLEETS)
    ]


async def measure() -> list[Table]:
    """The arithmetic, and what our CPU needs beside it."""
    waiting = Table(title="What one process asks of the portal")
    at = [f"at {rate:g}/s" for rate in RATES]
    daily = "daily files changed", at[0], "nothing changed"
    for column in ("companies", "all changed", *at, *daily, "one by one", at[0], f"QCMobile at {QCMOBILE_RATE:g}/s"):
        waiting.add_column(column, justify="right")
    for row in rows():
        waiting.add_row(*row)
    changed_s, unchanged_s = await _cpu_per_company()
    working = Table(title=f"Own CPU, carriers of {ROWS['violations']} violations and {ROWS['inspections']} inspections")
    for column in ("companies", "all changed", "nothing changed"):
        working.add_column(column, justify="right")
    working.add_row("1", f"{changed_s * 1e3:.2f} ms", f"{unchanged_s * 1e3:.3f} ms")
    working.add_row(f"{ACTIVE_CARRIERS:,}", spelled(changed_s * ACTIVE_CARRIERS), spelled(unchanged_s * ACTIVE_CARRIERS))
    working.caption = f"the CPU is as busy as the portal at {FILES / (BATCH * changed_s):.0f} requests per second"
    return [waiting, working]


async def _cpu_per_company() -> tuple[float, float]:
    usdots = Fleet.uniform(MEASURED).usdots
    with double(MEASURED, **ROWS) as addresses:
        await synced(addresses, PassingRepository(usdots))  # the double makes its rows once
        changed = await cpu_seconds(lambda: synced(addresses, PassingRepository(usdots)))
        status = await versions(addresses)
        many = usdots * (UNCHANGED_MEASURED // MEASURED)
        unchanged = await cpu_seconds(lambda: synced(addresses, PassingRepository(many, status)))
    return changed / MEASURED, unchanged / UNCHANGED_MEASURED
