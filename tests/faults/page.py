"""The table of docs/what-can-go-wrong.md, made from the catalogue."""

from tests.support.paths import DOCS

from .catalogue import GROUPS

PAGE = DOCS / "what-can-go-wrong.md"
BEGIN, END = "<!-- faults: made by `python -m tests.faults` -->", "<!-- end of faults -->"
HEAD = "| what goes wrong | hits | `outcome` | `kind` | `stopped` | exit | kept | well again |"


def table():
    """One section for each group of faults, one row for each fault."""
    sections = ["\n".join([f"### {title}", "", HEAD, "|---" * 8 + "|", *map(row, faults)]) for title, faults in GROUPS.items()]
    return "\n\n".join(sections)


def row(fault):
    """What a run says, and after a slash what a sync of one company says, where it is something else."""
    run, one = fault.run, fault.one
    cells = (
        fault.name,
        fault.who.value,
        both(words(run.outcomes), words(one.outcomes)) if set(one.outcomes) != set(run.outcomes[:1]) else words(run.outcomes),
        both(word(run.kind), word(one.kind)),
        word(run.stopped),
        both(str(run.exit_status), str(one.exit_status)),
        fault.kept.value,
        fault.well.value,
    )
    return "| " + " | ".join(cells) + " |"


def both(run, one):
    return run if run == one else f"{run} / {one}"


def word(name):
    return f"`{name}`" if name else "-"


def words(outcomes):
    return ", ".join(map(word, outcomes)) or "-"


def with_table(text):
    """The page with the table as it is to be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
