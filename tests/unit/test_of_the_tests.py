"""What the tests themselves keep to: short files that say what they are for, and no private name of the package."""

import ast

import pytest

from tests.support.paths import ROOT

LONGEST = 400  # lines
FILES = sorted((ROOT / "tests").rglob("*.py"))
USERS = [*FILES, *sorted((ROOT / "benchmarks").rglob("*.py")), *sorted((ROOT / "examples").rglob("*.py"))]


TAKE_NAMES = {"setattr", "delattr", "getattr", "hasattr", "patch", "object"}  # of builtins, `monkeypatch`, `mock.patch`


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def texts_in(node):
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def reached_for(tree):
    """Private names of the package that a file imports, or that stand in a text where an attribute's name is taken.

    That nobody takes such an attribute of anything but `self` is ruff's to see (SLF001).
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fmcsa_orchestrator"):
            yield from (alias.name for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in TAKE_NAMES:
            names = [name for argument in node.args[:2] for text in texts_in(argument) for name in text.split(".")]
            yield from filter(is_private, names)


def first_line_of(path):
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def test_every_file_says_what_it_is_for():
    assert not [str(path) for path in FILES if not first_line_of(path).endswith(".")]


def test_no_file_is_long():
    assert not [str(path) for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST]


def test_no_private_name_of_the_package_is_reached_for():
    found = {str(path): list(reached_for(ast.parse(path.read_text(encoding="utf-8")))) for path in USERS}
    assert not {path: names for path, names in found.items() if names}


@pytest.mark.parametrize(
    "text",
    [
        "from fmcsa_orchestrator.clients.http import _pause",
        "monkeypatch.setattr('fmcsa_orchestrator.clients.http._pause', None)",
        "patch.object(http, '_pause')",
        "getattr(upstream, '_brake')",
    ],
)
def test_a_private_name_would_be_noticed(text):
    assert len(list(reached_for(ast.parse(text)))) == 1
