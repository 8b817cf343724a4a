"""The documentation against the code: names, links, and the programs that it shows."""

import ast
import inspect
import re
from dataclasses import fields
from importlib import import_module
from typing import get_args

import pytest
import typer

import fmcsa_orchestrator
from fmcsa_orchestrator import Event, Outcome, Settings, StopReason, Subscriber, SyncSummary, default_sources, soda, testing
from fmcsa_orchestrator.cli.app import app
from fmcsa_orchestrator.model import errors
from fmcsa_orchestrator.settings import PREFIX
from fmcsa_orchestrator.sources.catalogue import BUILT_IN
from fmcsa_orchestrator.testing.contract.suite import SourceContract
from tests.docs import event_catalogue
from tests.support.pages import CODE, FENCE, PAGES, RUNNABLE, blocks
from tests.support.paths import DOCS, ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
DIRECTIVE = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)


def read(*parts):
    return DOCS.joinpath(*parts).read_text(encoding="utf-8")


def words(text):
    """Every name that stands in backticks, by itself or within an expression."""
    return set(re.findall(r"[\w-]+", " ".join(CODE.findall(text))))


def without_fences(text):
    return FENCE.sub("", text)


def rows(text):
    """The first cells of all tables, as names."""
    return [CODE.findall(line.split("|")[1]) for line in text.splitlines() if line.startswith("| `")]


def error_classes():
    return [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.FmcsaError)]


def commands():
    return vars(typer.main.get_command(app))["commands"].items()


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", without_fences(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_setting_is_documented_and_nothing_else():
    documented = [names[0] for names in rows(read("reference", "settings.md"))]
    assert sorted(documented) == sorted(PREFIX + name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if field.default is not None])
def test_defaults_of_settings(name):
    line = next(line for line in read("reference", "settings.md").splitlines() if f"`{PREFIX}{name.upper()}`" in line)
    assert line.split("|")[2].strip(" `") == f"{Settings.model_fields[name].default:}"


def test_every_error_class_and_kind_is_in_the_table():
    table = {name for line in read("reference", "errors.md").splitlines() if line.startswith("|") for name in words(line)}
    expected = {error.__name__ for error in error_classes()} - {"SourceError"}
    assert expected | {error.kind for error in error_classes()} <= table


def test_error_tree_is_the_one_of_the_code():
    tree = next(block for _, block in FENCE.findall(read("reference", "errors.md")))
    drawn: dict[str, str] = {}
    parents: list[str] = []
    for line in tree.splitlines():
        words_only = line.lstrip(" │├└─")
        depth = (len(line) - len(words_only)) // 4
        name = words_only.split()[0]
        parents[depth:] = [name]
        drawn[name] = parents[depth - 1] if depth else "Exception"
    assert drawn == {error.__name__: error.__bases__[0].__name__ for error in error_classes()}


@pytest.mark.parametrize("page", ["reference/documents.md", "explanation.md"])
def test_every_outcome_is_documented(page):
    assert {outcome.value for outcome in Outcome} <= words(read(page))


def test_readme_lists_the_outcomes():
    assert {names[0] for names in rows((ROOT / "README.md").read_text(encoding="utf-8"))} == {
        outcome.value for outcome in Outcome
    }


def test_every_command_is_documented_and_nothing_else():
    headings = set(re.findall(r"^## ([a-z-]+)$", read("reference", "cli.md"), re.MULTILINE))
    assert headings == {name for name, _ in commands()}


def options_of(command):
    """Its own, and those of the commands below it."""
    own = {
        option
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    return own.union(*map(options_of, getattr(command, "commands", {}).values()))


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_option_is_documented_and_nothing_else(name, command):
    section = re.split(r"^## ", read("reference", "cli.md").split(f"\n## {name}\n")[1], flags=re.MULTILINE)[0]
    documented = {option for cell in rows(section) for text in cell for option in re.findall(r"^--?[\w-]+", text)}
    assert documented == options_of(command) - {"--help"}


def generated():
    """The names that the pages of reference/api are made for."""
    return [name for page in sorted((DOCS / "reference" / "api").glob("*.md")) for name in DIRECTIVE.findall(page.read_text())]


def test_every_public_name_is_documented():
    """The guide names it, and one of the pages made from docstrings has it; what its docstring lacks, ruff tells."""
    guide = words(without_fences(read("reference", "api.md")))
    for package in (fmcsa_orchestrator, soda, testing):
        assert set(package.__all__) <= guide
        assert {f"{package.__name__}.{name}" for name in package.__all__} <= set(generated())


def test_the_reference_has_each_name_once_and_only_what_there_is():
    assert len(generated()) == len(set(generated()))
    for path in generated():
        module, _, name = path.rpartition(".")
        assert hasattr(import_module(module), name), path


def test_every_built_in_source_is_in_the_table_in_its_order_with_what_it_owns():
    table = [line for line in read("reference", "sources", "index.md").splitlines() if line.startswith("| [`")]
    assert [CODE.findall(line)[0] for line in table] == list(BUILT_IN)
    for line, source in zip(table, default_sources(None, None, Settings(sources=tuple(BUILT_IN))), strict=True):
        files = [file.dataset.id for file in source.files]
        assert CODE.findall(line)[1:] == [*files, *source.owns, *([source.collection] if source.collection else [])]


def test_every_field_of_a_subscriber_is_documented_and_nothing_else():
    section = read("reference", "subscribers.md").split("\n## The document\n")[1]
    documented = [name for names in rows(section) for name in names]
    assert sorted(documented) == sorted([*(field.alias or name for name, field in Subscriber.model_fields.items()), "lease"])


def test_every_event_and_its_attributes_are_documented_and_nothing_else():
    section = read("reference", "api.md").split("\n## Events\n")[1].split("\n## ")[0]
    documented = {
        CODE.findall(line.split("|")[1])[0]: CODE.findall(line.split("|")[2])
        for line in section.splitlines()
        if line.startswith("| `")
    }
    assert documented == {event.__name__: [field.name for field in fields(event)] for event in get_args(Event)}


def test_every_reason_to_stop_is_documented_and_nothing_else():
    text = inspect.getdoc(SyncSummary).split("stopped: ")[1].split("\n    outcomes:")[0]
    assert set(re.findall(r'"(\w+)"', text)) == {reason.value for reason in StopReason}


def test_every_kind_of_error_has_a_symptom():
    """And none that is not a kind: the page that tells causes apart is by the words that people see."""
    page = read("howto", "troubleshoot.md")
    kinds = {error.kind for error in error_classes()}
    assert kinds <= words(page)
    told = {word for line in page.splitlines() if line.startswith("|") for word in re.findall(r"says `(\w+)`", line)}
    assert told <= kinds


def test_attributes_of_errors_are_in_the_tree():
    tree = next(block for _, block in FENCE.findall(read("reference", "errors.md")))
    drawn = {line.lstrip(" │├└─").split()[0]: re.findall(r"\.(\w+)", line) for line in tree.splitlines()}
    for error in error_classes():
        own = inspect.signature(error).parameters.values() if "__init__" in vars(error) else ()
        assert drawn[error.__name__] == [parameter.name for parameter in own if parameter.kind is parameter.KEYWORD_ONLY]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    for link in LINK.findall(without_fences(page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def linked(page):
    links = LINK.findall(without_fences(page.read_text(encoding="utf-8")))
    return {(page.parent / link.partition("#")[0]).resolve() for link in links if "://" not in link}


def test_every_page_is_reachable_from_the_index():
    """By itself; those of the API from its guide."""
    reachable = linked(DOCS / "index.md") | linked(DOCS / "reference" / "api.md")
    assert set(DOCS.resolve().rglob("*.md")) - {(DOCS / "index.md").resolve()} <= reachable


@pytest.mark.parametrize(("page", "block"), blocks("python"))
def test_python_compiles_and_imports_what_there_is(page, block):
    tree = ast.parse(block)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "fmcsa_orchestrator":
            assert {alias.name for alias in node.names} <= set(fmcsa_orchestrator.__all__), page


@pytest.mark.parametrize(("page", "block"), [block for block in blocks("python") if block.values[1].startswith("# examples/")])
def test_what_a_page_shows_of_an_example_is_in_it(page, block):
    name, _, shown = block.partition("\n")
    assert shown in ROOT.joinpath(name.removeprefix("# ")).read_text(encoding="utf-8")


def test_every_check_of_the_kit_is_documented():
    checks = {name for name in vars(SourceContract) if name.startswith("test_")}
    assert checks == {name for names in rows(read("howto", "add-a-source.md")) for name in names if name.startswith("test_")}


def test_every_name_for_tests_is_documented():
    section = read("reference", "api.md").partition("\n## fmcsa_orchestrator.testing\n")[2]
    names = {*testing.__all__, *(field.name for field in fields(testing.World))}
    assert names <= words(section)


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_programs_print_what_the_page_says(page, capsys):
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    programs = [number for number, (language, block) in enumerate(found) if language == "python" and "asyncio.run(" in block]
    assert programs
    for number in programs:
        exec(compile(found[number][1], page.name, "exec"), {"__name__": "__main__"})
        language, expected = next((language, block) for language, block in found[number + 1 :] if language != "sh")
        assert (language, capsys.readouterr().out) == ("text", expected)


def test_the_catalogue_of_events_is_that_of_the_code():
    text = event_catalogue.PAGE.read_text(encoding="utf-8")
    assert text == event_catalogue.with_table(text), "run `python -m tests.docs.event_catalogue`"
