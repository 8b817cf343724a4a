"""What makes a report a good one, and two of them the same; and where a secret shows."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from fmcsa_orchestrator.model.company import Company, Document, SourceReport
from fmcsa_orchestrator.model.errors import MalformedPayloadError, SourceError
from fmcsa_orchestrator.model.results import Outcome
from fmcsa_orchestrator.storage.row_diff import plan_rows

Given = SourceReport | SourceError

_SAID_BY_SOURCES = (Outcome.CHANGED, Outcome.NOT_FOUND, Outcome.NOT_PUBLISHED, Outcome.SKIPPED)

_STORABLE = (str, int, float, bytes, datetime, re.Pattern)


def check(condition: object, text: str) -> None:
    """Raises: AssertionError with the text."""
    if not condition:
        raise AssertionError(text)


def as_report(result: object, text: str) -> SourceReport:
    """The result, when it is a report. Raises: AssertionError with the text."""
    if isinstance(result, SourceReport):
        return result
    raise AssertionError(text)


def check_types(report: SourceReport) -> None:
    """Raises: AssertionError when a part of the report is not what it is declared to be."""
    check(report.outcome in _SAID_BY_SOURCES, f"a source does not say the outcome {report.outcome!r}")
    for name, value in (("fields", report.fields), ("stamps", report.stamps)):
        check(isinstance(value, Mapping), f"{name} is a {type(value).__name__}, not a mapping")
    for document in report.documents or ():
        check(isinstance(document, Document), f"documents holds a {type(document).__name__}, not a Document")
        check(isinstance(document.id, str), f"the document {document.id!r} has an id that is no text")
    moment = report.data_as_of
    check(moment is None or moment.tzinfo is not None, "data_as_of has no zone")
    check(report.version is None or isinstance(report.version, str), f"the version {report.version!r} is no text")
    error = report.incomplete
    check(error is None or isinstance(error, SourceError), f"incomplete is a {type(error).__name__}, not a SourceError")


async def check_rows(company: Company, report: SourceReport) -> None:
    """Raises: AssertionError when the rows cannot be stored beside each other."""
    try:
        await plan_rows({}, report.documents or (), company.id, company.usdot, datetime.now(UTC))
    except MalformedPayloadError as error:
        raise AssertionError(f"the rows cannot be stored: {error}") from error


def check_storable(report: SourceReport) -> None:
    """Raises: AssertionError when a value is not one that MongoDB takes as it is."""
    values = {**report.fields, **report.stamps}
    values |= {f"the row {document.id}": document.content for document in report.documents or ()}
    for name, value in values.items():
        fault = _unstorable(value)
        check(fault is None, f"{name} holds {fault}")


def _unstorable(value: Any) -> str | None:
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            return "a key that is no text"
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next(filter(None, map(_unstorable, value)), None)
    is_known = value is None or isinstance(value, _STORABLE) or hasattr(value, "_type_marker")  # the mark of BSON's own types
    return None if is_known else f"a {type(value).__name__}, which MongoDB does not take"


def error_of(result: Given) -> SourceError | None:
    """What went wrong, altogether or in part."""
    error = result if isinstance(result, SourceError) else result.incomplete
    return error if isinstance(error, SourceError) else None


def count_rows(report: SourceReport) -> int:
    """How many rows upstream has, as the report tells."""
    return len(report.documents or ()) if report.rows is None else report.rows


def is_nothing(report: SourceReport) -> bool:
    """Whether the report says that there is nothing on record."""
    keeps_rows = report.documents is not None or report.rows is not None
    return report.outcome in {Outcome.NOT_FOUND, Outcome.NOT_PUBLISHED} or (keeps_rows and not count_rows(report))


def difference(one: Given, other: Given) -> str | None:
    """The first thing in which two answers differ, but for stamps and the order of rows; None: they say the same."""
    if isinstance(one, SourceError) or isinstance(other, SourceError):
        return None if repr(one) == repr(other) else f"{one!r:.200} and {other!r:.200}"
    facts, others = _facts(one), _facts(other)
    for name in [*facts, *(others.keys() - facts.keys())]:
        if facts.get(name) != others.get(name):
            return f"{name}: {facts.get(name)!r:.120} and {others.get(name)!r:.120}"
    return None


def _facts(result: SourceReport) -> dict[str, Any]:
    rows = {f"the row {document.id}": (document.content, document.expected_until) for document in result.documents or ()}
    facts = {"outcome": result.outcome, "the number of rows": count_rows(result), "incomplete": str(result.incomplete)}
    return facts | {f"the field {path}": value for path, value in result.fields.items()} | rows


def texts_of(error: BaseException | None) -> Iterator[str]:
    """Everything that a traceback of the error could show: of itself, of its causes, of what it was raised in."""
    queue, seen = [error], set[int]()
    while queue:
        found = queue.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield from (str(found), repr(found))
        queue += [found.__cause__, found.__context__, *getattr(found, "exceptions", ())]


def check_hidden(secrets: Iterable[str], texts: Iterable[str], where: str) -> None:
    """Raises: AssertionError when a secret stands in one of the texts. It is not repeated there."""
    for text in texts:
        for secret in secrets:
            check(secret not in text, f"a secret shows in {where}: {text.replace(secret, '<the secret>'):.300}")


@contextmanager
def logged() -> Iterator[list[str]]:
    """All that is logged meanwhile, whatever its level, with tracebacks and extras."""
    texts: list[str] = []
    root, formatter = logging.getLogger(), logging.Formatter()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.extend((formatter.format(record), repr(vars(record))))

    handler, level = Collector(), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield texts
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
