"""Who owns what: the sources checked against each other."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, RowChange
from fmcsa_orchestrator.model.company import Company, Derived, SourceReport
from fmcsa_orchestrator.model.documents import overlaps
from fmcsa_orchestrator.model.errors import SettingsError, SourceError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.model.status import STATUS
from fmcsa_orchestrator.sources.base import BaseSource, BatchSource, Source, Survey, wait_s
from fmcsa_orchestrator.storage.sync_status import camel_case, check_name
from fmcsa_orchestrator.sync.telling import FieldEvents, RowEvents

Complete = Callable[[Company, SourceReport], Awaitable[SourceReport]]

_ONE_REQUEST = 2.0  # one for the version, one for the data

# What belongs to the host or to this library, whatever a source says.
RESERVED_PATHS = ("_id", "dotNumber", "name", STATUS)


@dataclass(slots=True)
class BatchReading:
    """A batch source as it was when it was looked at; what its attributes do later is part of the call that needs them."""

    name: str
    batch_size: int
    source: BatchSource

    async def fetch(self, company: Company) -> SourceReport:
        """As the source's."""
        return await self.source.fetch(company)

    async def fetch_many(self, companies: Sequence[Company]) -> Mapping[UsdotNumber, SourceReport | SourceError]:
        """As the source's."""
        return await self.source.fetch_many(companies)

    async def version(self) -> str | None:
        """As the source's."""
        return await self.source.version()

    def wait_s(self) -> float:
        """As the source's."""
        return wait_s(self.source)


@dataclass(frozen=True, slots=True)
class SourceSlot:
    """A source with what it owns, as declared or by default."""

    source: Source
    name: str
    collection: str
    owns: tuple[str, ...] | None  # None: anything that nobody else owns
    foreign: tuple[str, ...]
    complete: Complete | None  # what is left to ask company by company; looked up once, for it is asked for each
    keeps_rows: bool  # it has named a collection
    may_keep_rows: bool  # it has not said that it has none
    cost: float  # requests that one company takes, as far as the source tells
    batch: BatchSource | None  # the source, where it reads batches
    registry: str | None  # carriers leave the files of one together
    derives: tuple[str, ...]  # what it works out from what is stored
    derive: Callable[[Company], Derived] | None  # None where that is nothing
    survey: Survey | None  # what it has to know of all carriers
    row_group: Callable[[str], str] | None  # what a row tells of, where several tell of one thing
    row_events: RowEvents  # what its changes mean to whoever watches the carrier
    field_events: FieldEvents
    history: Callable[[Company], tuple[datetime, Mapping[str, Any]] | None] | None  # what is to be kept for good of each state

    def wait_s(self) -> float:
        """Seconds before the source could ask its upstream, at least; 0 where it does not tell."""
        return wait_s(self.source)


def make_slots(sources: Sequence[Source]) -> tuple[SourceSlot, ...]:
    """The sources, checked against each other. Raises: SettingsError when two share a name, a path or a collection."""
    slots = [_looked_at(source) for source in sources]
    names, timestamps = [slot.name for slot in slots], [camel_case(slot.name) for slot in slots]
    collections = [*(slot.collection for slot in slots), *(slot.survey.collection for slot in slots if slot.survey is not None)]
    for what, values in (("name", names), ("name", timestamps), ("collection", collections)):
        if twice := {value for value in values if values.count(value) > 1}:
            raise SettingsError(f"two sources have the {what} {min(twice)}")
    return tuple(replace(slot, foreign=_foreign(slot, slots)) for slot in slots)


def _foreign(slot: SourceSlot, slots: Sequence[SourceSlot]) -> tuple[str, ...]:
    """What is not this source's own. Raises: SettingsError when it declares something of that."""
    others = {path: other.name for other in slots if other is not slot for path in other.owns or ()}
    for path in slot.owns or ():
        if clash := next((foreign for foreign in (*RESERVED_PATHS, *others) if overlaps(path, foreign)), None):
            whose = f"{others[clash]} declares {clash}" if clash in others else f"{clash} is the library's or the host's"
            raise SettingsError(f"source {slot.name} declares {path}, which is not its own: {whose}")
    return (*RESERVED_PATHS, *others)


def _looked_at(source: Any) -> SourceSlot:
    """What a source declares, looked at once. Raises: SettingsError, whatever its attributes do."""
    try:
        return _declared(source)
    except (SettingsError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a host's attribute may raise anything at all, CancelledError too
        kind = type(source).__name__
        raise SettingsError(f"the source {kind} cannot be used: to look at it raises {type(error).__name__}") from error


def _declared(source: Any) -> SourceSlot:
    name = check_name(getattr(source, "name", None), f"the source {type(source).__name__}")
    if not callable(getattr(source, "fetch", None)):
        raise SettingsError(f"source {name} has no method fetch(company)")
    owns, derives = _paths(name, source, "owns"), _paths(name, source, "derives")
    if stray := [path for path in derives if not any(path.startswith(f"{own}.") for own in owns)]:
        raise SettingsError(f"source {name} derives {stray[0]}, which is not within the paths that it owns")
    derive = getattr(source, "derive", None)
    if derives and not callable(derive):
        raise SettingsError(f"source {name} has no method derive(company)")
    collection = getattr(source, "collection", None)
    if collection is not None and (not isinstance(collection, str) or not collection or "$" in collection):
        raise SettingsError(f"source {name} declares collection as {collection!r:.80}; make it the name of a collection")
    survey = getattr(source, "survey", None)
    return SourceSlot(
        source=source,
        name=name,
        collection=collection or f"fmcsa{camel_case('_' + name)}",
        owns=owns or None,
        foreign=(),
        complete=_complete(source),
        keeps_rows=collection is not None,
        may_keep_rows=collection is not None or not hasattr(source, "collection"),
        cost=_cost(source),
        registry=getattr(source, "registry", None),
        batch=BatchReading(name, _batch_size(name, source), source) if isinstance(source, BatchSource) else None,
        derives=derives,
        derive=derive if derives else None,
        survey=survey if isinstance(survey, Survey) else None,
        row_group=_own(source, "row_group"),
        row_events=getattr(source, "row_events", _no_row_events),
        field_events=getattr(source, "field_events", _no_field_events),
        history=_own(source, "history"),
    )


def _no_row_events(_change: RowChange) -> Iterable[CarrierEvent]:
    return ()


def _no_field_events(_change: FieldChange, _rules: AlertRules) -> Iterable[CarrierEvent]:
    return ()


def _paths(name: str, source: Any, attribute: str) -> tuple[str, ...]:
    declared: Any = getattr(source, attribute, None) or ()
    if isinstance(declared, str):
        raise SettingsError(f"source {name} declares {attribute} as a text; make it a tuple of paths: ({declared!r},)")
    paths = tuple(declared) if isinstance(declared, Iterable) else (declared,)
    if not all(isinstance(path, str) for path in paths):
        raise SettingsError(f"source {name} declares {attribute} as {declared!r:.80}; make it a tuple of paths")
    return paths


def _batch_size(name: str, source: BatchSource) -> int:
    if not callable(source.fetch_many):  # looked at here, since from Python 3.12 on `isinstance` does not
        raise SettingsError(f"source {name} has no method fetch_many(companies)")
    size: Any = source.batch_size
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise SettingsError(f"source {name} declares batch_size as {size!r:.80}; make it a whole number of companies, at least 1")
    return size


def _complete(source: Source) -> Complete | None:
    complete: Complete | None = getattr(source, "complete", None)
    has_own = complete is not None and getattr(type(source), "complete", None) is not BaseSource.complete
    return complete if isinstance(source, BatchSource) and has_own and getattr(source, "completes", True) else None


def _own(source: Source, name: str) -> Any:
    """The source's own method; None where it has none, so that nobody asks for it."""
    default = getattr(BaseSource, name)
    return getattr(source, name, None) if getattr(type(source), name, default) is not default else None


def _cost(source: Source) -> float:
    """By the source's own estimate, its version included; one that makes none counts like one that takes a single request."""
    try:
        return float(sum(estimated(source, 1).values())) or _ONE_REQUEST
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001  # it has none, or a bug in it: the estimate is not needed for anything but this
        return _ONE_REQUEST


def estimated(source: Source, companies: int) -> dict[str, int]:
    """Requests for so many companies by upstream, as the source tells.

    Raises: TypeError for what are no such numbers; whatever the source raises.
    """
    estimate: Any = getattr(source, "estimate", None)
    if estimate is None:
        return {}
    guess = dict(estimate(companies))
    if not all(isinstance(upstream, str) and type(number) is int and number >= 0 for upstream, number in guess.items()):
        raise TypeError(f"estimate gave {guess!r:.200}, not a number of requests by upstream")
    return guess
