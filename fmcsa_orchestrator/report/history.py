"""A carrier's BASICs over the SMS runs, as they were kept: per BASIC its values, the first and the last. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.documents import as_number, as_object, as_time
from fmcsa_orchestrator.model.fmcsa import Basic

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"  # a run of which nothing is known
_LARGEST_PERCENTILE = 100.0


@dataclass(frozen=True, slots=True)
class BasicHistory:
    """One BASIC: its percentiles where FMCSA has published one in any run, else its measures.

    values: one per run, None where there was none; `top`: what a chart of them reaches to.
    """

    basic: Basic
    label: str
    what: str
    values: tuple[float | None, ...]
    first: float
    last: float
    top: float


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The days of the runs, the oldest first, and the BASICs of which any is known."""

    runs: tuple[datetime, ...]
    basics: tuple[BasicHistory, ...]


def history_view(entries: Sequence[Mapping[str, Any]]) -> HistoryView:
    """What was kept, as it can be drawn."""
    found = [(day, as_object(entry.get("basics"))) for entry in entries if (day := as_time(entry.get("asOf")))]
    runs = sorted(found, key=lambda run: run[0])
    views = (_basic(basic, [as_object(basics.get(basic)) for _, basics in runs]) for basic in Basic)
    return HistoryView(tuple(day for day, _ in runs), tuple(basic for basic in views if basic is not None))


def _basic(basic: Basic, runs: Sequence[Mapping[str, Any]]) -> BasicHistory | None:
    for what in ("percentile", "measure"):
        values = tuple(as_number(run.get(what)) for run in runs)
        if known := [value for value in values if value is not None]:
            top = _LARGEST_PERCENTILE if what == "percentile" else max(known)
            return BasicHistory(basic, basic.label, what, values, known[0], known[-1], top)
    return None


def spark(values: Sequence[float | None], top: float) -> str:
    """A line of blocks, one per value from 0 to `top`."""
    return "".join(_GAP if value is None else _BLOCKS[_step(value, top)] for value in values)


def _step(value: float, top: float) -> int:
    share = value / top if top > 0 else 0.0
    return min(len(_BLOCKS) - 1, max(0, round(share * (len(_BLOCKS) - 1))))
