"""The shape of the code: imports go one way, the driver and the environment are each known to one place, the door is complete."""

import ast
import inspect
import re
from collections import Counter
from functools import cache
from importlib import metadata
from itertools import combinations
from pathlib import Path

import aioresponses.core
import pytest
from mongomock import MongoClient, filtering
from mongomock.collection import BulkOperationBuilder
from mongomock.database import Database

import fmcsa_orchestrator
from fmcsa_orchestrator import soda, testing
from fmcsa_orchestrator.model import errors

ROOT = Path(fmcsa_orchestrator.__file__).parent
PACKAGE = ROOT.name
FILES = {".".join((PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)): path for path in sorted(ROOT.rglob("*.py"))}


@cache
def imports(path):
    return list(_imports(path))


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(module, path):
    return {name for name in imports(path) if name in FILES and name != module}


# Each room, and those that it may import from. What is not named here is upwards.
ROOMS = {
    "model": set(),
    "observability": {"model"},
    "settings": {"model"},
    "clients": {"model", "observability"},
    "storage": {"model", "observability"},
    "sources": {"model", "observability", "settings", "clients"},
    "delivery": {"model", "observability", "clients", "storage", "report"},
    "sync": {"model", "observability", "storage", "sources", "delivery"},
    "report": {"model", "storage", "sources"},
    "wiring": {"model", "observability", "settings", "clients", "storage", "sources", "delivery", "sync"},
    "api": {"model", "settings", "sync", "wiring"},
    "testing": {"model", "storage", "sources", "sync"},
    "cli": {"model", "observability", "settings", "storage", "sources", "sync", "report", "wiring", "api", "testing"},
    "__main__": {"cli"},
}
# Within three rooms: the protocols and what is pure know no driver; sync and delivery know the protocols only.
CLOSED = {"sync": "storage.mongodb", "delivery": "storage.mongodb", "storage": "storage.mongodb"}


def upward(module, needs):
    """The imports of a module that its room may not have."""
    room = module.split(".")[1]
    allowed = ROOMS[room] | {room}
    for name in needs:
        other = name.removeprefix(f"{PACKAGE}.")
        is_inner = module.startswith(f"{PACKAGE}.storage.mongodb")
        if other.split(".")[0] not in allowed or (other.startswith(CLOSED.get(room, "-")) and not is_inner):
            yield name


DOORS = {f"{PACKAGE}.__init__": fmcsa_orchestrator, f"{PACKAGE}.soda": soda}  # above all rooms: they only name what is public


def modules():
    return [module for module in FILES if module not in DOORS]


def test_every_room_is_in_the_plan():
    assert {module.split(".")[1] for module in modules()} == ROOMS.keys()


@pytest.mark.parametrize("module", modules())
def test_imports_go_one_way(module):
    assert not list(upward(module, ours(module, FILES[module])))


@pytest.mark.parametrize(
    ("module", "need"),
    [("model.company", "storage.leases"), ("sync.orchestrator", "clients.http"), ("sync.fleet_run", "storage.mongodb.driver"),
     ("storage.leases", "storage.mongodb.driver"), ("delivery.turn", "storage.mongodb.driver"), ("delivery.turn", "sync.clock"), ("report.read", "cli.app"), ("clients.http", "sync.clock")],
)  # fmt: skip
def test_an_import_upwards_is_noticed(module, need):
    assert list(upward(f"{PACKAGE}.{module}", [f"{PACKAGE}.{need}"]))


def test_no_module_imports_itself_by_a_detour():
    graph = {module: ours(module, path) for module, path in FILES.items()}
    done = set()
    while remaining := {module: needs - done for module, needs in graph.items() if module not in done}:
        free = {module for module, needs in remaining.items() if not needs}
        assert free, f"a cycle among {sorted(remaining)}"
        done |= free


@pytest.mark.parametrize(
    ("forbidden", "allowed"),
    [(("motor", "pymongo", "bson"), {"storage.mongodb"}),
     (("os", "dotenv", "pydantic_settings"), {"settings", "testing.embedded_store", "testing.embedded_server", "storage.leases"}),
     (("typer",), {"cli"}), (("rich",), {"cli"}), (("tenacity",), {"clients.http", "storage.mongodb"}), (("aiolimiter",), {"clients.pacing"}),
     (("opentelemetry",), {"observability.telemetry"}), (("pytest",), {"testing.contract.suite"}),
     (("jinja2", "markupsafe"), {"report.html.page"}), (("standardwebhooks",), {"delivery.webhook"}),
     (("apprise",), {"delivery.apprise_address"})],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_each_dependency_has_its_one_place(forbidden, allowed):
    for module in modules():
        short = module.removeprefix(PACKAGE + ".").removesuffix(".__init__")
        if any(short == name or short.startswith(name + ".") for name in allowed):
            continue
        found = {name for name in imports(FILES[module]) if any(name == bad or name.startswith(bad + ".") for bad in forbidden)}
        assert not found, f"{module} imports {found}"


def shared(one, other):
    return set(one.__all__) & set(other.__all__)


def test_no_two_public_things_have_one_name():
    """Constants and type aliases of a file's own may be called alike; what has behaviour may not."""
    found = Counter(
        node.name
        for path in FILES.values()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    )
    assert not {name for name, count in found.items() if count > 1}
    assert not [names for names in combinations((fmcsa_orchestrator, soda, testing), 2) if shared(*names)]


def test_no_name_of_a_file_is_given_twice():
    for path in FILES.values():
        targets = [target for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign) for target in node.targets]
        names = Counter(target.id for target in targets if isinstance(target, ast.Name))
        assert not {name for name, count in names.items() if count > 1}, path


def test_a_failure_is_made_in_one_place():
    made = [
        module
        for module, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "SourceFailure"
    ]
    assert made == [f"{PACKAGE}.sync.guard.isolation"]


def test_one_place_says_that_it_alone_imports_the_driver():
    said = [
        module
        for module, path in FILES.items()
        if re.search(r"only \w+ that imports", ast.get_docstring(ast.parse(path.read_text())))
    ]
    assert said == [f"{PACKAGE}.storage.mongodb.__init__"]


def test_every_file_says_what_it_is_for():
    assert not [module for module, path in FILES.items() if not ast.get_docstring(ast.parse(path.read_text()))]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_the_door_is_sorted_complete_and_honest(door):
    names = door.__all__
    assert names == sorted(names)
    assert set(names) == {name for name, value in vars(door).items() if not name.startswith("_") and not inspect.ismodule(value)}


def test_the_version_is_that_of_the_package():
    assert metadata.version("fmcsa-orchestrator") == fmcsa_orchestrator.__version__


def test_every_error_hangs_from_the_root_and_is_drawn():
    classes = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]
    for error in classes:
        assert issubclass(error, errors.FmcsaError)
        assert error.__name__ in errors.__doc__
        assert error.__name__ in fmcsa_orchestrator.__all__


def test_the_shims_are_still_needed():
    """When this fails, the mocks have caught up: delete the shim in conftest.py."""
    assert "stream_writer" not in inspect.getsource(aioresponses.core.RequestMatch)
    assert "_original" in inspect.signature(BulkOperationBuilder.add_update).parameters
    with pytest.raises(NotImplementedError):
        Database.command.__wrapped__(MongoClient()["test"], "hello")
    assert not filtering.iter_key_candidates.__wrapped__("b", "no object")
