"""Out of Service Orders: most carriers have none, some one that was rescinded, few one in force."""

from datetime import date, timedelta
from random import Random

from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import Row
from fmcsa_orchestrator.testing.fmcsa.tables.table import Table

_FIRST = date(2022, 3, 1)
_REASONS = ("Unsatisfactory = Unfit", "New Entrant Revoked - Refusal of Audit/No Contact", "Failure to Pay Fine")


def make_orders(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """An order more with each change, and the last one rescinded with the next."""
    rng = Random(f"{seed}:{carrier.usdot}:orders")
    number = (rng.random() < 0.15) + version
    in_force = version > 0 or rng.random() < 0.3
    day = _FIRST + timedelta(days=rng.randrange(900))
    rows = []
    for place in range(number):
        row = {
            "dot_number": str(carrier.usdot),
            "legal_name": carrier.name.upper(),
            "oos_date": day.isoformat(),
            "oos_reason": rng.choice(_REASONS),
            "status": "ACTIVE",
        }
        if place < number - 1 or not in_force:
            row["rescind_date"] = (day + timedelta(days=rng.randrange(2, 60))).isoformat()
        rows.append(row)
        day += timedelta(days=61 + rng.randrange(90))
    return rows


TABLES = (
    Table(
        "p2mt-9ige",
        "Out of Service Orders",
        ("dot_number", "legal_name", "dba_name", "oos_date", "oos_reason", "status", "rescind_date"),
        make_orders,
    ),
)
