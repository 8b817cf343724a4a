"""What the tests themselves keep to: short files that say what they are for."""

import ast

import pytest

from tests.support.paths import ROOT

LONGEST = 400  # lines
FILES = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_what_it_is_for_and_is_short(path):
    text = path.read_text(encoding="utf-8")
    first_line, _, _ = (ast.get_docstring(ast.parse(text)) or "").partition("\n")
    assert first_line.endswith(".")
    assert len(text.splitlines()) <= LONGEST
