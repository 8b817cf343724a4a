"""An event in a line."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from fmcsa_orchestrator.report.feed import EventView, event_view
from fmcsa_orchestrator.report.wording import minute

_STYLES = {"info": "dim", "low": "", "medium": "yellow", "high": "bold red", "critical": "bold white on red"}


def event_line(event: Mapping[str, Any]) -> Text:
    """When it was seen, how alarming it is, of which carrier, what, and what of it."""
    view: EventView = event_view(event)
    return Text.assemble(
        (f"{minute(view.seen)}  ", "dim"),
        (f"{view.severity:<8}", _STYLES.get(view.severity, "")),
        f"  {view.carrier:<16}  {view.type:<26}  ",
        view.what,
    )
