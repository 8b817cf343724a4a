"""A document that can be looked at and not changed, however deep: for sources, which share it with the sync and each other.

Objects and lists are made read-only as they are looked at, so that a large document costs nothing that is not read. They stay
dicts and lists: whatever reads those, reads these.
"""

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from copy import deepcopy
from typing import Any, NoReturn, SupportsIndex


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("a source may not change the company's document; what it wants to write goes into SourceReport.fields")


def _shown(value: Any) -> Any:
    """The value as it is, or read-only where it could be changed."""
    if isinstance(value, dict):
        return ReadOnlyObject(value)
    return ReadOnlyList(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """A copy that can be changed."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in dict.items(value)}
    return [_plain(item) for item in list.__iter__(value)] if isinstance(value, list) else deepcopy(value)


class ReadOnlyObject(dict[str, Any]):
    """An object of a document. `dict(it)` is a copy of this one level; `copy.deepcopy(it)` one that can be changed throughout."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __getitem__(self, key: str) -> Any:
        return _shown(dict.__getitem__(self, key))

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dict."""
        return _shown(dict.get(self, key, default))

    def __iter__(self) -> Iterator[str]:  # its own, so that `dict(it)` and `{**it}` ask for the values one by one
        return dict.__iter__(self)

    def values(self) -> Any:
        """As of a dict."""
        return ValuesView(self)

    def items(self) -> Any:
        """As of a dict."""
        return ItemsView(self)

    def copy(self) -> dict[str, Any]:
        """This one level."""
        return dict(self)

    __copy__ = copy

    def __deepcopy__(self, _: Any) -> dict[str, Any]:
        plain: dict[str, Any] = _plain(self)
        return plain

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:  # type: ignore[override]  # a plain dict, as said
        return {**self, **other}

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:  # type: ignore[override]  # likewise
        return {**other, **self}

    def __reduce_ex__(self, _: SupportsIndex) -> tuple[Any, ...]:
        return dict, (_plain(self),)


class ReadOnlyList(list[Any]):
    """A list of a document, as `ReadOnlyObject`."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __getitem__(self, index: Any) -> Any:
        found = list.__getitem__(self, index)
        return [_shown(value) for value in found] if isinstance(index, slice) else _shown(found)

    def __iter__(self) -> Iterator[Any]:
        return map(_shown, list.__iter__(self))

    def __reversed__(self) -> Iterator[Any]:
        return map(_shown, list.__reversed__(self))

    def copy(self) -> list[Any]:
        """This one level."""
        return [*iter(self)]

    __copy__ = copy

    def __deepcopy__(self, _: Any) -> list[Any]:
        plain: list[Any] = _plain(self)
        return plain

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        return [*iter(self), *other]

    def __radd__(self, other: Iterable[Any]) -> list[Any]:
        return [*other, *iter(self)]

    def __mul__(self, times: SupportsIndex) -> list[Any]:
        return self.copy() * times

    __rmul__ = __mul__

    def __reduce_ex__(self, _: SupportsIndex) -> tuple[Any, ...]:
        return list, (_plain(self),)
