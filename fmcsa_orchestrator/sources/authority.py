"""Operating authority: what a carrier may do under which docket, how that has changed, and orders that suspend or revoke it.

Facts: the columns `*_undeliverable_mail` are named the wrong way round, Y means deliverable; amounts are dollars, although their
description says thousands; dockets are written with a hyphen in one file only. Docket and kind may occur twice, and neither the
history nor the orders have a key.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Required

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, RowChange
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.model.documents import content_hash
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.authority import authority_events, authority_order_events
from fmcsa_orchestrator.sources.motus import KEY, LISTED, AmountOrText, Docket, MotusSource, YesNo, by_days, days_of, kept
from fmcsa_orchestrator.sources.soda.columns import Content, DayOrText, RowParser, Text, Usdot
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.sources.soda.row_documents import documents_of
from fmcsa_orchestrator.sources.soda.source import Found

STATES = ("active", "pending", "inactive", "withdrawn", "unknown")
ORDER_STATES = ("scheduled", "standing", "lifted", "unreadable")
_LAG = timedelta(days=7)  # the carrier file may be some days behind: until then "active" does not show that an order was lifted
_ADDRESS = "street_po colonia city state_code ctry_code zip_code"


def _state(words: str) -> str:
    """The state in our words; "unknown" for one that we do not know."""
    return state if (state := words.strip().lower()) in STATES else "unknown"


class MotusRow(TypedDict, total=False):
    """What each of the three files says first: our field <- the file's column."""

    usdot: Required[Annotated[Usdot, Field(validation_alias="usdot_number")]]
    docket: Annotated[Docket, Field(validation_alias="docket_number")]
    kind: Annotated[Text, Field(validation_alias="op_auth_type")]


class StateRow(MotusRow, total=False):
    """A state, in our words and in the file's."""

    state: Annotated[str, AfterValidator(_state), Field(validation_alias="op_auth_status")]
    status: Annotated[Text, Field(validation_alias="op_auth_status")]


class AuthorityRow(StateRow, total=False):
    """One authority. Amounts are dollars; 0 on file is nothing on file."""

    bipdRequired: Annotated[AmountOrText, Field(validation_alias="min_cov_amount")]
    bipdOnFile: Annotated[AmountOrText, Field(validation_alias="bipd_file")]
    cargoRequired: Annotated[YesNo, Field(validation_alias="cargo_req")]
    cargoOnFile: Annotated[YesNo, Field(validation_alias="cargo_file")]
    bondRequired: Annotated[YesNo, Field(validation_alias="bond_req")]
    bondOnFile: Annotated[YesNo, Field(validation_alias="bond_file")]
    businessMailDeliverable: Annotated[YesNo, Field(validation_alias="bus_undeliverable_mail")]
    mailingMailDeliverable: Annotated[YesNo, Field(validation_alias="mail_undeliverable_mail")]
    legalName: Annotated[Text, Field(validation_alias="legal_name")]
    dbaName: Annotated[Text, Field(validation_alias="dba_name")]


class HistoryRow(StateRow, total=False):
    """One change of an authority."""

    reason: Annotated[Text, Field(validation_alias="reason")]
    changedOn: Annotated[DayOrText, Field(validation_alias="status_change_date")]


class AuthorityOrderRow(MotusRow, total=False):
    """One order that suspends or revokes an authority, or gives notice of it."""

    description: Annotated[Text, Field(validation_alias="order1_type_desc")]
    servedOn: Annotated[DayOrText, Field(validation_alias="order1_serve_date")]
    effectiveOn: Annotated[DayOrText, Field(validation_alias="order1_effective_date")]


CONTACT = frozenset(f"{which}_{part}" for which in ("bus", "mail") for part in _ADDRESS.split()) | {"bus_telno", "rfc_number"}
parse_authority = RowParser(AuthorityRow, private=CONTACT)
parse_history = RowParser(HistoryRow)
parse_order = RowParser(AuthorityOrderRow)
AUTHORITIES = Dataset(
    "inys-ebih",
    "Motus Carrier - All With History",
    parse_authority.columns,
    numbers=frozenset({"min_cov_amount", "bipd_file"}),
    key=KEY,
    others=CONTACT,
)
HISTORY = Dataset("yu5v-wbh6", "Motus AuthHist - All With History", parse_history.columns, key=KEY)
ORDERS = Dataset("wb4f-neki", "Motus Revocation - All With History", parse_order.columns, key=KEY)


def _of(row: Content) -> tuple[str, str]:
    """Which authority a row is about, whatever the case in which a file writes its kind."""
    return row["docket"] or "", (row["kind"] or "").casefold()


def _concerns(order: Content, row: Content) -> bool:
    """Whether an order is about this authority; one that names no kind is about its docket."""
    return _of(row) == _of(order) or (order["kind"] is None and row["docket"] == order["docket"])


def state_of_order(order: Content, authorities: Iterable[Content], history: Iterable[Content], as_of: datetime | None) -> str:
    """What the order is on the day of the files: still to come into effect, standing, lifted, or without a day to be read.

    It is lifted where its authority has become active on that day or later, or is active although it ought not to be for a week.
    """
    effective = next(filter(None, days_of(order, "effectiveOn", "servedOn")), None)
    if effective is None:
        return "unreadable"
    if as_of is not None and effective > as_of:
        return "scheduled"
    since = [days_of(row, "changedOn")[0] for row in history if row["state"] == "active" and _concerns(order, row)]
    if any(changed is not None and changed >= effective for changed in since):
        return "lifted"
    is_active = any(row["state"] == "active" and _concerns(order, row) for row in authorities)
    return "lifted" if is_active and as_of is not None and effective + _LAG <= as_of else "standing"


def _record_id(row: Content) -> str:
    """An authority by its docket and kind, so that it stays the same when its state changes; the others by all that they say."""
    if row["record"] == "authority":
        return f"authority:{row['docket'] or ''}:{row['kind'] or ''}"
    said = content_hash({name: value for name, value in row.items() if name != "state"})
    return f"{row['record']}:{row['docket'] or ''}:{said}"


class AuthoritySource(MotusSource):
    """Operating authority of one carrier.

    Upstream: three datasets of Motus, replaced daily: carriers inys-ebih, history of authority yu5v-wbh6, orders that suspend or
    revoke it wb4f-neki.

    Shape: one document per row in `collection`, whose `record` says from which of the three it is; in `fmcsaData.authority` each
    authority with its last change, and the orders that are not lifted. States hold for the day of the files. A carrier that is in
    none of the files is `not_published` and its field null: that is never "no authority".

    Raises:
        SourceError: when a file cannot be read, or is implausibly empty.
    """

    name = "authority"
    owns = ("fmcsaData.authority",)
    collection = "fmcsaAuthority"
    revision = 1  # raise it when the parsing changes: every company is then due again
    nothing_text = "not in Motus's files, which have few carriers: that does not mean that it has no authority"

    def __init__(self, soda: SodaClient, *, batch_size: int = 200) -> None:
        parts = ((AUTHORITIES, parse_authority), (HISTORY, parse_history), (ORDERS, parse_order))
        super().__init__(soda, [SodaFile(soda, dataset, parse) for dataset, parse in parts], batch_size)

    async def prepared(self, found: Found) -> Found:
        """The same rows, each with what record it is; an order with its state."""
        authorities, history, orders = found.rows
        stated = [{**row, "state": state_of_order(row, authorities, history, found.as_of)} for row in orders]
        parts = zip(("authority", "history", "order"), (authorities, history, stated), strict=True)
        return Found([kept({"record": record, **row} for row in rows) for record, rows in parts], found.as_of)

    async def documents(self, found: Found) -> Sequence[Document]:
        """One per row of the three files."""
        return await documents_of([row for rows in found.rows for row in rows], _record_id)

    def summary(self, found: Found) -> dict[str, Any]:
        """Each authority with its last change, and the orders that are not lifted."""
        authorities, history, orders = found.rows
        states = [row["state"] or "unknown" for row in authorities]
        unlifted = [row for row in orders if row["state"] != "lifted"]
        unlifted.sort(key=lambda row: by_days(row, "effectiveOn", "servedOn"), reverse=True)
        return {
            "total": len(states) or None,
            **{state: states.count(state) if states else None for state in STATES},
            "authorities": _with_last_change(authorities, history)[:LISTED],
            "orders": {state: sum(row["state"] == state for row in orders) for state in ORDER_STATES},
            "openOrders": [{name: row[name] for name in _OF_ORDERS} for row in unlifted[:LISTED]],
        }

    def row_events(self, change: RowChange) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return authority_order_events(change)

    def field_events(self, change: FieldChange, rules: AlertRules) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return authority_events(change, rules)


_OF_AUTHORITIES = "docket kind state status bipdRequired bipdOnFile cargoRequired cargoOnFile bondRequired bondOnFile".split()
_OF_ORDERS = "docket kind state description servedOn effectiveOn".split()
_OF_CHANGES = "changedOn status reason".split()


def _with_last_change(authorities: Sequence[Content], history: Sequence[Content]) -> list[Content]:
    """Each authority, active ones first; then those that only the history has, of which no state is known."""
    last = {_of(row): row for row in sorted(history, key=lambda row: by_days(row, "changedOn"))}
    known = set(map(_of, authorities))
    only_there = [{"docket": row["docket"], "kind": row["kind"]} for key, row in last.items() if key not in known]

    def place(row: Content) -> tuple[Any, ...]:
        return STATES.index(row.get("state") or "unknown"), _of(row), content_hash(row)

    return [
        {name: row.get(name) for name in _OF_AUTHORITIES}
        | {"lastChange": {name: last[_of(row)][name] for name in _OF_CHANGES} if _of(row) in last else None}
        for row in sorted([*authorities, *only_there], key=place)
    ]
