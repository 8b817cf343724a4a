"""The console that people read: nothing that is printed on it moves its cursor, and its reader may go."""

from collections.abc import Iterable
from contextlib import suppress
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

    def on_broken_pipe(self) -> None:
        """Whoever read it has gone, as `head` does: say no more, and let what is under way come to its end."""
        self.quiet = True
        if not self.stderr:
            with suppress(SystemExit):  # what Rich does besides: it sends to nowhere what Python would still try to send
                super().on_broken_pipe()
