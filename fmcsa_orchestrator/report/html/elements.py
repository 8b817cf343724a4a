"""HTML as a tree of elements: text is escaped where the tree is written, so nothing that a document holds can become markup."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

from fmcsa_orchestrator.report.wording import day, minute

Child = ET.Element | str | None


def element(tag: str, *children: Child, **attributes: str | float) -> ET.Element:
    """An element; `class_` stands for `class`, other underscores for hyphens (`aria_label`), but `viewBox` stays itself."""
    found = {name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()}
    parent = ET.Element(tag, found)
    for child in children:
        if isinstance(child, ET.Element):
            parent.append(child)
        elif child is not None and len(parent):
            parent[-1].tail = (parent[-1].tail or "") + child
        elif child is not None:
            parent.text = (parent.text or "") + child
    return parent


def table(caption: str, columns: Sequence[str], rows: Iterable[ET.Element]) -> ET.Element:
    """A table with its caption and column headers, in a region that scrolls by itself where it is wider than the screen.

    On a narrow screen the style sheet stacks the cells of a row, each after its column's name. The roles say what the elements
    are anyway: browsers forget it when a table is not laid out as one.
    """
    headers = (element("th", column, scope="col", role="columnheader") for column in columns)
    head = element("thead", element("tr", *headers, role="row"), role="rowgroup")
    body = element("tbody", *rows, role="rowgroup")
    for line in body:
        for cell, column in zip(line, columns, strict=True):
            cell.set("data-label", column)
    whole = element("table", element("caption", caption, class_="unseen"), head, body, role="table")
    return element("div", whole, class_="scroll", role="region", aria_label=caption, tabindex=0)


def row(header: Child, *cells: Child) -> ET.Element:
    """A table row; its first cell is the row's header."""
    first = element("th", header, scope="row", role="rowheader")
    return element("tr", first, *(element("td", cell, role="cell") for cell in cells), role="row")


def group(*children: Child) -> ET.Element:
    """Several things for one cell."""
    return element("div", *children)


def moment(time: datetime | None) -> ET.Element | str:
    """A time for people and for programs; "never" for none."""
    return "never" if time is None else element("time", minute(time), datetime=time.isoformat())


def date(time: datetime | None) -> ET.Element | str:
    """Its day for people and for programs; "unknown" for none."""
    return "unknown" if time is None else element("time", day(time), datetime=day(time))


def to_html(root: ET.Element) -> str:
    """The document as text."""
    return "<!doctype html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"
