"""What a source is given and what it gives back."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Self

from fmcsa_orchestrator.model.documents import as_time
from fmcsa_orchestrator.model.errors import CompanyWriteError, InvalidUsdotError, SourceError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.model.read_only import ReadOnlyObject
from fmcsa_orchestrator.model.results import Outcome, SourceFailure
from fmcsa_orchestrator.model.status import StoredStatus


@dataclass(frozen=True, slots=True)
class Company:
    """One customer company, as its sources see it.

    Attributes:
        id: what is in `_id`.
        usdot: its USDOT number.
        name: its name, if that is text.
        document: the whole company document, with what earlier sources of this sync left in it. A source is given one that
            cannot be changed, however deep.
        status: what the document says of earlier syncs.
    """

    id: Any
    usdot: UsdotNumber
    name: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    status: StoredStatus = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", StoredStatus.of(self.document))

    def for_sources(self) -> Self:
        """The same, to be looked at and not changed: the document is the sync's, and that of the sources to come."""
        return type(self)(self.id, self.usdot, self.name, ReadOnlyObject(self.document))

    def stored_rows(self, source: str) -> int:
        """How many rows `source` read for this carrier at its last success; 0 if never."""
        stored = self.status.source(source)
        rows = stored.get("rows") if stored.get("usdot") == self.usdot else None
        return rows if isinstance(rows, int) else 0

    def stored_as_of(self, source: str) -> datetime | None:
        """The time of upstream's own data that `source` last read for this carrier; None if never."""
        stored = self.status.source(source)
        return as_time(stored.get("dataAsOf")) if stored.get("usdot") == self.usdot else None


@dataclass(frozen=True, slots=True)
class Document:
    """One row for a source's own collection.

    Attributes:
        id: natural, and unique within one carrier; the repository scopes it by company.
        content: the row.
        expected_until: when upstream will drop the row by its own rules (SMS keeps 24 months); None if it never says.
    """

    id: str
    content: Mapping[str, Any]
    expected_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row that upstream has and nobody can understand: kept aside as it came.

    Attributes:
        raw: its text, at most `OddRow.LONGEST` characters.
        error: why it is not understood.
        field: the column that is at fault, if that is known.
        concerns: how the ids of the documents begin that it may stand for: none of these is taken for gone. "" are all of this
            carrier's.
    """

    LONGEST: ClassVar[int] = 4_000

    raw: str
    error: str
    field: str | None = None
    concerns: str = ""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one source read for one company, complete.

    Attributes:
        fields: dotted path in the company document -> value; only paths that the source owns.
        documents: all rows upstream has of this carrier; () means none on record, None that the source keeps no rows. Any
            sequence that gives the same documents each time: it is gone through once or twice, a slice at a time.
        outcome: CHANGED stands for "read in full": it becomes UNCHANGED when equal to what is stored. A source says
            NOT_FOUND, NOT_PUBLISHED or SKIPPED itself.
        data_as_of: the time of upstream's own data (aware UTC).
        version: upstream's state that was read, as `BatchSource.version()` words it; None: unknown.
        stamps: paths written along with the fields, but which alone do not make a change (as-of times).
        rows: how many upstream rows were read, if that is not the number of documents.
        message: what else there is to say; kept in the status.
        incomplete: what could not be read besides: the report is stored, the source counts as failed. A source gives its
            error; the sync puts the failure in its place.
        odd_rows: rows besides the documents that could not be understood; such a report is `incomplete`, too.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    documents: Sequence[Document] | None = None
    outcome: Outcome = Outcome.CHANGED
    data_as_of: datetime | None = None
    version: str | None = None
    stamps: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None
    message: str | None = None
    incomplete: SourceError | SourceFailure | None = None
    odd_rows: Sequence[OddRow] = ()


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from what is stored of a company, of whichever sources.

    Attributes:
        fields: dotted path in the company document -> value; only paths that the source `derives`.
        read_again: names of sources whose data is doubted: their versions are forgotten, so that the next sync reads them. It
            is for the source to see that this has an end.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    read_again: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check of one part found.

    Attributes:
        what: the part.
        is_good: whether it works.
        text: what is known of it.
        remedy: where it does not work, what to do.
    """

    what: str
    is_good: bool
    text: str
    remedy: str | None = None


def as_company(document: Mapping[str, Any]) -> Company | InvalidUsdotError:
    """The document as its sources see it, or why it cannot be asked for."""
    try:
        usdot = UsdotNumber.parse(document.get("dotNumber"))
    except InvalidUsdotError as error:
        return error
    return Company(document["_id"], usdot, name_of(document), document)


def unnameable(document: Mapping[str, Any]) -> CompanyWriteError | None:
    """Why nothing can be kept by this document's `_id`, as by an object or a Decimal128; None where it can."""
    if isinstance(document["_id"], Hashable):
        return None
    return CompanyWriteError(f"an _id of type {type(document['_id']).__name__} cannot be synced; give it a plain one")


def name_of(document: Mapping[str, Any]) -> str | None:
    """The company's name, for people who read results."""
    name = document.get("name")
    return name[:200] if isinstance(name, str) else None
