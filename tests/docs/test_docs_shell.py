"""Every command line of the documentation against what there is: options, make targets, extras; simple ones are run."""

import re
import shlex
import tomllib

import pytest
import typer
from typer.testing import CliRunner

from fmcsa_orchestrator.cli.app import app
from tests.support.offline import offline
from tests.support.pages import CODE, FENCE, PAGES, blocks
from tests.support.paths import ROOT

NAME = "fmcsa-orchestrator"
OURS = re.compile(rf"(?:^|[/\s])(?:{NAME}|python -m fmcsa_orchestrator) +([a-z].*)")
SEPARATORS = re.compile(r"\s*(?:;|&&|\n)\s*")
SHELL_ENDS = re.compile(r"\s(?:[>|&#]|\d>).*")
STATIC = {"javascript", "text", "yaml", "ini", "toml", "dockerfile", "json"}  # languages of blocks that are not run
# What else may stand in a shell block.
OTHERS = {
    "python first.py": "run by test_docs.py: it is the program above it",
    "openssl": "makes a secret",
    "export": "a setting; the tests have their own",
    "cd": "a folder of the checkout",
    "sudo": "the reader's machine; test_schedules.py looks at the units",
    "journalctl": "the reader's machine",
    "kubectl": "the reader's cluster; test_schedules.py looks at the manifest",
    "taskiq": "run by test_redis_workers.py",
}
NOT_RUN = {
    "demo": "run by test_cli.py, which looks at what it leaves behind",
    "subscribers": "run by test_delivery_commands.py, which has receivers",
    "deliver": "the same",
}

COMMANDS = vars(typer.main.get_command(app))["commands"]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
INSTALLABLE = {NAME, *(f"{NAME}[{extra}]" for extra in PYPROJECT["project"]["optional-dependencies"])}
INSTALLABLE |= {re.split(r"[<>=]", package)[0] for package in PYPROJECT["dependency-groups"]["test"]}


def commands(code):
    """The single commands, without comments, redirections and what is piped into."""
    split = SEPARATORS.split(code.replace("\\\n", " ").strip())
    return [SHELL_ENDS.sub("", command) for command in split if command and not command.startswith("#")]


def invocations():
    """The arguments of each call of our command, in any block and in any code within a line, with where it stands."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for code in [block for _, block in FENCE.findall(text)] + CODE.findall(FENCE.sub("", text)):
            for command in commands(code):
                if (found := OURS.search(command)) and not command.startswith("pip "):
                    yield pytest.param(shlex.split(found[1]), id=f"{page.relative_to(ROOT)}:{found[1]}")


def shell_commands():
    return [pytest.param(command, id=f"{case.id}:{command}") for case in blocks("sh") for command in commands(case.values[1])]


@pytest.fixture
def world(wire_uri, monkeypatch):
    with offline(wire_uri, "shell") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.mark.parametrize("arguments", list(invocations()))
def test_command_and_options_are_there(arguments):
    parsed(*arguments)


def parsed(name, *options):
    """The context of a command, or of the one below it that is named."""
    command = COMMANDS[name]
    while options and options[0] in getattr(command, "commands", {}):
        name, *options = options
        command = command.commands[name]
    if options or not hasattr(command, "commands"):  # a group by itself prints its help
        command.make_context(name, list(options))


@pytest.mark.parametrize(
    "arguments",
    [
        ["sync", "--dead-line", "3"],
        ["status", "--limit", "many"],
        ["sync", "surplus"],
        ["subscribers", "add", "x", "--webhok", "y"],
    ],
)
def test_a_wrong_option_would_be_noticed(arguments):
    with pytest.raises(Exception, match="No such option|valid integer|[Uu]nexpected extra argument"):
        parsed(*arguments)


@pytest.mark.parametrize("command", shell_commands())
def test_command_of_a_shell_block(command, world):
    words = shlex.split(command)
    assert all(list(ROOT.glob(word)) for word in words if word.startswith("examples/"))
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif words[:2] == ["pip", "install"]:
        assert {re.split(r"[<>=]", word)[0] for word in words[2:]} <= INSTALLABLE
    elif found := OURS.match(command):
        run(shlex.split(found[1]))
    else:
        assert words[0] in OTHERS or command in OTHERS, "say in OTHERS what it is"


def run(arguments):
    """Run it, unless that is another test's, or it names something of the reader's: a file, or an id cut short."""
    if arguments[0] not in NOT_RUN and not re.search(r"/|\.\.\.", " ".join(arguments)):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_block_says_its_language(page):
    assert {language for language, _ in FENCE.findall(page.read_text(encoding="utf-8"))} <= {"python", "sh"} | STATIC
