"""Decodes a JSON array of rows piece by piece, while its body still comes in."""

import re
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from fmcsa_orchestrator.model.errors import MaintenanceError, MalformedPayloadError, TruncatedPayloadError

_UNDECODABLE = 4_000_000  # bytes that may pile up without being JSON before we call it malformed
_BOUNDARY = re.compile(rb"\}\s{0,64},\s{0,64}\{")  # bounded, so that no run of blanks is gone through again and again
_WIDEST = 131  # bytes that it can take


def decode_rows(array: bytes) -> list[dict[str, Any]]:
    """The objects of a JSON array. Raises: ValueError for what is not JSON; MalformedPayloadError for other items."""
    rows: list[dict[str, Any]] = from_json(array)
    if not all(isinstance(row, dict) for row in rows):
        raise MalformedPayloadError("a row is not a JSON object")
    return rows


class RowSlicer:
    r"""Decodes a JSON array of objects piece by piece, so that no page, however long, holds up the event loop.

    Text up to the last "}, {", with blanks or line ends anywhere between, is most likely a run of whole rows: Socrata writes
    "}\n,{", its newer API "},\n{", and a proxy on the way may write all on one line. Where it is not, inside a text or a nested
    list, decoding fails and we wait for more; but not for more than any row can take. Each byte is looked at a few times at most.

    `decode` makes items of an array of whole rows, as many as there are, and raises ValueError for what is not JSON.
    """

    def __init__(self, decode: Callable[[bytes], list[Any]] = decode_rows) -> None:
        self._decode = decode
        self._rest = bytearray()
        self._opened = False
        self._seen = 0  # bytes of the rest that have been searched
        self._retry_at = 0
        self._needs_row = False  # after a comma

    def feed(self, chunk: bytes) -> list[Any]:
        """The rows that this chunk completes, decoded."""
        self._rest += chunk if self._opened or self._rest else chunk.lstrip()
        if not self._opened and not self._open():
            return []
        cut = self._boundary()
        if cut is None:
            if len(self._rest) > _UNDECODABLE:
                raise MalformedPayloadError("the answer is not a JSON array of rows")
            return []
        end, begin = cut
        try:
            rows = self._decode(b"[" + self._rest[:end] + b"]")
        except ValueError:
            self._retry_at = 2 * end
            return []
        if not rows:
            raise MalformedPayloadError("a comma without a row before it")
        self._needs_row = True
        del self._rest[:begin]
        self._seen = self._retry_at = 0
        return rows

    def _boundary(self) -> tuple[int, int] | None:
        """Where the last row that may be whole ends, and what is next begins; None where no try is due."""
        last = None
        for last in _BOUNDARY.finditer(self._rest, max(0, self._seen - _WIDEST)):  # noqa: B007  # the last one is meant
            pass
        self._seen = len(self._rest)
        if last is None or last.start() + 1 < self._retry_at:
            return None
        return last.start() + 1, last.end() - 1

    def finish(self) -> list[Any]:
        """The rows that are left at the end of the body, decoded."""
        rest = bytes(self._rest.rstrip())
        if not self._opened or not rest.endswith(b"]"):
            raise TruncatedPayloadError("the answer ends in the middle" if rest or self._opened else "the answer is empty")
        try:
            rows = self._decode(b"[" + rest)
        except ValueError as error:
            raise MalformedPayloadError("the answer is not a JSON array of rows") from error
        if self._needs_row and not rows:
            raise MalformedPayloadError("a comma without a row after it")
        return rows

    def _open(self) -> bool:
        if not self._rest:
            return False
        if self._rest.startswith(b"<"):
            raise MaintenanceError("upstream answered with a web page where JSON was due")
        if not self._rest.startswith(b"["):
            raise MalformedPayloadError("the answer is not a JSON array of rows")
        del self._rest[:1]
        self._opened = True
        return True
