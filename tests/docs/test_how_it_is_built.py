"""The pages about the code against the code: the rooms as drawn and told, and that each file they name is there."""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.support.pages import CODE
from tests.support.paths import DOCS, ROOT
from tests.unit.test_architecture import ROOMS

SVG = "{http://www.w3.org/2000/svg}"
PAGE, DRAWING, GUIDE = DOCS / "how-it-is-built.md", DOCS / "rooms.svg", ROOT / "CONTRIBUTING.md"
NAMED = re.compile(r"[\w./-]+(?:/[\w-]+|\.(?:py|md|css))")


def drawn():
    """Room -> what its box says that it may import."""
    boxes = {}
    for box in ET.parse(DRAWING).iter(f"{SVG}g"):
        texts = list(box.iter(f"{SVG}text"))
        words = " ".join(text.text for text in texts if text.get("class") == "may").partition(" (")[0]
        boxes[next(text.text for text in texts if text.get("class") == "name")] = set(
            re.findall(r"\w+", words.removeprefix("may import:"))
        )
    return boxes


def told():
    """The same of the table."""
    section = PAGE.read_text(encoding="utf-8").split("\n## The rooms\n")[1].split("\n## ")[0]
    cells = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    return {CODE.findall(room)[0]: set(CODE.findall(allowed)) for _, room, _, allowed, _ in cells}


@pytest.mark.parametrize("rooms", [drawn, told])
def test_the_rooms_are_those_that_the_test_of_imports_holds(rooms):
    assert rooms() == ROOMS


def test_the_drawing_stands_alone_and_can_be_read_aloud():
    root = ET.parse(DRAWING).getroot()
    assert root.get("role") == "img"
    assert {f"{SVG}title", f"{SVG}desc"} <= {child.tag for child in root}
    assert not re.search(r"<script|href|@import|url\((?!#)", DRAWING.read_text(encoding="utf-8"))


def named(page):
    """What looks like a path within the backticks of a page."""
    return [text for text in CODE.findall(page.read_text(encoding="utf-8")) if NAMED.fullmatch(text)]


@pytest.mark.parametrize("page", [PAGE, GUIDE], ids=lambda page: page.name)
def test_every_file_that_they_name_is_there(page):
    assert named(page)
    assert not [
        path for path in named(page) if not any((folder / path).exists() for folder in (ROOT, ROOT / "fmcsa_orchestrator"))
    ]
