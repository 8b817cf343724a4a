"""Spans and metrics through OpenTelemetry's API, where it is installed (extra `telemetry`); otherwise nothing at all.

Each activity (a run, a company, a call into a source, a request) is a span `fmcsa.<what>` and a point in the histogram
`fmcsa.<what>.duration` (seconds), both with its labels and its outcome. What tells one company from another is on spans only. No
address, no text of an error, no header is ever attached.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from fmcsa_orchestrator.model.results import SourceOutcome
from fmcsa_orchestrator.observability.hooks import Activity

try:
    from opentelemetry import metrics, trace
except ImportError:  # the extra is not installed
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

_PREFIX = "fmcsa."
_ACTIVITIES = {
    "run": "A run over all companies",
    "company": "A company whose sources were asked",
    "source": "A call into a source",
    "request": "An HTTP request to an upstream, body included",
    "delivery": "What a subscriber is sent: an event, or a digest",
}


class Telemetry:
    """Makes the spans and counts. Only to be made where OpenTelemetry's API is installed."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("fmcsa_orchestrator")
        meter = metrics.get_meter("fmcsa_orchestrator")
        self._durations = {
            what: meter.create_histogram(f"{_PREFIX}{what}.duration", unit="s", description=description)
            for what, description in _ACTIVITIES.items()
        }
        self._outcomes = meter.create_counter("fmcsa.outcomes", description="What became of a source for a company")
        self._rows = meter.create_counter("fmcsa.rows.written", description="Row documents written")

    @contextmanager
    def watching(self, activity: Activity) -> Iterator[None]:
        """A span while it goes on, a point in its histogram at its end."""
        began = time.perf_counter()
        with self._tracer.start_as_current_span(
            _PREFIX + activity.what, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            finally:
                labels = {_PREFIX + name: value for name, value in {**activity.labels, "outcome": activity.outcome}.items()}
                span.set_attributes(labels | {_PREFIX + name: fact for name, fact in activity.facts.items()})
                if activity.outcome != "ok":
                    span.set_status(trace.StatusCode.ERROR)
                self._durations[activity.what].record(time.perf_counter() - began, labels)

    def settled(self, outcome: SourceOutcome) -> None:
        """Count it, and the rows written."""
        self._outcomes.add(1, {"fmcsa.source": outcome.source, "fmcsa.outcome": outcome.outcome.value})
        if outcome.written:
            self._rows.add(outcome.written, {"fmcsa.source": outcome.source})
