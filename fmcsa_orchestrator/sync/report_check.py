"""A report looked at as a whole, before any of it is written: whether it is one, and writes only what is its source's own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from fmcsa_orchestrator.model.company import SourceReport
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
    if fault := _fault_in((*report.fields, *report.stamps), slot.owns, slot.foreign):
        raise ValueError(f"{slot.name} writes to {fault}")


def _fault_of_parts(report: SourceReport) -> str | None:
    """Which part of a report is not what it is declared to be; or None. A host's source may be checked by nobody else."""
    for name in ("fields", "stamps"):
        if not isinstance(part := getattr(report, name), Mapping):
            return f"{name} as a {type(part).__name__}, not as a mapping"
    documents: Any = report.documents  # a generator has no length, and can be gone through only once
    if documents is not None and (not isinstance(documents, Sequence) or isinstance(documents, str | bytes)):
        return f"documents as a {type(documents).__name__}, not as a sequence of Document"
    outcome, rows, moment, message, lacking = _plain(report)
    if not isinstance(outcome, Outcome):
        return f"{outcome!r:.80} as outcome, not an Outcome"
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or not 0 <= rows < _MOST_ROWS):
        return f"{rows!r:.80} as rows, not a count"
    if moment is not None and not _is_moment(moment):
        return f"{moment!r:.80} as data_as_of, not a time with its zone"
    if message is not None and not isinstance(message, str):
        return f"a {type(message).__name__} as message, not a text"
    if lacking is not None and not isinstance(lacking, BaseException | SourceFailure):
        return f"a {type(lacking).__name__} as incomplete, not an error"
    return None


def _plain(report: SourceReport) -> tuple[Any, ...]:
    """These as whatever they are: what their types are declared to be is to be seen yet."""
    return report.outcome, report.rows, report.data_as_of, report.message, report.incomplete


def _is_moment(value: Any) -> bool:
    try:
        return isinstance(value, datetime) and value.utcoffset() is not None and bson_time(value) is not None
    except OverflowError:  # the first or the last hours that Python knows, in another zone
        return False


@lru_cache(maxsize=1_024)
def _fault_in(paths: tuple[str, ...], owns: tuple[str, ...] | None, foreign: tuple[str, ...]) -> str | None:
    """Which of the paths a source may not write, and why; or None. A source reports the same paths again and again."""
    for path in paths:
        if fault := _fault_of(path, owns, foreign):
            return f"{path!r:.80}, {fault}"
        if not set(paths).isdisjoint(prefixes(path)):
            return f"{path!r:.80} twice"
    return None


def _fault_of(path: object, owns: tuple[str, ...] | None, foreign: tuple[str, ...]) -> str | None:
    """Why a source may not write there, or None."""
    if not isinstance(path, str) or "$" in path or "\0" in path or not all(path.split(".")):
        return "which is not a path"
    is_own = owns is None or any(path == own or path.startswith(own + ".") for own in owns)
    return None if is_own and not any(overlaps(path, other) for other in foreign) else "which it does not own"
