"""The documentation's pages, and what stands in them: blocks of code, code within a line."""

import re

import pytest

from tests.support.paths import DOCS, ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
# Pages whose complete programs need neither network nor a server, and print what stands below them.
RUNNABLE = [DOCS / "tutorial.md", DOCS / "howto" / "add-a-source.md"]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def blocks(language):
    """The blocks in this language, as parameters of a test: page and text."""
    return [
        pytest.param(page, block, id=f"{page.relative_to(ROOT)}:{number}")
        for page in PAGES
        for number, (found, block) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")), 1)
        if found == language
    ]
