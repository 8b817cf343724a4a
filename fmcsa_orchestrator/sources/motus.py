"""What the datasets of Motus have in common, FMCSA's licensing system since 2026-05-14: dockets, and what no row means.

Facts: they hold 5 to 7 of 100 carriers, those of which something was filed since, and leave out others silently: of 9,849 that
read as lapsed in them, 541 were insured. So that a carrier is not in them says nothing of it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from fmcsa_orchestrator.clients.soda_schema import Key
from fmcsa_orchestrator.model.documents import content_hash
from fmcsa_orchestrator.model.results import Outcome
from fmcsa_orchestrator.sources.soda.columns import Amount, Content, Text
from fmcsa_orchestrator.sources.soda.kept_rows import KeptRows
from fmcsa_orchestrator.sources.soda.source import Found, RowSource

KEY = Key("usdot_number")
LISTED = 20  # entries in any list of a summary
_FLAGS = {"Y": True, "N": False}
_NO_DAY = datetime.min.replace(tzinfo=UTC)


def letters_and_digits(text: str | None) -> str | None:
    """The text in capitals without anything else, as "MC424836" for "MC-424836"; None where that leaves nothing."""
    return re.sub(r"[^A-Z0-9]", "", (text or "").upper()) or None


Docket = Annotated[str, AfterValidator(letters_and_digits)]
AmountOrText = Annotated[Amount | Text, Field(union_mode="left_to_right")]  # so that no row is lost over it
YesNo = Annotated[str, AfterValidator(lambda text: _FLAGS.get(text.strip().upper()))]  # None for any other


def days_of(row: Content, *names: str) -> list[datetime | None]:
    """These days of a row, None for one that could not be read."""
    return [value if isinstance(value := row[name], datetime) else None for name in names]


def by_days(row: Content, *names: str) -> tuple[Any, ...]:
    """What to sort a row by: these days, one that could not be read before all others; of rows with equal ones, its content."""
    return (*[day or _NO_DAY for day in days_of(row, *names)], content_hash(row))


def kept(rows: Iterable[Content]) -> KeptRows:
    """The rows as a source's files keep theirs."""
    all_rows = KeptRows()
    for row in rows:
        all_rows.append(row)
    return all_rows


class MotusSource(RowSource):
    """A source over datasets of Motus: a carrier without rows is "not published", its field is null, and nothing else is said."""

    registry = "motus"
    nothing = Outcome.NOT_PUBLISHED
    together = True

    async def summarize(self, found: Found) -> dict[str, Any] | None:
        """The summary of a carrier that is in a file."""
        return self.summary(found) if found else None

    def summary(self, found: Found) -> dict[str, Any]:
        """What its rows say."""
        raise NotImplementedError
