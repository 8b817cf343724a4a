"""Writes what happens to the standard `logging`, in one form: a stable event name, then `key=value`.

A record has `record.event` (the name) and `record.fields` (a dict). `docs/reference/telemetry.md` lists the names.
"""

import logging

from fmcsa_orchestrator.model.events import Event, RunFinished
from fmcsa_orchestrator.model.text import printable, printable_lines
from fmcsa_orchestrator.observability.hooks import Note, note

log = logging.getLogger(__name__)


def write_event(event: Event) -> None:
    """Of the events, the log has only the end of a run."""
    if isinstance(event, RunFinished):
        run = event.summary
        total, failed, requests = run.total, run.failed, run.requests
        note(log, logging.INFO, "run_finished", total=total, failed=failed, requests=requests, stopped=run.stopped)


def write_note(note: Note) -> None:
    """Write it to its logger, in one line and without what nobody sees: a line end in a name would forge a line."""
    fields = {name: printable(value) if isinstance(value, str) else value for name, value in note.fields.items()}
    words = printable(" ".join(f"{name}={value}" for name, value in fields.items()))
    text = f"{note.name} {words}".rstrip() + (f"\n{printable_lines(note.details)}" if note.details else "")
    extra = {"event": note.name, "fields": fields}
    note.logger.log(note.level, "%s", text, extra=extra, stacklevel=3)  # the line that called `hooks.note`
