"""What the commands have in common: where they print, how they refuse, how they end."""

import json
import logging
import sys
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from fmcsa_orchestrator.cli.terminal.screen import Screen
from fmcsa_orchestrator.model.errors import FmcsaError, SettingsError
from fmcsa_orchestrator.storage.mongodb.driver import possible_ids

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every failure as it happens.")]
_LOG_WIDTH = 160  # columns where there is no terminal to measure


class Exit(IntEnum):
    """The exit status, for cron."""

    GOOD = 0
    SOME_FAILED = 1
    COULD_NOT_RUN = 2


def make_console(*, as_json: bool, verbose: bool = False) -> Console:
    """Where people read: standard output, or standard error when JSON goes to the former."""
    console = Screen(stderr=as_json)
    if not console.is_terminal:
        console = Screen(stderr=as_json, width=_LOG_WIDTH)
    quiet = console.is_terminal or as_json
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    if console.is_terminal and sys.stderr.isatty():  # through the same console, above the live view rather than across it
        logging.basicConfig(level=level, handlers=[RichHandler(console=console, show_path=False)], format="%(name)s %(message)s")
    else:
        logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    return console


def refuse(console: Console, error: FmcsaError, *, as_json: bool, exit_status: Exit = Exit.COULD_NOT_RUN) -> NoReturn:
    """Say why, and end the command."""
    if as_json:
        print_json({"success": False, "errors": [{"kind": error.kind, "error": str(error)}]})
    else:
        word = "cannot run:" if isinstance(error, SettingsError) else error.kind
        console.print(f"[red]{word}[/] {escape(str(error))}", highlight=False)
    raise typer.Exit(exit_status)


def print_json(value: Any) -> None:
    """One value, to standard output."""
    Screen().out(json.dumps(value, default=str, indent=2), highlight=False)


def ids_of(database: Any, text: str) -> list[Any]:
    """What the text may stand for as the `_id` of a company."""
    numbers = [int(text)] if text.isascii() and text.isdigit() else []
    return [*possible_ids(database, text), *numbers]
