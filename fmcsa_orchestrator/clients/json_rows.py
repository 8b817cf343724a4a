"""Decodes a JSON array of rows piece by piece, while its body still comes in."""

from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from fmcsa_orchestrator.model.errors import MaintenanceError, MalformedPayloadError, TruncatedPayloadError

_UNDECODABLE = 4_000_000  # bytes that may pile up without being JSON before we call it malformed


def decode_rows(array: bytes) -> list[dict[str, Any]]:
    """The objects of a JSON array. Raises: ValueError for what is not JSON; MalformedPayloadError for other items."""
    rows: list[dict[str, Any]] = from_json(array)
    if not all(isinstance(row, dict) for row in rows):
        raise MalformedPayloadError("a row is not a JSON object")
    return rows


class RowSlicer:
    r"""Decodes a JSON array of objects piece by piece, so that no page, however long, holds up the event loop.

    Socrata puts each row on its own line, and a raw newline cannot occur inside a JSON string: text up to the last
    "\n," is a run of whole rows. Where that does not hold (another layout), decoding fails and we wait for more.

    `decode` makes items of an array of whole rows, as many as there are, and raises ValueError for what is not JSON.
    """

    def __init__(self, decode: Callable[[bytes], list[Any]] = decode_rows) -> None:
        self._decode = decode
        self._rest = b""
        self._opened = False
        self._retry_at = 0
        self._needs_row = False  # after a comma

    def feed(self, chunk: bytes) -> list[Any]:
        """The rows that this chunk completes, decoded."""
        self._rest += chunk
        if not self._opened and not self._open():
            return []
        cut = self._rest.rfind(b"\n,")
        if cut <= 0 or cut < self._retry_at:
            return []
        try:
            rows = self._decode(b"[%b]" % self._rest[:cut])
        except ValueError:
            self._retry_at = 2 * cut
            if cut > _UNDECODABLE:
                raise MalformedPayloadError("the answer is not a JSON array of rows") from None
            return []
        if not rows:
            raise MalformedPayloadError("a comma without a row before it")
        self._needs_row = True
        self._rest = self._rest[cut + 2 :]
        self._retry_at = 0
        return rows

    def finish(self) -> list[Any]:
        """The rows that are left at the end of the body, decoded."""
        rest = self._rest.rstrip()
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
        start = self._rest.lstrip()
        if not start:
            return False
        if start.startswith(b"<"):
            raise MaintenanceError("upstream answered with a web page where JSON was due")
        if not start.startswith(b"["):
            raise MalformedPayloadError("the answer is not a JSON array of rows")
        self._rest = start[1:]
        self._opened = True
        return True
