"""What a dataset of the open data portal has to look like for us to read it, and whether it still does."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from fmcsa_orchestrator.model.errors import MalformedPayloadError, SchemaDriftError
from fmcsa_orchestrator.observability.hooks import note

log = logging.getLogger(__name__)

TEXT = frozenset({"text"})
ONLY_NUMBER = frozenset({"number"})  # the query is written for it
NUMBER = frozenset({"text", "number"})  # as text or not, its values arrive as digits in quotes


@dataclass(frozen=True, slots=True)
class Key:
    """The column by which rows are asked for, and how its numbers are written in a query.

    Most datasets keep them as text without zeros before them; some as numbers, and those of the old licensing system as text of
    eight digits. In another form than the column's own nothing is found, or the query is refused.
    """

    column: str = "dot_number"
    form: Literal["text", "number", "padded"] = "text"

    def literal(self, number: int) -> str:
        """The number in SoQL. Only an int gets in here, so nothing from outside becomes query text."""
        match self.form:
            case "text":
                return f"'{number:d}'"
            case "padded":
                return f"'{number:08d}'"
            case "number":
                return f"{number:d}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset: its id on the portal, its title, and the columns without which its rows mean nothing.

    `others` are columns that it has as well, and that we know without reading them. `numbers` are those that we could read as
    numbers as well as text, as which most are declared. `one_row` says that no carrier has more than one.
    """

    id: str
    title: str
    columns: frozenset[str]
    numbers: frozenset[str] = frozenset()
    one_row: bool = False
    key: Key = Key()
    others: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.title} ({self.id})"


def check_columns(dataset: Dataset, types: Iterable[tuple[str, str]]) -> None:
    """Refuse columns (name, declared type) that are no longer those we know; a new one is told once, in the log.

    Raises: SchemaDriftError, naming the column.
    """
    fault, added = _compare(dataset, tuple(types))
    if fault is not None:
        name, text = fault
        raise SchemaDriftError(
            f"{dataset.label} {text}; nothing of it is read until this library knows the new shape: look for a newer version",
            field=name,
        )
    for name in added:
        tell_of_new(dataset, name)


def header_types(dataset: Dataset, headers: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """The columns of an answer, by its X-SODA2 headers; None where it does not tell. Raises: MalformedPayloadError."""
    fields, types = (headers.get(f"X-SODA2-{which}") for which in ("Fields", "Types"))
    if fields is None:
        return None
    try:
        return _parallel(fields, types)
    except (ValueError, TypeError) as error:
        raise MalformedPayloadError(f"{dataset.label}: unreadable X-SODA2-Fields", field="X-SODA2-Fields") from error


@lru_cache(maxsize=32)
def _parallel(fields: str, types: str | None) -> list[tuple[str, str]]:
    names = json.loads(fields)
    declared = json.loads(types) if types else ["text"] * len(names)
    return [(str(name), str(type_)) for name, type_ in zip(names, declared, strict=True)]


@lru_cache(maxsize=32)
def _compare(dataset: Dataset, types: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str] | None, tuple[str, ...]]:
    """What is wrong (column, words), and which columns are new."""
    found = dict(types)
    if gone := dataset.columns - found.keys():
        return (min(gone), f"no longer has the column {min(gone)}"), ()
    for name in sorted(dataset.columns):
        if found[name] not in _fitting(dataset, name):
            return (name, f"now has {found[name]:.40} in the column {name}"), ()
    known = dataset.columns | dataset.others
    return None, tuple(name for name in found if name not in known and not name.startswith(":"))


def _fitting(dataset: Dataset, column: str) -> frozenset[str]:
    """The types with which the column can be read."""
    if column == dataset.key.column and dataset.key.form == "number":
        return ONLY_NUMBER
    return NUMBER if column in dataset.numbers else TEXT


@lru_cache(maxsize=256)
def tell_of_new(dataset: Dataset, name: str) -> None:
    """Log a column that nobody knew; once for each, until the cache is cleared."""
    note(log, logging.WARNING, "new_column", dataset=dataset.id, column=f"{name:.80}")
