"""The pages about the code against the code: the rooms as drawn and told, the files they name, and what they say is in these."""

import ast
import re
from functools import cache
from xml.etree import ElementTree as ET

import pytest

from tests.support.pages import CODE
from tests.support.paths import DOCS, ROOT
from tests.unit.test_architecture import FILES, ROOMS

SVG = "{http://www.w3.org/2000/svg}"
PAGE, DRAWING, GUIDE = DOCS / "how-it-is-built.md", DOCS / "rooms.svg", ROOT / "CONTRIBUTING.md"
NAMED = re.compile(r"[\w./-]+(?:/[\w-]+|\.(?:py|md|css))")
# "`name` in `file`", "`name` (`file`)", "`name`, in `file`", "`file`: `name`"; also several names, a remark behind each.
NAME = r"`(?!\w+\.py`)[\w.]+(?:\([^`]*\))?`"
NAMES = rf"{NAME}(?: \([^`()]*\))?(?:(?:,| and|, and) {NAME}(?: \([^`()]*\))?)*"
FILE = r"`([\w/]+\.py)`"
CLAIMS = re.compile(rf"({NAMES}),?(?: in | \((?:in )?){FILE}"), re.compile(rf"{FILE}: ({NAMES})")


def boxes():
    """Room -> the texts in its box."""
    found = (list(box.iter(f"{SVG}text")) for box in ET.parse(DRAWING).iter(f"{SVG}g"))
    return {next(text.text for text in texts if text.get("class") == "name"): texts for texts in found}


def drawn():
    """Room -> what its box says that it may import."""
    lists = {
        room: " ".join(text.text for text in texts if text.get("class") == "may").partition(" (")[0]
        for room, texts in boxes().items()
    }
    return {room: set(re.findall(r"\w+", words.removeprefix("may import:"))) for room, words in lists.items()}


def told():
    """The same of the table."""
    section = PAGE.read_text(encoding="utf-8").split("\n## The rooms\n")[1].split("\n## ")[0]
    cells = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    return {CODE.findall(room)[0]: set(CODE.findall(allowed)) for _, room, _, allowed, _ in cells}


@pytest.mark.parametrize("rooms", [drawn, told])
def test_the_rooms_are_those_that_the_test_of_imports_holds(rooms):
    assert rooms() == ROOMS


def test_the_folders_of_each_room_are_drawn_in_its_box():
    modules = [module.split(".")[1:] for module in FILES]
    shown = {room: {text.text for text in texts if text.get("class") == "folder"} for room, texts in boxes().items()}
    assert shown == {room: {parts[1] for parts in modules if parts[0] == room and len(parts) > 2} for room in ROOMS}


def test_the_drawing_stands_alone_and_can_be_read_aloud():
    root = ET.parse(DRAWING).getroot()
    assert root.get("role") == "img"
    assert {f"{SVG}title", f"{SVG}desc"} <= {child.tag for child in root}
    assert not re.search(r"<script|href|@import|url\((?!#)", DRAWING.read_text(encoding="utf-8"))


def named(page):
    """What looks like a path within the backticks of a page."""
    return [text for text in CODE.findall(page.read_text(encoding="utf-8")) if NAMED.fullmatch(text)]


def place_of(path):
    """The file or folder of a path as the pages have it, None where there is none."""
    places = (folder / path for folder in (ROOT, ROOT / "fmcsa_orchestrator"))
    return next((place for place in places if place.exists()), None)


def claimed(page):
    """(name, file) for all that a page says is in a file."""
    text = " ".join(page.read_text(encoding="utf-8").split())
    pairs = [*CLAIMS[0].findall(text), *((names, file) for file, names in CLAIMS[1].findall(text))]
    return [(name.partition("(")[0], file) for names, file in pairs for name in CODE.findall(names)]


@cache
def defined(place):
    """What a file defines: its functions, classes, constants and parameters; what is in a class also as `Class.name`."""
    return set(_defined(ast.parse(place.read_text(encoding="utf-8"))))


def _defined(node, owner=""):
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield from (name, owner + name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield from (name, owner + name)
        yield from _defined(child, f"{child.name}." if isinstance(child, ast.ClassDef) else owner)


@pytest.mark.parametrize("page", [PAGE, GUIDE], ids=lambda page: page.name)
def test_every_file_that_they_name_is_there(page):
    assert named(page)
    assert not [path for path in named(page) if place_of(path) is None]


@pytest.mark.parametrize("page", [PAGE, GUIDE], ids=lambda page: page.name)
def test_every_name_is_in_the_file_that_they_say(page):
    assert len(claimed(page)) > 30
    assert not [(name, file) for name, file in claimed(page) if name not in defined(place_of(file))]


def test_what_they_say_of_a_class_it_has():
    everything = set().union(*(defined(path) for path in FILES.values()))
    methods = [name for name in CODE.findall(PAGE.read_text(encoding="utf-8")) if re.fullmatch(r"[A-Z]\w+\.\w+", name)]
    assert len(methods) > 30
    assert not [name for name in methods if name not in everything]
