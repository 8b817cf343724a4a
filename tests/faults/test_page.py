"""docs/what-can-go-wrong.md says what the catalogue says, and nothing that the library does not know."""

import re

import fmcsa_orchestrator
from fmcsa_orchestrator import Outcome
from fmcsa_orchestrator.model import errors

from .catalogue import FAULTS
from .page import BEGIN, END, PAGE, with_table


def test_the_page_is_the_catalogues():
    """When this fails: `python -m tests.faults`."""
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text == with_table(text)
    assert max(map(len, text.splitlines())) <= 130


def test_each_fault_has_a_name_of_its_own():
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names))


def test_the_catalogue_speaks_of_what_there_is():
    kinds = {error.kind for error in vars(errors).values() if isinstance(error, type) and issubclass(error, Exception)}
    reasons = set(re.findall(r'"(\w+)"', fmcsa_orchestrator.SyncSummary.__doc__))
    for seen in (seen for fault in FAULTS for seen in (fault.run, fault.one)):
        assert set(seen.outcomes) <= {outcome.value for outcome in Outcome}
        assert seen.kind is None or seen.kind in kinds
        assert seen.stopped is None or seen.stopped in reasons
