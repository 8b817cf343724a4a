"""All datasets of the double: the six SMS files, and those beside them."""

from fmcsa_orchestrator.testing.fmcsa.datasets import SMS_COLUMNS, SMS_TITLES
from fmcsa_orchestrator.testing.fmcsa.tables import authority, census, crashes, insurance, oos_orders, roadside

_MODULES = (census, crashes, oos_orders, authority, insurance, roadside)

TABLES = {table.id: table for module in _MODULES for table in module.TABLES}
"""The datasets beside the SMS files, by id."""

DATASETS: dict[str, tuple[str, ...]] = {**SMS_COLUMNS, **{table.id: table.columns for table in TABLES.values()}}
"""The columns of each dataset, by its id."""

TITLES: dict[str, str] = {**SMS_TITLES, **{table.id: table.title for table in TABLES.values()}}
"""The title of each dataset, by its id."""
