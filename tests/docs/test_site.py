"""The documentation as a site: each page is in the navigation, links lead on, nothing is loaded from elsewhere."""

import importlib.util
import re

import pytest

from tests.support.paths import DOCS, ROOT

NAV = re.compile(r"^ +- (?:[^:\n]+: )?([\w./-]+\.md)$", re.MULTILINE)
ORDER = ["tutorial.md", "howto/schedule.md", "reference/api.md", "explanation.md", "glossary.md"]


def in_nav():
    return NAV.findall((ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1])


@pytest.fixture
def hooks():
    pytest.importorskip("mkdocs", reason="the site's own packages come with `make docs`")
    spec = importlib.util.spec_from_file_location("site_hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation_once():
    own = [page for page in in_nav() if not page.startswith("project/")]
    assert sorted(own) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def test_what_the_navigation_has_beside_docs_is_there():
    assert all((ROOT / page.removeprefix("project/")).is_file() for page in in_nav() if page.startswith("project/"))


def test_order_of_the_navigation():
    assert sorted(ORDER, key=in_nav().index) == ORDER


@pytest.mark.parametrize(
    ("page", "link", "turned"),
    [
        ("index.md", "tutorial.md", "tutorial.md"),
        ("index.md", "../CHANGELOG.md", "project/CHANGELOG.md"),
        ("howto/handler.md", "../../examples/fastapi_app.py", "../project/examples/fastapi_app.py.md"),
        ("howto/handler.md", "../reference/settings.md#x", "../reference/settings.md#x"),
        ("project/README.md", "docs/howto/handler.md", "../howto/handler.md"),
        ("project/README.md", "LICENSE", "LICENSE.md"),
        ("project/README.md", "examples/README.md", "examples/README.md"),
        ("index.md", "https://example.com/x.md", "https://example.com/x.md"),
        ("index.md", "missing.md", "missing.md"),
    ],
)
def test_links_lead_to_where_the_site_has_the_file(hooks, page, link, turned):
    assert hooks.turned(f"see [it]({link}).", page) == f"see [it]({turned})."


@pytest.mark.parametrize(
    ("html", "loads"),
    [
        ('<script src="https://cdn.example/x.js"></script>', 1),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', 1),
        ('<img src="http://example.com/x.png"><img src="../x.png">', 1),
        ("<style>@import 'https://example.com/x.css'; a { background: url(//example.com/x.png) }</style>", 2),
        ('<a href="https://example.com">a link is followed by people only</a><link href="x.css">', 0),
    ],
)
def test_what_is_loaded_from_elsewhere_is_found(hooks, html, loads):
    assert len(list(hooks.remote(html))) == loads
