"""Who owns what: the sources checked against each other."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fmcsa_orchestrator.model.company import Company, SourceReport
from fmcsa_orchestrator.model.documents import overlaps
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.status import STATUS
from fmcsa_orchestrator.sources.base import BaseSource, BatchSource, Source
from fmcsa_orchestrator.storage.sync_status import camel_case, check_name

Complete = Callable[[Company, SourceReport], Awaitable[SourceReport]]

_ONE_REQUEST = 2.0  # one for the version, one for the data

# What belongs to the host or to this library, whatever a source says.
RESERVED_PATHS = ("_id", "dotNumber", "name", STATUS)


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
    cost: float  # requests that one company takes, as far as the source tells


def make_slots(sources: Sequence[Source]) -> tuple[SourceSlot, ...]:
    """The sources, checked against each other. Raises: SettingsError when two share a name, a path or a collection."""
    names = [_checked(source) for source in sources]
    collections = [
        getattr(source, "collection", None) or f"fmcsa{camel_case('_' + name)}"
        for source, name in zip(sources, names, strict=True)
    ]
    owned = [tuple(getattr(source, "owns", None) or ()) for source in sources]
    timestamps = [camel_case(name) for name in names]
    for what, values in (("name", names), ("name", timestamps), ("collection", collections)):
        if twice := {value for value in values if values.count(value) > 1}:
            raise SettingsError(f"two sources have the {what} {min(twice)}")
    slots = []
    for index, source in enumerate(sources):
        foreign = RESERVED_PATHS + tuple(path for other, paths in enumerate(owned) if other != index for path in paths)
        for path in owned[index]:
            if clash := next((other for other in foreign if overlaps(path, other)), None):
                others = [names[other] for other, paths in enumerate(owned) if other != index and clash in paths]
                whose = f"{others[0]} declares {clash}" if others else f"{clash} is the library's or the host's"
                raise SettingsError(f"source {names[index]} declares {path}, which is not its own: {whose}")
        keeps_rows = getattr(source, "collection", None) is not None
        owns = owned[index] or None
        complete, cost = _complete(source), _cost(source)
        slots.append(SourceSlot(source, names[index], collections[index], owns, foreign, complete, keeps_rows, cost))
    return tuple(slots)


def _checked(source: Any) -> str:
    """A source's name, where it can be one at all. Raises: SettingsError."""
    name = check_name(getattr(source, "name", None))
    if not callable(getattr(source, "fetch", None)):
        raise SettingsError(f"source {name} has no method fetch(company)")
    if isinstance(getattr(source, "owns", None), str):
        raise SettingsError(f"source {name} declares owns as a text; make it a tuple of paths: ({source.owns!r},)")
    return name


def _complete(source: Source) -> Complete | None:
    complete: Complete | None = getattr(source, "complete", None)
    has_own = complete is not None and getattr(type(source), "complete", None) is not BaseSource.complete
    return complete if isinstance(source, BatchSource) and has_own and getattr(source, "completes", True) else None


def _cost(source: Source) -> float:
    """By the source's own estimate, its version included; one that makes none counts like one that takes a single request."""
    try:
        return float(sum(source.estimate(1).values())) or _ONE_REQUEST  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001  # it has none, or a bug in it: the estimate is not needed for anything but this
        return _ONE_REQUEST
