"""What the orchestrator asks of a source: two protocols, and a base with defaults for the rest."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, RowChange
from fmcsa_orchestrator.model.company import Company, Derived, Finding, SourceReport
from fmcsa_orchestrator.model.documents import whole_text
from fmcsa_orchestrator.model.errors import SourceError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.model.rules import AlertRules

VERSION_LIMIT = 500  # characters


def is_version(value: object) -> bool:
    """Whether this can be a version: it is kept in every company's document, so half a character is none."""
    return isinstance(value, str) and len(value) <= VERSION_LIMIT and value == whole_text(value)


@runtime_checkable
class Source(Protocol):
    """Anything with a name that can be asked about one company.

    A source may also declare `owns`, `collection` and `registry`.

    Attributes:
        name: letters, digits and underscores, beginning with a letter.
        owns (tuple[str, ...]): the dotted paths that it writes in the company document, as `("safety.rating",)`. One that
            declares nothing may write any path that is neither the library's nor another source's.
        registry (str): sources that name the same one read files that carriers leave together: that a carrier is gone is then
            believed when a second edition of all of them says so.
        collection (str or None): the name of its own collection for `SourceReport.documents`; by default "fmcsa" and its name,
            in camelCase. With None it keeps no rows.
    """

    name: str

    async def fetch(self, company: Company) -> SourceReport:
        """Read everything upstream has about one company.

        Raises:
            SourceError: recorded for this source and company; anything else is recorded as unexpected.
        """


@runtime_checkable
class BatchSource(Source, Protocol):
    """A source that can read many companies in one request, and tell whether upstream has changed at all.

    Attributes:
        batch_size: the most companies for one call of `fetch_many`.
    """

    batch_size: int

    async def fetch_many(self, companies: Sequence[Company]) -> Mapping[UsdotNumber, SourceReport | SourceError]:
        """Read a batch. A number left out of the answer is fetched on its own, when its company's turn comes.

        Raises:
            SourceError: when the batch as a whole could not be read.
        """

    async def version(self) -> str | None:
        """Upstream's state now: the same text means the same data. None when it cannot be told.

        At most 500 characters.
        """


@runtime_checkable
class Survey(Protocol):
    """What a source needs to know of all carriers, read once for each state of its upstream and kept in the store.

    A source has it as its attribute `survey`. The document that is kept has a `version` and the time `readAt`; the last one read
    is in use. Runs read it, before they go over the companies; whoever syncs a single company takes what is kept.

    Attributes:
        name: what its failures are told of.
        collection: where its documents are kept, one for each state of upstream.
    """

    name: str
    collection: str

    @property
    def wanted(self) -> str | None:
        """The version of the document for upstream's state, as the source was last told of it; None before."""

    @property
    def held(self) -> str | None:
        """The version of the document in use; None without one."""

    def use(self, document: Mapping[str, Any] | None) -> None:
        """Go by this document from now on; None: there is none."""

    async def read(self) -> Mapping[str, Any]:
        """The document for upstream's state now. Raises: SourceError."""


def wait_s(source: object) -> float:
    """Seconds before a source could ask its upstream, at least; 0 where it does not tell."""
    try:
        return float(source.wait_s())  # type: ignore[attr-defined]  # not every source has it
    except Exception:  # noqa: BLE001  # a host's source may do anything; without an answer it is simply asked
        return 0.0


class BaseSource:
    """What a source may answer besides, with what it says if it does not: to inherit from, or to be left alone.

    Attributes:
        completes (bool): whether something is left to ask company by company; without it, there is where a source has a
            `complete` of its own.
        derives (tuple[str, ...]): the dotted paths that `derive` gives, within those that the source owns. What it reports
            around them leaves them as they are.
    """

    name: str
    derives: tuple[str, ...] = ()

    def derive(self, company: Company) -> Derived:  # noqa: ARG002  # to be overridden
        """What follows from the company's document as it is about to be stored, with what all sources have read and its status.

        A pure function, called when any source of the company has been read; it asks nobody, and no limiter waits for it. What
        it raises is this source's failure; what was read is stored all the same.
        """
        return Derived()

    async def complete(self, company: Company, report: SourceReport) -> SourceReport:  # noqa: ARG002  # to be overridden
        """Add to what `fetch_many` found what can only be read one company at a time."""
        return report

    async def check(self) -> Sequence[Finding]:
        """For `doctor`: one finding for each thing looked at, whether upstream is as the source needs it.

        Raises:
            SourceError: for what stops it from looking further.
        """
        return [Finding(self.name, True, "has no check of its own")]

    def row_group(self, key: str) -> str:
        """What a row tells of, by the id of its document, where several rows tell of one thing. Pure.

        `row_events` then knows whether there were others, or are.
        """
        return key

    def row_events(self, change: RowChange) -> Iterable[CarrierEvent]:  # noqa: ARG002  # to be overridden
        """What a row that is new, other, or gone means to whoever watches the carrier. Pure: no I/O, no clock."""
        return ()

    def field_events(self, change: FieldChange, rules: AlertRules) -> Iterable[CarrierEvent]:  # noqa: ARG002  # as above
        """What a change of the source's own fields means. Pure: no I/O, no clock."""
        return ()

    def history(self, company: Company) -> tuple[datetime, Mapping[str, Any]] | None:  # noqa: ARG002  # to be overridden
        """What is to be kept for good of the state that was just read, and of what day it is; None for nothing. Pure.

        `company` is as it is about to be stored.
        """
        return None

    def wait_s(self) -> float:
        """Seconds before a request that is made now goes out to upstream, at least, as far as that is known.

        A handler that has less is told so at once.
        """
        return 0.0

    def estimate(self, companies: int) -> Mapping[str, int]:  # noqa: ARG002  # to be overridden
        """For `plan`: requests to read so many companies, the version included, by upstream's name."""
        return {}


# The names that these had when each was a protocol of its own.
CheckedSource = CompletingSource = EstimatingSource = BaseSource
