"""Spans and metrics through OpenTelemetry's API, where it is installed (extra `telemetry`); otherwise nothing at all.

What is observed: a run, a company, a call into a source, a request. Each is a span `fmcsa.<what>` and a point in the histogram
`fmcsa.<what>.duration` (seconds), both with its labels and its outcome. Labels come from a small set of values; what tells
one company from another is on spans only. No address, no text of an error, no header is ever attached.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fmcsa_orchestrator.model.errors import FmcsaError

try:
    from opentelemetry import metrics, trace
except ImportError:  # the extra is not installed
    IS_INSTALLED = False
else:
    IS_INSTALLED = True
    _tracer = trace.get_tracer("fmcsa_orchestrator")
    _meter = metrics.get_meter("fmcsa_orchestrator")
    _durations = {
        what: _meter.create_histogram(f"fmcsa.{what}.duration", unit="s", description=description)
        for what, description in {
            "run": "A run over all companies",
            "company": "A company whose sources were asked",
            "source": "A call into a source",
            "request": "An HTTP request to an upstream, body included",
        }.items()
    }
    _outcomes = _meter.create_counter("fmcsa.outcomes", description="What became of a source for a company")
    _rows = _meter.create_counter("fmcsa.rows.written", description="Row documents written")

_PREFIX = "fmcsa."


@dataclass(slots=True)
class Observation:
    """What is going on; `outcome` is to be set before its end."""

    span: Any = None
    outcome: str = "ok"

    def add(self, **facts: str | float | bool) -> None:
        """Put facts on the span."""
        if self.span is not None:
            self.span.set_attributes({_PREFIX + name: fact for name, fact in facts.items()})


@contextmanager
def observed(what: str, labels: dict[str, str] | None = None, **facts: str | int) -> Iterator[Observation]:
    """Observe the block. An error that leaves it is its outcome, by its kind, and passes."""
    if not IS_INSTALLED:
        yield Observation()
        return
    attributes: dict[str, Any] = {_PREFIX + name: value for name, value in {**(labels or {}), **facts}.items()}
    began = time.perf_counter()
    with _tracer.start_as_current_span(
        _PREFIX + what, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        observation = Observation(span)
        try:
            yield observation
        except BaseException as error:
            observation.outcome = _word(error)
            raise
        finally:
            span.set_attribute("fmcsa.outcome", observation.outcome)
            if observation.outcome != "ok":
                span.set_status(trace.StatusCode.ERROR)
            point = {_PREFIX + name: value for name, value in (labels or {}).items()}
            _durations[what].record(time.perf_counter() - began, point | {"fmcsa.outcome": observation.outcome})


def count_outcome(source: str, outcome: str, rows: int) -> None:
    """Count what became of a source for one company, and the rows written for it."""
    if IS_INSTALLED:
        _outcomes.add(1, {"fmcsa.source": source, "fmcsa.outcome": outcome})
        if rows:
            _rows.add(rows, {"fmcsa.source": source})


def _word(error: BaseException) -> str:
    if isinstance(error, FmcsaError):
        return error.kind
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "unexpected"
