"""Dotted paths in a company document: what may be set, what differs, what it looks like afterwards. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from math import isfinite, isnan
from typing import Any

from pydantic_core import to_json

from fmcsa_orchestrator.model.errors import CompanyWriteError

OURS = "fmcsaData.syncStatus"  # the status: whatever stands there, or below, where an object is due, is replaced by one
JSON_SCALARS = frozenset({str, int, float, bool, type(None)})
_NOT_ALIKE = (dict, list, tuple, bool, type(None))  # never the same as a value of another type: to MongoDB True is not 1


def differs(stored: Any, value: Any) -> bool:
    """Whether MongoDB would hold something else after the write; stops at the first difference."""
    kind = type(value)
    if type(stored) is kind and kind in JSON_SCALARS:
        return bool(stored != value and (stored == stored or value == value))  # noqa: PLR0124  # NaN alone is not itself
    if isinstance(stored, dict) and isinstance(value, dict):
        for key, item in value.items():  # any() of a generator would take half as long again
            if key not in stored or (stored[key] is not item and differs(stored[key], item)):
                return True
        return len(stored) != len(value)
    if isinstance(stored, list | tuple) and isinstance(value, list | tuple):
        return len(stored) != len(value) or any(map(differs, stored, value))
    return isinstance(stored, _NOT_ALIKE) or isinstance(value, _NOT_ALIKE) or bool(canonical(stored) != canonical(value))


def overlaps(path: str, other: str) -> bool:
    """Whether one of the two dotted paths lies within the other."""
    return path == other or path.startswith(other + ".") or other.startswith(path + ".")


@lru_cache(maxsize=1_024)
def prefixes(path: str) -> tuple[str, ...]:
    """The paths that this one leads through: `a` and `a.b` for `a.b.c`."""
    return tuple(path[:index] for index, character in enumerate(path) if character == ".")


def check_settable(document: Mapping[str, Any], paths: Iterable[str]) -> None:
    """Raises: CompanyWriteError when something other than an object (or null) stands where a path leads through."""
    for path in {path.rpartition(".")[0]: path for path in paths}.values():
        _null_parent(document, path)


def settable(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The `$set` for these values. A parent that is null holds no data: it is replaced by an object with ours in it.

    So is anything else that stands in place of an object in the status, which is ours.

    Raises: CompanyWriteError as `check_settable`.
    """
    update: dict[str, Any] = {}
    null_parents: dict[str, str | None] = {}
    for path, value in values.items():
        folder = path.rpartition(".")[0]
        if folder not in null_parents:
            null_parents[folder] = _null_parent(document, path)
        parent = null_parents[folder]
        if parent is None:
            update[path] = value
        else:
            _put(update.setdefault(parent, {}), path[len(parent) + 1 :].split("."), value)
    return update


def with_values(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it will be; what does not change is shared with the old one."""
    result = dict(document)
    copied: dict[str, dict[str, Any]] = {"": result}
    for path, value in values.items():
        folder, _, last = path.rpartition(".")
        if folder not in copied:
            _copy_down(result, folder, copied)
        copied[folder][last] = value
    return result


def kept_within(document: Mapping[str, Any], values: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """The values, by path; where one of them is an object around one of these paths, with what the document has there."""
    result = dict(values)
    for path in paths:
        around = next((prefix for prefix in prefixes(path) if isinstance(result.get(prefix), dict)), None)
        if around is None:
            continue
        kept, within = dig(document, path), path[len(around) + 1 :]
        if kept is not None or dig(result[around], within) is not None:  # null takes the place of what was there, too
            result[around] = with_values(result[around], {within: kept})
    return result


def _copy_down(node: dict[str, Any], folder: str, copied: dict[str, dict[str, Any]]) -> None:
    """Copy the objects on the way to a folder, each once."""
    for place, key in zip((*prefixes(folder), folder), path_keys(folder), strict=True):
        if place not in copied:
            child = node.get(key)
            copied[place] = node[key] = dict(child) if isinstance(child, dict) else {}
        node = copied[place]


def has_changes(document: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether any of these values, by path, differs from what is stored."""
    return any(differs(dig(document, path), value) for path, value in values.items())


def _null_parent(document: Mapping[str, Any], path: str) -> str | None:
    value: Any = document
    keys = path_keys(path)
    for depth, key in enumerate(keys[:-1], 1):
        if key not in value:
            return None
        value = value[key]
        if isinstance(value, dict):
            continue
        place = ".".join(keys[:depth])
        if value is None or place == OURS or place.startswith(f"{OURS}."):
            return place
        raise CompanyWriteError(
            f"{place} is of type {type(value).__name__} where an object is expected; move or remove it in the company's document"
        )
    return None


def _put(node: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        node = node.setdefault(key, {})
    node[keys[-1]] = value


def content_hash(content: Mapping[str, Any]) -> str:
    """A short digest of a row's content: equal content, equal hash, in whatever order its keys come.

    What MongoDB tells apart has another hash: 1, True and "1", a time and its text. So have 1 and 1.0, which it stores apart.
    """
    names, digest = _sorted_names(tuple(content))
    digest = digest.copy()
    digest.update(to_json([value if type(value := content[name]) in JSON_SCALARS else canonical(value) for name in names]))
    return digest.hexdigest()


def canonical(value: Any) -> Any:
    """The value as JSON types: the same for what MongoDB holds alike, another for anything else; what is not JSON's is named."""
    if isinstance(value, datetime):
        return _canonical_time(value)
    if isinstance(value, dict):
        names, _ = _sorted_names(tuple(value))
        return {"object": [names, _all_canonical([value[name] for name in names])]}
    if isinstance(value, list | tuple):
        return _all_canonical(value)
    if isinstance(value, float) and isnan(value):
        return {"float": "NaN"}
    return value if value is None or isinstance(value, str | int | float) else {type(value).__name__: repr(value)}


def _all_canonical(values: Sequence[Any]) -> list[Any]:
    return [value if type(value) in JSON_SCALARS else canonical(value) for value in values]  # spares nearly all the call


@lru_cache(maxsize=4_096)
def _canonical_time(moment: datetime) -> Mapping[str, str]:
    return {"date": bson_time(moment).isoformat()}


@lru_cache(maxsize=256)
def _sorted_names(names: tuple[str, ...]) -> tuple[tuple[str, ...], blake2b]:
    """The names in order, and a digest of them to go on from: the rows of a source nearly all have the same."""
    ordered = tuple(sorted(names))
    return ordered, blake2b(to_json(ordered), digest_size=12)


@lru_cache(maxsize=1_024)
def path_keys(path: str) -> tuple[str, ...]:
    """The names that a dotted path leads through; the same few paths come again for every company."""
    return tuple(path.split("."))


def dig(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None where the path does not lead anywhere."""
    value: Any = document
    for key in path.split("."):
        if not isinstance(value, dict):  # what a driver decodes an object to; testing for Mapping takes ten times as long
            return None
        value = value.get(key)
    return value


def bson_time(moment: datetime) -> datetime:
    """The moment as MongoDB keeps it: UTC, whole milliseconds."""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def as_time(value: Any) -> datetime | None:
    """A time in UTC, or None for anything else."""
    return bson_time(value) if isinstance(value, datetime) else None


def as_number(value: Any) -> float | None:
    """A finite number, or None for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return value if is_number else None


def as_object(value: Any) -> Mapping[str, Any]:
    """An object of the document, empty for anything else."""
    return value if isinstance(value, dict) else {}


def whole_text(text: str) -> str:
    """The text without halves of characters (lone surrogates), which no store takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
