"""What may go wrong upstream, and what a source has to make of it."""

from fmcsa_orchestrator.testing.contract.checks import Given, check, error_of, is_nothing
from fmcsa_orchestrator.testing.server.faults import Fault

FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "400": (Fault.status(400), {"rejected"}),
    "401": (Fault.status(401), {"auth", "rejected"}),
    "429": (Fault.status(429), {"rate_limited"}),
    "429-pause": (Fault.status(429, retry_after=3_600), {"rate_limited"}),
    "429-until": (Fault.status(429, retry_after="Fri, 31 Dec 2100 23:59:59 GMT"), {"rate_limited"}),
    "500": (Fault.status(500), {"upstream_unavailable"}),
    "503": (Fault.status(503), {"upstream_unavailable"}),
    "html": (Fault.html(), {"upstream_unavailable"}),
    "html-as-json": (Fault.html_as_json(), {"upstream_unavailable", "malformed"}),
    "empty-body": (Fault.empty_body(), {"malformed", "upstream_unavailable"}),
    "truncated": (Fault.truncated(), {"malformed", "upstream_unavailable"}),
    "reset": (Fault.reset(), {"malformed", "upstream_unavailable"}),
    "not-an-array": (Fault.not_an_array(), {"malformed"}),
}
"""By name: a fault for as long as upstream is asked, and the kinds of error that a source may make of it."""
# Those after which upstream may not be asked for a while.
PAUSES = {"429-pause", "429-until"}


def check_told(what: str, result: Given, kinds: set[str]) -> None:
    """Raises: AssertionError when the result is not an error of these kinds, nor a report with such a one."""
    error = error_of(result)
    if error is None:
        said = "nothing is on record" if not isinstance(result, Exception) and is_nothing(result) else "all is well"
        raise AssertionError(f"{what} gave a report that says {said}")
    check(error.kind in kinds, f"{what} is {error.kind!r}, not {either(kinds)}: {error}")


def either(kinds: set[str]) -> str:
    """The kinds in words."""
    return " or ".join(sorted(kinds))
