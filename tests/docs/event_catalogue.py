"""The table of docs/reference/events.md, made from the code: `python -m tests.docs.event_catalogue` writes it anew."""

from fmcsa_orchestrator.sources.changes.catalogue import EVENT_TYPES
from tests.support.paths import DOCS

PAGE = DOCS / "reference" / "events.md"
BEGIN, END = "<!-- events: made by `python -m tests.docs.event_catalogue` -->", "<!-- end of events -->"


def table():
    """One row for each type."""
    rows = [
        f"| `{kind.name}` | {kind.severity.value} | {kind.says} | {f'`{kind.opposite}`' if kind.opposite else '-'} |"
        for kind in EVENT_TYPES.values()
    ]
    return "\n".join(["| type | severity | what has happened | taken back by |", "|---|---|---|---|", *rows])


def with_table(text):
    """The page with the table as it should be."""
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
