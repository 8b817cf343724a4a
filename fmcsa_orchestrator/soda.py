"""For sources of your own over datasets of the open data portal: the base of the built-in ones, and what it is made of.

A dataset is declared (`Dataset`, with the `Key` that carriers are asked for by), its rows are typed (a TypedDict, for a
`RowParser`), and a `RowSource` says what they mean. Version, batches, pages, drift alarm, odd rows and the check of `doctor` come
with it.
"""

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset, Key
from fmcsa_orchestrator.sources.soda.columns import (
    Amount,
    Content,
    Count,
    CountOrText,
    Day,
    DayOrText,
    RowParser,
    Text,
    Usdot,
)
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.sources.soda.row_documents import documents_of
from fmcsa_orchestrator.sources.soda.source import Found, RowSource

__all__ = [
    "Amount",
    "Content",
    "Count",
    "CountOrText",
    "Dataset",
    "Day",
    "DayOrText",
    "Found",
    "Key",
    "RowParser",
    "RowSource",
    "SodaClient",
    "SodaFile",
    "Text",
    "Usdot",
    "documents_of",
]
