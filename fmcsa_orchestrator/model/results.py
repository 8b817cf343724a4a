"""What the public methods return: frozen, bounded, ready to be sent as JSON."""

from datetime import datetime
from enum import StrEnum
from typing import (
    Annotated,
    Any,
    NotRequired,  # pydantic wants this one before Python 3.12
    Self,
)

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer
from typing_extensions import TypedDict

from fmcsa_orchestrator.model.errors import CompanyNotFoundError, LeaseHeldError, LeaseLostError
from fmcsa_orchestrator.model.text import printable

LIST_LIMIT = 1_000  # entries kept in any list of a result; the counts go on
MESSAGE_LIMIT = 500  # characters of an error's text
# Gone, or in somebody else's hands: nothing that we failed at.
_SKIPPED_KINDS = frozenset({CompanyNotFoundError.kind, LeaseHeldError.kind, LeaseLostError.kind})


def _json_id(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int) else str(value)


Message = Annotated[str, AfterValidator(printable)]
CompanyId = Annotated[Any, PlainSerializer(_json_id, when_used="json")]


class Outcome(StrEnum):
    """What became of one source for one company."""

    CHANGED = "changed"
    """Read in full; something differed from what was stored."""
    UNCHANGED = "unchanged"
    """Read in full and equal to what is stored, or upstream's version has not moved."""
    NOT_FOUND = "not_found"
    """Upstream does not know the carrier."""
    NOT_PUBLISHED = "not_published"
    """Upstream publishes nothing about the carrier, which does not mean that there is nothing."""
    FAILED = "failed"
    """Could not be read or stored."""
    TIMED_OUT = "timed_out"
    """Took longer than allowed."""
    UNAVAILABLE = "unavailable"
    """Not asked: this upstream has failed too often in this run."""
    SKIPPED = "skipped"
    """Not asked, and that is no fault."""

    @property
    def is_failure(self) -> bool:
        """Whether `success` is false because of it."""
        return self in FAILURES


FAILURES = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNAVAILABLE})


class Part(StrEnum):
    """Who has failed where it is no source: what `SourceFailure.source` says then."""

    COMPANY = "company"
    """The company's own document, or its turn as a whole."""
    DATABASE = "database"
    """MongoDB."""
    DELIVERY = "delivery"
    """The delivery of events as a whole."""
    RUN = "run"
    """The run as a whole."""
    SETTINGS = "settings"
    """The configuration."""


class StopReason(StrEnum):
    """Why a run ended before its time."""

    DEADLINE = "deadline"
    """Its time was over."""
    STOPPED = "stopped"
    """Somebody asked it to stop."""
    LEASE_HELD = "lease_held"
    """Another run is under way."""
    LEASE_LOST = "lease_lost"
    """Another run has taken over."""
    DATABASE = "database"
    """MongoDB does not work."""
    ERROR = "error"
    """A bug; it is in the log."""
    COULD_NOT_RUN = "could_not_run"
    """It never began."""

    @property
    def is_planned(self) -> bool:
        """Whether somebody wanted it so."""
        return self in {StopReason.DEADLINE, StopReason.STOPPED}

    @property
    def is_fatal(self) -> bool:
        """Whether nothing, or not enough, could be done."""
        return self in {StopReason.COULD_NOT_RUN, StopReason.LEASE_HELD, StopReason.DATABASE, StopReason.ERROR}


class Result(BaseModel):
    """A frozen value whose entries can be read as attributes and as keys."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    def __getitem__(self, key: str) -> Any:
        if key not in type(self).model_fields:
            raise KeyError(key)
        return getattr(self, key)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types: times are ISO text, an ObjectId its hex string."""
        return self.model_dump(mode="json")


class SourceFailure(Result):
    """What went wrong: one value from where it is noticed to where it is stored, as an entry of `syncStatus.errors`.

    It is made in one place (`sync/guard/isolation.py`), without secrets, of bounded length, and in one line.

    Attributes:
        source: the source's name, or the `Part` that failed.
        error: text for people, without secrets, at most 500 characters.
        kind: the word of the error's class.
        timestamp: when it was noted (aware UTC).
        outcome: what that makes of the source. Neither this nor the next two are stored.
        stops_source: asking for another company would end the same way.
        of_upstream: it says something of the upstream, rather than of one company or one request.
    """

    source: str
    error: Message = Field(max_length=MESSAGE_LIMIT)
    kind: str
    timestamp: datetime
    outcome: Outcome = Field(default=Outcome.FAILED, exclude=True, repr=False)
    stops_source: bool = Field(default=False, exclude=True, repr=False)
    of_upstream: bool = Field(default=False, exclude=True, repr=False)

    def reworded(self, words: str, at: datetime, outcome: Outcome | None = None) -> Self:
        """The same cause in other words: of one who was not even asked because of it, or of a whole run."""
        return self.model_copy(
            update={"error": words[:MESSAGE_LIMIT], "timestamp": at, "outcome": self.outcome if outcome is None else outcome}
        )


class SourceOutcome(Result):
    """What became of one source for one company.

    Attributes:
        source: its name.
        outcome: one of eight words.
        changed: something differed from what was stored, and was written.
        rows: rows upstream has; None if not read.
        written: row documents inserted, replaced or marked as ended.
        data_as_of: the time of upstream's own data (aware UTC), if it is known.
        version: upstream's state that was read; None if unknown.
        message: what else there is to say.
        missing_since: where the carrier is in upstream's files no more: of what time the first of them was that said so.
        quarantined: rows that could not be understood and were kept aside; None where nobody had to look.
    """

    source: str
    outcome: Outcome
    changed: bool = False
    rows: int | None = None
    written: int = 0
    data_as_of: datetime | None = None
    version: str | None = None
    message: Message | None = None
    missing_since: datetime | None = None
    found_again: bool = Field(default=False, exclude=True, repr=False)  # after it had been missing
    read_again: bool = Field(default=False, exclude=True, repr=False)  # the next sync is to read it, whatever its version
    quarantined: int | None = None

    @property
    def failed(self) -> bool:
        """Whether this source failed."""
        return self.outcome.is_failure


class CompanySyncResult(Result):
    """The sync of one company.

    Attributes:
        company_id: what is in `_id`.
        usdot: its number; None if it has none that can be one.
        name: its name, if that is text.
        success: no source failed, and the status is stored.
        errors: what failed.
        outcomes: what became of each source, by its name.
        pending: the sources that are not up to date and still to come: where the call was not to wait, or had less time than a
            company may take, by a sync that goes on in the background; else by the next sync.
    """

    company_id: CompanyId
    usdot: int | None = None
    name: str | None = None
    success: bool
    errors: tuple[SourceFailure, ...] = ()
    outcomes: dict[str, SourceOutcome] = Field(default_factory=dict)
    pending: tuple[str, ...] = ()

    @classmethod
    def refused(
        cls,
        company_id: Any,
        failure: SourceFailure,
        *,
        usdot: int | None = None,
        name: str | None = None,
        pending: tuple[str, ...] = (),
    ) -> Self:
        """The result of a company of which no source was asked, or of whose sources nothing is known."""
        return cls(company_id=company_id, usdot=usdot, name=name, success=False, errors=(failure,), pending=pending)

    @property
    def was_skipped(self) -> bool:
        """Whether the company was gone, or in somebody else's hands."""
        return any(error.kind in _SKIPPED_KINDS for error in self.errors)

    @property
    def exit_status(self) -> int:
        """For a shell: 0 synced, 1 a source failed or the company cannot be synced, 2 could not run."""
        could_not_run = any(error.source in {Part.SETTINGS, Part.DATABASE, Part.RUN} for error in self.errors)
        return 2 if could_not_run else int(not self.success)


class CompanyErrors(TypedDict):
    """One entry of `SyncSummary.errors`; `companyId` is the older name of `company_id`."""

    company_id: NotRequired[CompanyId]
    companyId: CompanyId
    name: str | None
    errors: list[SourceFailure]


class SyncSummary(Result):
    """A whole run.

    Attributes:
        total: companies that the run reached: `succeeded` + `failed` + `skipped`.
        succeeded: companies of which no source failed.
        failed: companies with an error.
        skipped: companies that were deleted during the run, or that somebody else had in hand.
        errors: the first thousand companies that failed; an entry without a company says what stopped the run.
        requests: HTTP requests to the upstreams, retries included.
        started_at: aware UTC.
        finished_at: aware UTC.
        stopped: None when the run went through, else why it ended early, a `StopReason`: "deadline", "stopped" (on request),
            "lease_held" (another run is under way), "lease_lost" (another run has taken over), "database", "error" (a bug, in
            the log), "could_not_run".
        outcomes: source, then outcome, then the number of companies.
        rows_written: row documents written.
    """

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    errors: list[CompanyErrors] = Field(default_factory=list)
    requests: int = 0
    started_at: datetime
    finished_at: datetime
    stopped: StopReason | None = None
    outcomes: dict[str, dict[str, int]] = Field(default_factory=dict)
    rows_written: int = 0

    @property
    def success(self) -> bool:
        """Whether the run went through and no company failed."""
        return self.stopped is None and self.failed == 0

    def facts(self) -> dict[str, Any]:
        """The run in a few fields, as it is kept in MongoDB."""
        names = ("total", "succeeded", "failed", "skipped", "requests", "success", "outcomes")
        times = {"startedAt": self.started_at, "finishedAt": self.finished_at}
        stopped = None if self.stopped is None else self.stopped.value
        return {**times, "stopped": stopped, **{name: getattr(self, name) for name in names}}

    @property
    def exit_status(self) -> int:
        """For cron: 0 all good, 1 some company failed or the run was ended before its time, 2 could not run."""
        return 2 if self.stopped is not None and self.stopped.is_fatal else int(not self.success)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types, with `success`."""
        return {"success": self.success, **super().as_dict()}
