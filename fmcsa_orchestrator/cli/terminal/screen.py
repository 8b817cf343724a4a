"""The console that people read: nothing that is printed on it moves its cursor or turns the direction of reading."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from fmcsa_orchestrator.model.text import printable_lines


class Screen(Console):
    """A console that shows other people's texts."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As any console, but for what nobody sees; colours are no texts yet, and stay."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)

    def out(self, *objects: Any, **options: Any) -> None:
        """As any console, but for what nobody sees."""
        super().out(*(printable_lines(str(value)) for value in objects), **options)
