"""Every command line of the documentation against what there is: options, make targets, extras; simple ones are run."""

import re
import shlex
import tomllib

import pytest
import typer
from typer.testing import CliRunner

from fmcsa_orchestrator.cli import app

from .offline import offline
from .test_docs import CODE, FENCE, PAGES, ROOT, blocks

NAME = "fmcsa-orchestrator"
OURS = re.compile(rf"(?:^|[/\s])(?:{NAME}|python -m fmcsa_orchestrator)(?= )([^\n]*)", re.MULTILINE)
SHELL_ENDS = re.compile(r"\s(?:[>|;&#]|\d>).*")
STATIC = {"javascript", "text", "yaml", "ini", "toml", "dockerfile", "json"}  # languages of blocks that are not run
# What else may stand in a shell block.
OTHERS = {"python first.py": "run by test_docs.py: it is the program above it", "export": "a setting; the tests have their own"}
NOT_RUN = {"demo": "run by test_cli.py, which looks at what it leaves behind"}

COMMANDS = vars(typer.main.get_command(app))["commands"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def invocations():
    """The arguments of each call of our command, in any block and in any code within a line, with where it stands."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for code in [block for _, block in FENCE.findall(text)] + CODE.findall(FENCE.sub("", text)):
            for line in OURS.findall(code):
                if arguments := shlex.split(SHELL_ENDS.sub("", line)):
                    yield pytest.param(arguments, id=f"{page.relative_to(ROOT)}:{line.strip()}")


def shell_lines():
    for case in blocks("sh"):
        for line in case.values[1].replace("\\\n", " ").splitlines():
            if words := line.split("  #")[0].strip():
                yield pytest.param(words, id=f"{case.id}:{words}")


@pytest.fixture
def world(wire_uri, monkeypatch):
    with offline(wire_uri, "shell") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.mark.parametrize("arguments", list(invocations()))
def test_command_and_options_are_there(arguments):
    command, *options = arguments
    COMMANDS[command].make_context(command, options)


@pytest.mark.parametrize("arguments", [["sync", "--dead-line", "3"], ["status", "--limit", "many"], ["sync", "surplus"]])
def test_a_wrong_option_would_be_noticed(arguments):
    command, *options = arguments
    with pytest.raises(Exception, match="No such option|valid integer|[Uu]nexpected extra argument"):
        COMMANDS[command].make_context(command, options)


@pytest.mark.parametrize("line", list(shell_lines()))
def test_line_of_a_shell_block(line, world):
    words = shlex.split(line)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif words[:2] == ["pip", "install"]:
        name, _, extra = words[2].partition("[")
        assert name == PROJECT["name"]
        assert not extra or extra.rstrip("]") in PROJECT["optional-dependencies"]
    elif OURS.match(line):
        run(shlex.split(OURS.match(line)[1]))
    else:
        assert any(line.startswith(other) for other in OTHERS), "say in OTHERS what it is"


def run(arguments):
    if arguments[0] not in NOT_RUN:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_block_says_its_language(page):
    assert {language for language, _ in FENCE.findall(page.read_text(encoding="utf-8"))} <= {"python", "sh"} | STATIC
