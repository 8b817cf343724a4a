"""Writes the page to a file, whole or not at all."""

import secrets
from pathlib import Path

from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.report.html.page import page
from fmcsa_orchestrator.report.overview import Overview


def write_page(overview: Overview, path: Path) -> None:
    """Write beside the file, then put it in its place: a reader sees the old page or the new one.

    Raises: SettingsError when it cannot be written there.
    """
    target = path.resolve()  # a link stays a link
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        draft.write_text(page(overview), encoding="utf-8", errors="replace")
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SettingsError(f"cannot write {path}: {error.strerror}") from None
