"""A report looked at as a whole, before any of it is written: whether it is one, and writes only what is its source's own."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from fmcsa_orchestrator.model.company import Derived, OddRow, SourceReport
from fmcsa_orchestrator.model.documents import bson_time, overlaps, prefixes
from fmcsa_orchestrator.model.errors import SourceError, SourceTimeoutError, SourceUnavailableError
from fmcsa_orchestrator.model.results import FAILURES, Outcome, SourceFailure
from fmcsa_orchestrator.sources.base import VERSION_LIMIT, is_version
from fmcsa_orchestrator.sync.source_registry import SourceSlot

_MOST_ROWS = 2**63  # what a store can count
_ERRORS = {Outcome.TIMED_OUT: SourceTimeoutError, Outcome.UNAVAILABLE: SourceUnavailableError}


def check_report(slot: SourceSlot, report: Any) -> None:
    """Raises: TypeError or ValueError for what is no report, or writes what is not the source's own.

    SourceError for one that says of itself that the source has failed: nothing of it is to be believed.
    """
    if not isinstance(report, SourceReport):
        raise TypeError(f"{slot.name} gave a {type(report).__name__}, not a SourceReport")
    if fault := _fault_of_parts(report):
        raise TypeError(f"{slot.name} gave {fault}")
    if report.version is not None and not is_version(report.version):
        raise ValueError(f"{slot.name} gave a version that is no text of at most {VERSION_LIMIT} characters")
    if report.outcome in FAILURES:
        error = _ERRORS.get(report.outcome, SourceError)
        raise error(report.message or f"{slot.name} says that it has {report.outcome.value}, and not why")
    if fault := _fault_in((*report.fields, *report.stamps), slot.owns, slot.foreign, slot.derives):
        raise ValueError(f"{slot.name} writes to {fault}")


def check_derived(slot: SourceSlot, derived: Any) -> None:
    """Raises: TypeError or ValueError for what is not Derived, or writes what the source does not derive."""
    if not isinstance(derived, Derived) or not isinstance(derived.fields, Mapping):
        raise TypeError(f"{slot.name} derived a {type(derived).__name__}, not Derived")
    if stray := [path for path in derived.fields if path not in slot.derives]:
        raise ValueError(f"{slot.name} derives {stray[0]!r:.80}, which it does not declare")


def _fault_of_parts(report: SourceReport) -> str | None:
    """Which part of a report is not what it is declared to be; or None. A host's source may be checked by nobody else."""
    for name, is_good, what in _PARTS:
        if not is_good(part := getattr(report, name)):
            return f"{name} as a {type(part).__name__}, not as {what}"
    return None


def _is_sequence(value: Any) -> bool:
    """A generator has no length, and can be gone through only once: to be empty at the second time would end all stored rows."""
    return value is None or (isinstance(value, Sequence) and not isinstance(value, str | bytes))


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_ROWS)


def _is_moment(value: Any) -> bool:
    try:
        return value is None or (isinstance(value, datetime) and value.utcoffset() is not None and bool(bson_time(value)))
    except OverflowError:  # the first or the last hours that Python knows, in another zone
        return False


_PARTS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("fields", lambda value: isinstance(value, Mapping), "a mapping"),
    ("stamps", lambda value: isinstance(value, Mapping), "a mapping"),
    ("documents", _is_sequence, "a sequence of Document"),
    ("outcome", lambda value: isinstance(value, Outcome), "an Outcome"),
    ("rows", _is_count, "a count"),
    ("data_as_of", _is_moment, "a time with its zone"),
    ("message", lambda value: value is None or isinstance(value, str), "a text"),
    (
        "odd_rows",
        lambda value: _is_sequence(value) and all(isinstance(row, OddRow) for row in value or ()),
        "a sequence of OddRow",
    ),
    ("incomplete", lambda value: value is None or isinstance(value, BaseException | SourceFailure), "an error"),
)


@lru_cache(maxsize=1_024)
def _fault_in(
    paths: tuple[str, ...], owns: tuple[str, ...] | None, foreign: tuple[str, ...], derives: tuple[str, ...]
) -> str | None:
    """Which of the paths a source may not write, and why; or None. A source reports the same paths again and again."""
    for path in paths:
        if fault := _fault_of(path, owns, foreign):
            return f"{path!r:.80}, {fault}"
        if any(path == derived or path.startswith(f"{derived}.") for derived in derives):
            return f"{path!r:.80}, which it derives"
        if not set(paths).isdisjoint(prefixes(path)):
            return f"{path!r:.80} twice"
    return None


def _fault_of(path: object, owns: tuple[str, ...] | None, foreign: tuple[str, ...]) -> str | None:
    """Why a source may not write there, or None."""
    if not isinstance(path, str) or "$" in path or "\0" in path or not all(path.split(".")):
        return "which is not a path"
    is_own = owns is None or any(path == own or path.startswith(own + ".") for own in owns)
    return None if is_own and not any(overlaps(path, other) for other in foreign) else "which it does not own"
