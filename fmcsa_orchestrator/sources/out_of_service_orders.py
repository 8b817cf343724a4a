"""Out-of-service orders: every order by which FMCSA has put a carrier off the road, and whether it is in force.

Facts: reason and date of rescission belong to one order, never to the carrier; the file's `status` is that of the USDOT number.
Not only new entrants are in it, in spite of the file's older title: an unfit rating and an unpaid penalty end there, too.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Required

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.sources.changes.out_of_service_orders import order_events
from fmcsa_orchestrator.sources.soda.columns import Content, RowParser, Text, Usdot, day_of
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.sources.soda.row_documents import documents_of
from fmcsa_orchestrator.sources.soda.source import Found, RowSource

IN_FORCE, RESCINDED, SCHEDULED, UNREADABLE = "inForce", "rescinded", "scheduled", "unreadable"
STATES = (IN_FORCE, RESCINDED, SCHEDULED, UNREADABLE)


def _day_or_text(text: str) -> datetime | str | None:
    """The day, or the text as it stands where no day can be read of it: an order is not lost over its date."""
    try:
        return day_of(text) if text.strip() else None
    except ValueError:
        return text.strip()[:40]


class OrderRow(TypedDict, total=False):
    """One row: our field <- the file's column. Days are midnight UTC."""

    usdot: Required[Annotated[Usdot, Field(validation_alias="dot_number")]]
    legalName: Annotated[Text, Field(validation_alias="legal_name")]
    dbaName: Annotated[Text, Field(validation_alias="dba_name")]
    orderedOn: Annotated[str, AfterValidator(_day_or_text), Field(validation_alias="oos_date")]
    reason: Annotated[Text, Field(validation_alias="oos_reason")]
    usdotStatus: Annotated[Text, Field(validation_alias="status")]
    rescindedOn: Annotated[str, AfterValidator(_day_or_text), Field(validation_alias="rescind_date")]


parse_order = RowParser(OrderRow)
DATASET = Dataset("p2mt-9ige", "Out of Service Orders", parse_order.columns)


def state_of(row: Content, as_of: datetime | None) -> str:
    """What the order is on the day of the file: in force, rescinded, scheduled for a day to come, or unreadable."""
    ordered, rescinded = row["orderedOn"], row["rescindedOn"]
    if not isinstance(ordered, datetime) or isinstance(rescinded, str):
        return UNREADABLE
    if as_of and ordered > as_of:
        return SCHEDULED
    return RESCINDED if rescinded and (as_of is None or rescinded <= as_of) else IN_FORCE


def _order_id(row: Content) -> str:
    ordered = row["orderedOn"]
    return f"{ordered:%Y-%m-%d}:{row['reason']}" if isinstance(ordered, datetime) else f"{ordered}:{row['reason']}"


class OutOfServiceOrdersSource(RowSource):
    """Out-of-service orders of one carrier.

    Upstream: Out of Service Orders, dataset p2mt-9ige, replaced daily.

    Shape: one document per order in `collection`; in `fmcsaData.outOfServiceOrders` how many are in each state, and those that
    are in force, newest first. States hold for the day of the file, `dataAsOf` in the status.

    Raises:
        SourceError: when the file cannot be read, or is implausibly empty.
    """

    name = "out_of_service_orders"
    owns = ("fmcsaData.outOfServiceOrders",)
    collection = "fmcsaOutOfServiceOrders"
    revision = 1  # raise it when the parsing changes: every company is then due again

    def __init__(self, soda: SodaClient, *, batch_size: int = 200) -> None:
        super().__init__(soda, [SodaFile(soda, DATASET, parse_order)], batch_size)

    async def documents(self, found: Found) -> Sequence[Document]:
        """One per order, with its state; its id is its day and its reason."""
        return await documents_of([{**row, "state": state_of(row, found.as_of)} for row in found.rows[0]], _order_id)

    async def summarize(self, found: Found) -> dict[str, Any]:
        """Counts per state, and what is in force."""
        by_state = [(state_of(row, found.as_of), row) for row in found.rows[0]]
        states = Counter(state for state, _ in by_state)
        in_force = [row for state, row in by_state if state == IN_FORCE]
        in_force.sort(key=lambda row: (row["orderedOn"], row["reason"] or ""), reverse=True)
        return {
            "total": states.total(),
            **{state: states[state] for state in STATES},
            "orders": [{name: row[name] for name in ("orderedOn", "reason")} for row in in_force[:20]],
        }

    def row_events(self, change: RowChange) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return order_events(change)
