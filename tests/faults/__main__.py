"""`python -m tests.faults` writes the table of docs/what-can-go-wrong.md anew."""

from .page import PAGE, with_table

PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
