"""The numbers behind the small charts: widths and places in percent, the order of parts, the highest measures. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.report.overview import CompanyView

_LINE_HEIGHT = 20
_LEAST = 0.5  # percent: as wide as can still be seen
_NATURAL_ORDER = (
    "fresh",
    "stale",
    "failing",
    "never",
    "changed",
    "unchanged",
    "skipped",
    "not_found",
    "not_published",
    "failed",
    "timed_out",
    "unavailable",
)


@dataclass(frozen=True, slots=True)
class StackPart:
    """One part of a bar in parts: what it counts, where it begins, and how wide it is, in percent."""

    kind: str
    x: float
    width: float


def bar_share(value: float, largest: float) -> float:
    """Percent of the largest, within 0 and 100."""
    return round(min(100.0, max(0.0, 100 * value / largest)), 2) if largest > 0 else 0.0


def whole_percent(value: float, largest: float) -> int:
    """The same in whole percent, rounded up: what is there at all can be seen."""
    return ceil(bar_share(value, largest))


def stack_parts(counts: Mapping[str, int]) -> list[StackPart]:
    """One part for each kind that was counted, in their natural order; each is wide enough to be seen."""
    total = sum(counts.values())
    parts, x = [], 0.0
    for kind in sorted((kind for kind, count in counts.items() if count), key=_place):
        width = bar_share(counts[kind], total)
        parts.append(StackPart(kind, round(x, 2), max(width, _LEAST)))
        x += width
    return parts


def line_parts(values: Sequence[float | None], top: float) -> list[list[tuple[float, float]]]:
    """Points of a line over values from 0 to `top`, in a frame of 100 by 20; a new part begins behind each gap."""
    parts: list[list[tuple[float, float]]] = []
    is_gap = True
    for place, value in enumerate(values):
        if value is not None:
            if is_gap:
                parts.append([])
            x = 100 * place / max(1, len(values) - 1)
            parts[-1].append((round(x, 1), round(_LINE_HEIGHT - bar_share(value, top) * _LINE_HEIGHT / 100, 1)))
        is_gap = value is None
    return parts


def highest_measures(companies: Iterable[CompanyView]) -> dict[Basic, float]:
    """The largest measure of each BASIC among these; measures of different BASICs cannot be compared."""
    highest: dict[Basic, float] = {}
    for company in companies:
        for basic in company.safety.basics:
            if basic.measure is not None:
                highest[basic.basic] = max(basic.measure, highest.get(basic.basic, 0.0))
    return highest


def _place(kind: str) -> tuple[int, str]:
    return (_NATURAL_ORDER.index(kind) if kind in _NATURAL_ORDER else len(_NATURAL_ORDER), kind)
