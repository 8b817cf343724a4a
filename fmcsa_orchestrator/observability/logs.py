"""Writes what happens to the standard `logging`, in one form: a stable event name, then `key=value`.

A record has `record.event` (the name) and `record.fields` (a dict). `docs/reference/telemetry.md` lists the names.
"""

import logging

from fmcsa_orchestrator.model.events import Event, RunFinished
from fmcsa_orchestrator.observability.hooks import Note, Subscriber, note

log = logging.getLogger(__name__)


class LogWriter(Subscriber):
    """Writes each note to its logger, and a line at the end of a run."""

    def heard(self, event: Event) -> None:
        """Of the events, the log has only the end of a run."""
        if isinstance(event, RunFinished):
            run = event.summary
            note(
                log, logging.INFO, "run_finished", total=run.total, failed=run.failed, requests=run.requests, stopped=run.stopped
            )

    def noted(self, note: Note) -> None:
        """Write it."""
        words = " ".join(f"{name}={value}" for name, value in note.fields.items())
        text = f"{note.name} {words}".rstrip() + (f"\n{note.details}" if note.details else "")
        extra = {"event": note.name, "fields": note.fields}
        note.logger.log(note.level, "%s", text, extra=extra, stacklevel=3)  # the line that called `hooks.note`
