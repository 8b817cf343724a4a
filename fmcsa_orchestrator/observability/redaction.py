"""Takes secrets out of text before it is logged, stored or raised."""

import re
from collections.abc import Iterable
from functools import lru_cache

from fmcsa_orchestrator.model.text import printable_lines

_HIDDEN = "***"
# The value that follows a name known for carrying secrets, and the user part of any URL.
_NAMED = re.compile(
    r"(?i)((?:webkey|x-app-token|app_token|session_token|password|authorization)[\"']?\s*(?:[=:]|%3[ad])\s*[\"']?"
    r"(?:(?:bearer|basic)\s+)?)[^\s&\"',;)]+"
)
_ADDRESS = re.compile(r"://(\S*)")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the given secrets, however URLs spell them, and without anything that looks like one of the usual kinds.

    What no encoding can carry is replaced too, and what nobody sees: the text goes into logs and documents.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = _spellings(secret).sub(_HIDDEN, text)
    text = _NAMED.sub(rf"\1{_HIDDEN}", _ADDRESS.sub(_without_user, text))
    return printable_lines(text.encode(errors="replace").decode())


def _without_user(address: re.Match[str]) -> str:
    _, at, host = address[1].rpartition("@")  # the last one: a password may itself hold an unescaped "@" or "/"
    return f"://{_HIDDEN}@{host}" if at else address[0]


@lru_cache(maxsize=64)
def _spellings(secret: str) -> re.Pattern[str]:
    """The secret with any of its characters percent-encoded, once or several times over."""
    return re.compile("".join(map(_spellings_of_one, secret)))


def _spellings_of_one(character: str) -> str:
    encoded = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode(errors="surrogatepass"))
    space = r"|\+" if character == " " else ""
    return f"(?:{re.escape(character)}|(?i:{encoded}){space})"
