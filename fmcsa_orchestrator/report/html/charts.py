"""Small charts as inline SVG. Each has its text alternative; colours and sizes are the style sheet's."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from fmcsa_orchestrator.report.html.elements import element

_HEIGHT = 10
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


def bar(value: float, largest: float, text: str, *, mark: float | None = None, is_over: bool = False) -> ET.Element:
    """A bar of a value from 0 to `largest`, with a mark across it at another value."""
    filled = element("rect", width=_share(value, largest), height=_HEIGHT, class_="over" if is_over else "value")
    line = (
        None
        if mark is None
        else element("rect", x=max(0, _share(mark, largest) - 0.5), y=-2, width=1, height=_HEIGHT + 4, class_="mark")
    )
    return _chart(text, element("rect", width=100, height=_HEIGHT, class_="ground"), filled, line)


def stack(counts: Mapping[str, int], text: str) -> ET.Element:
    """A bar in parts, one for each kind of what is counted; a part of anything is at least to be seen."""
    total = sum(counts.values())
    parts, x = [], 0.0
    for kind in sorted(counts, key=_place):
        width = _share(counts[kind], total)
        parts.append(element("rect", x=round(x, 2), width=max(width, 0.5), height=_HEIGHT, class_=f"part {kind}"))
        x += width
    return _chart(text, element("rect", width=100, height=_HEIGHT, class_="ground"), *parts)


def _chart(text: str, *shapes: ET.Element | None) -> ET.Element:
    return element(
        "svg", *shapes, viewBox=f"0 -2 100 {_HEIGHT + 4}", preserveAspectRatio="none", role="img", aria_label=text, class_="chart"
    )


def _share(value: float, largest: float) -> float:
    """Percent of the largest, within 0 and 100."""
    return round(min(100.0, max(0.0, 100 * value / largest)), 2) if largest > 0 else 0.0


def _place(kind: str) -> tuple[int, str]:
    return (_NATURAL_ORDER.index(kind) if kind in _NATURAL_ORDER else len(_NATURAL_ORDER), kind)
