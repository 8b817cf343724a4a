"""All datasets of the double: the six SMS files, and those beside them."""

from fmcsa_orchestrator.testing.fmcsa.datasets import SMS_COLUMNS, SMS_TITLES
from fmcsa_orchestrator.testing.fmcsa.tables import oos_orders, roadside

TABLES = {table.id: table for table in (*oos_orders.TABLES, *roadside.TABLES)}
"""The datasets beside the SMS files, by id."""

DATASETS: dict[str, tuple[str, ...]] = {**SMS_COLUMNS, **{table.id: table.columns for table in TABLES.values()}}
"""The columns of each dataset, by its id."""

TITLES: dict[str, str] = {**SMS_TITLES, **{table.id: table.title for table in TABLES.values()}}
"""The title of each dataset, by its id."""
