"""Insurance and bonds filed for a carrier: which filings are in force, how much they cover, which have ended and how.

Facts: the file of filings does not say when one ended, keeps those that have, and repeats a policy for each transaction; the file
of ended ones has duplicates and writes policy numbers in another way. An end is known when it has come, not 30 days before.
`TERM/REPL` is a renewal, no lapse; `NAMECHG` is the carrier's new name. An effective day is that of the first filing, not of the
present term, and some lie years ahead. Coverage is filed per docket.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any, Required

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.sources.changes.insurance import filing_events
from fmcsa_orchestrator.sources.motus import (
    KEY,
    LISTED,
    AmountOrText,
    Docket,
    MotusSource,
    by_days,
    days_of,
    kept,
    letters_and_digits,
)
from fmcsa_orchestrator.sources.soda.columns import Content, DayOrText, RowParser, Text, Usdot
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.sources.soda.row_documents import documents_of
from fmcsa_orchestrator.sources.soda.source import Found

TYPES = {"1": "bipd", "2": "cargo", "3": "bond", "4": "trust"}
LAYERS = {"P": "primary", "E": "excess", "1": "full", "2": "full"}  # the last two are old classes
ENDINGS = {"REPL": "replaced", "NAME": "renamed", "TRANSF": "transferred", "CANC": "cancelled"}  # by a part of upstream's word
_GO_ON = ("replaced", "renamed")  # a filing goes on after these, perhaps under its old number
INSURERS = 5  # named per docket and type


def _ending(words: str) -> str:
    return next((ending for part, ending in ENDINGS.items() if part in words.upper()), "other")


class FilingRow(TypedDict, total=False):
    """What both files say of a filing: our field <- the file's column. Amounts are dollars."""

    usdot: Required[Annotated[Usdot, Field(validation_alias="usdot_number")]]
    docket: Annotated[Docket, Field(validation_alias="docket_number")]
    form: Annotated[Text, Field(validation_alias="ins_form_code")]
    type: Annotated[str, AfterValidator(lambda code: TYPES.get(code.strip(), "unknown")), Field(validation_alias="ins_type_code")]
    typeCode: Annotated[Text, Field(validation_alias="ins_type_code")]
    layer: Annotated[str, AfterValidator(lambda code: LAYERS.get(code.strip())), Field(validation_alias="ins_class_code")]
    classCode: Annotated[Text, Field(validation_alias="ins_class_code")]
    maxCoverage: Annotated[AmountOrText, Field(validation_alias="max_cov_amount")]
    underlyingLimit: Annotated[AmountOrText, Field(validation_alias="underl_lim_amount")]
    policyNumber: Annotated[Text, Field(validation_alias="policy_no")]
    effectiveOn: Annotated[DayOrText, Field(validation_alias="effective_date")]
    insurer: Annotated[Text, Field(validation_alias="insurance_company_name")]


class FiledRow(FilingRow, total=False):
    """One transaction of a filing."""

    transactedOn: Annotated[DayOrText, Field(validation_alias="trans_date")]


class EndedRow(FilingRow, total=False):
    """One end of a filing."""

    ending: Annotated[str, AfterValidator(_ending), Field(validation_alias="filing_status_reason")]
    endReason: Annotated[Text, Field(validation_alias="filing_status_reason")]
    cancelledAsOf: Annotated[DayOrText, Field(validation_alias="cancl_effective_date")]


parse_filed = RowParser(FiledRow)
parse_ended = RowParser(EndedRow)
AMOUNTS = frozenset({"max_cov_amount", "underl_lim_amount"})
FILED = Dataset("c5y8-a4uz", "Motus Insur - All With History", parse_filed.columns, numbers=AMOUNTS, key=KEY)
ENDED = Dataset(
    "3uet-3z4i",
    "Motus InsHist - All With History",
    parse_ended.columns,
    numbers=AMOUNTS,
    key=KEY,
    others=frozenset({"ins_type_ind", "ins_type_desc", "min_cov_amount"}),  # type again, in words; what is required
)


def _policy_of(row: Content) -> tuple[str, ...]:
    """By what the files' rows of one filing are known: docket, type, class, and the policy's letters and digits.

    Where a policy has no number, its insurer stands for it.
    """
    policy = letters_and_digits(row["policyNumber"]) or letters_and_digits(row["insurer"])
    return row["docket"] or "", row["typeCode"] or "", row["classCode"] or "", policy or ""


def _is_end_of(end: Content, filed: Content) -> bool:
    """Whether an end is that of the filing as it was filed last, not of an earlier one under the same number."""
    ended, before = days_of(end, "cancelledAsOf", "effectiveOn")
    began, transacted = days_of(filed, "effectiveOn", "transactedOn")
    if ended and transacted and end["ending"] in _GO_ON and transacted >= ended:
        return False
    return not (began and before and before < began and (ended is None or ended <= began))


def filings_of(filed: Iterable[Content], ended: Iterable[Content], as_of: datetime | None) -> list[Content]:
    """One content per filing, as it was filed last, with its end and its state on the day of the files; in one order."""
    found: defaultdict[tuple[str, ...], tuple[list[Content], list[Content]]] = defaultdict(lambda: ([], []))
    for place, rows in enumerate((filed, ended)):
        for row in rows:
            found[_policy_of(row)][place].append(row)
    return [_filing(*rows, as_of) for _, rows in sorted(found.items())]


def _filing(filed: Sequence[Content], ended: Sequence[Content], as_of: datetime | None) -> Content:
    last = max(filed, key=lambda row: by_days(row, "transactedOn", "effectiveOn"), default=None)
    ends = [end for end in ended if last is None or _is_end_of(end, last)]
    end = max(ends, key=lambda row: by_days(row, "cancelledAsOf", "effectiveOn"), default=None)
    content = {"transactedOn": None, **_NO_END, **(end or {}), **(last or {})}
    began, ends_on = days_of(content, "effectiveOn", "cancelledAsOf")
    if end is not None and not (ends_on and as_of and ends_on > as_of):
        state = "ended"
    else:
        state = "scheduled" if began and as_of and began > as_of else "inForce"
    return {**content, "state": state if last else "ended", "transactions": len(filed)}


_NO_END = dict.fromkeys(("ending", "endReason", "cancelledAsOf"))


def covered(filings: Iterable[Content]) -> float | None:
    """Dollars that filings cover together: the largest of the first dollar, and each excess layer that begins where others reach.

    None where no amount is known of the former.
    """
    layers = [row for row in filings if isinstance(row["maxCoverage"], float)]
    reach = max((row["maxCoverage"] for row in layers if row["layer"] != "excess"), default=None)
    excess = [(row["underlyingLimit"], row["maxCoverage"]) for row in layers if row["layer"] == "excess"]
    for limit, amount in sorted(layer for layer in excess if isinstance(layer[0], float)):
        if reach is not None and limit <= reach:
            reach = max(reach, limit + amount)
    return reach


class InsuranceSource(MotusSource):
    """Insurance and bonds filed for one carrier.

    Upstream: two datasets of Motus, replaced daily: filings c5y8-a4uz, ended filings 3uet-3z4i.

    Shape: one document per filing in `collection`, whatever number of rows it has in the two files; in `fmcsaData.insurance` what
    is in force by docket and type, and how many have ended how. States hold for the day of the files; amounts are dollars. A
    carrier that is in neither file is `not_published` and its field null: that is never "uninsured". What is required is not
    here: `authority` has it.

    Raises:
        SourceError: when a file cannot be read, or is implausibly empty.
    """

    name = "insurance"
    owns = ("fmcsaData.insurance",)
    collection = "fmcsaInsurance"
    revision = 1  # raise it when the parsing changes: every company is then due again
    nothing_text = "not in Motus's files, which have few carriers: that does not mean that it is uninsured"

    def __init__(self, soda: SodaClient, *, batch_size: int = 200) -> None:
        super().__init__(soda, [SodaFile(soda, FILED, parse_filed), SodaFile(soda, ENDED, parse_ended)], batch_size)

    async def prepared(self, found: Found) -> Found:
        """Filings in place of the rows of the two files: those that were filed, those that only ended."""
        filings = filings_of(found.rows[0], found.rows[1], found.as_of)
        return Found([kept(row for row in filings if bool(row["transactions"]) is known) for known in (True, False)], found.as_of)

    async def documents(self, found: Found) -> Sequence[Document]:
        """One per filing; its id is its docket, type, class and policy number, whatever becomes of it."""
        return await documents_of([row for rows in found.rows for row in rows], lambda row: ":".join(_policy_of(row)))

    def summary(self, found: Found) -> dict[str, Any]:
        """What is in force by docket and type; what has ended."""
        filed, _ = found.rows
        states = Counter(row["state"] for row in filed)
        ended = [row for rows in found.rows for row in rows if row["state"] == "ended"]
        endings = Counter(row["ending"] or "other" for row in ended)
        cancelled = [row for row in ended if row["ending"] == "cancelled"]
        return {
            **{state: states[state] if filed else None for state in ("inForce", "scheduled")},
            "ended": len(ended),
            "endedBy": {ending: endings[ending] for ending in (*ENDINGS.values(), "other")},
            "lastCancelledAsOf": max(_days(cancelled, "cancelledAsOf"), default=None),
            "coverage": _coverage([row for row in filed if row["state"] == "inForce"])[:LISTED],
        }

    def row_events(self, change: RowChange) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return filing_events(change)


def _days(rows: Iterable[Content], name: str) -> list[datetime]:
    return [day for row in rows for day in days_of(row, name) if day]


def _coverage(in_force: Sequence[Content]) -> list[Content]:
    """What is in force for each docket, by type."""

    def place(row: Content) -> tuple[str, str]:
        return row["docket"] or "", row["type"] or "unknown"

    return [
        {
            "docket": docket or None,
            "type": type_,
            "filings": len(rows),
            "amount": covered(rows),
            "insurers": sorted({row["insurer"] for row in rows if row["insurer"]})[:INSURERS],
            "effectiveSince": min(_days(rows, "effectiveOn"), default=None),
            "cancelledAsOf": min(_days(rows, "cancelledAsOf"), default=None),
        }
        for (docket, type_), group in groupby(sorted(in_force, key=place), place)
        if (rows := list(group))
    ]
