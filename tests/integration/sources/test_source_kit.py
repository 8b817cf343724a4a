"""The kit for writers of sources: a good source passes, and each kind of bad one fails at the check that is meant for it."""

import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from fmcsa_orchestrator import Outcome, SourceReport
from fmcsa_orchestrator.model import errors
from fmcsa_orchestrator.testing.contract.suite import FAULTS, SourceContract, World
from tests.support.bad_derivations import BAD
from tests.support.driver_source import KNOWN, UNKNOWN, DriverContract
from tests.support.paths import ROOT

pytest_plugins = ["pytester"]


class TestGoodSource(DriverContract):
    """All of it passes."""


class FromFile:
    """A source that has no upstream."""

    name = "from_file"

    async def fetch(self, company):
        return SourceReport(fields={"file.seen": True}) if company == KNOWN else SourceReport(outcome=Outcome.NOT_FOUND)


class FileContract(SourceContract):
    secrets = ()

    @asynccontextmanager
    async def world(self):
        yield World(source=FromFile(), known=KNOWN, unknown=UNKNOWN, secrets=self.secrets)


@pytest.mark.parametrize(("source", "check", "args", "saying", "error"), BAD)
async def test_a_bad_source_is_caught(source, check, args, saying, error):
    contract = type("Contract", (DriverContract,), {"make": source})()
    with pytest.raises(error, match=f"(?s){saying}"):
        await getattr(contract, f"test_{check}")(*args)


def test_every_check_has_been_seen_to_fail():
    checks = {name.removeprefix("test_") for name in dir(SourceContract) if name.startswith("test_")}
    assert {param.values[1] for param in BAD} == checks


@pytest.mark.parametrize(
    ("check", "args", "reason"),
    [
        ("tells_a_fault", ("503",), "has no upstream that could fail"),
        ("recovers_from_a_fault", (), "has no upstream that could fail"),
        ("tells_a_fault_on_a_later_page", (), "has no upstream that could fail"),
        ("gives_up_in_time", (), "has no upstream that could fail"),
        ("names_a_column_that_is_gone", (), "has no upstream that could fail"),
        ("names_a_column_of_another_type", (), "has no upstream that could fail"),
        ("passes_on_a_cancellation", ("fetch_many",), "has no fetch_many"),
        ("reads_every_page", (), "no company with more than a page"),
        ("keeps_its_secrets", (), "declares no secrets"),
        ("says_the_same_of_one_and_of_many", (), "reads no batches"),
        ("derives_from_any_document", (), "derives nothing"),
    ],
)
async def test_what_does_not_concern_a_source_is_skipped_with_its_reason(check, args, reason):
    with pytest.raises(pytest.skip.Exception, match=reason):
        await getattr(FileContract(), f"test_{check}")(*args)


@pytest.mark.parametrize(
    "check",
    [
        "declares_itself",
        "gives_reports",
        "writes_only_what_it_owns",
        "says_the_same_again",
        "tells_nothing_on_record_from_not_known",
    ],
)
async def test_a_source_without_upstream_passes_the_rest(check):
    await getattr(FileContract(), f"test_{check}")()


async def test_a_source_without_upstream_may_have_secrets():
    class WithPassword(FileContract):
        secrets = ("of-the-file",)

    class Telltale(WithPassword):
        secrets = ("file.seen",)

    await WithPassword().test_keeps_its_secrets()
    with pytest.raises(AssertionError, match="a secret shows in an answer under no fault"):
        await Telltale().test_keeps_its_secrets()


async def test_a_fault_after_the_last_answer_is_none():
    class OnePage(DriverContract):
        @asynccontextmanager
        async def world(self):
            async with super().world() as world:
                yield replace(world, large=KNOWN, large_rows=3)

    await OnePage().test_tells_a_fault_on_a_later_page()


def test_a_users_file_needs_no_settings(pytester, monkeypatch):
    """Under pytest-asyncio's own defaults every check runs, and a bad source turns the run red."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(
        """
        from tests.support.bad_sources import ReadsOnePage
        from tests.support.driver_source import DriverContract, WithoutBatches

        class TestBad(DriverContract):
            make = ReadsOnePage

        class TestPlain(DriverContract):
            make = WithoutBatches
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "reads_every_page or says_the_same", "-rs")
    result.assert_outcomes(failed=1, passed=4, skipped=1)
    result.stdout.fnmatch_lines(["*SKIPPED*the source reads no batches*"])


def test_the_doubles_need_no_pytest():
    program = (
        "import sys; sys.modules['pytest'] = None; import fmcsa_orchestrator.testing, fmcsa_orchestrator.testing.contract.world"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_the_faults_have_kinds_that_there_are():
    kinds = {value.kind for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.SourceError)}
    assert set().union(*(kinds_of_fault for _, kinds_of_fault in FAULTS.values())) <= kinds
