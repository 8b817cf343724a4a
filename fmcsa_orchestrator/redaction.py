"""Takes secrets out of text before it is logged, stored or raised."""

import re
from collections.abc import Iterable

_HIDDEN = "***"
# The value that follows a name known for carrying secrets, and the user part of any URL.
_NAMED = re.compile(r"(?i)((?:webkey|x-app-token|app_token|password|authorization)[\"']?\s*[=:]\s*[\"']?)[^\s&\"',;)]+")
_CREDENTIALS = re.compile(r"(?<=://)\S*(?=@)")  # greedy: a password may itself hold an unescaped "@" or "/"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the given secrets, and without anything that looks like one of the usual kinds."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    return _NAMED.sub(rf"\1{_HIDDEN}", _CREDENTIALS.sub(_HIDDEN, text))
