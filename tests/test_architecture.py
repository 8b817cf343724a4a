"""The shape of the code: imports go one way, the driver and the environment are each known to one file, the door is complete."""

import ast
import inspect
from importlib import metadata
from pathlib import Path

import aioresponses.core
import pytest
from mongomock.collection import BulkOperationBuilder

import fmcsa_orchestrator
from fmcsa_orchestrator import errors

ROOT = Path(fmcsa_orchestrator.__file__).parent
PACKAGE = ROOT.name
FILES = {".".join((PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)): path for path in sorted(ROOT.rglob("*.py"))}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(module, path):
    return {name for name in imports(path) if name in FILES and name != module}


def test_no_module_imports_itself_by_a_detour():
    graph = {module: ours(module, path) for module, path in FILES.items()}
    done = set()
    while remaining := {module: needs - done for module, needs in graph.items() if module not in done}:
        free = {module for module, needs in remaining.items() if not needs}
        assert free, f"a cycle among {sorted(remaining)}"
        done |= free


@pytest.mark.parametrize(
    ("forbidden", "allowed"),
    [(("motor", "pymongo", "bson"), {"driver"}), (("os", "dotenv", "pydantic_settings"), {"settings", "testing.store", "leases"}),
     (("typer",), {"cli"}), (("rich",), {"cli", "view.screen", "demo"}), (("tenacity",), {"http"}),
     ((f"{PACKAGE}.testing",), {"demo", "testing"}), (("pytest",), {"testing.source_kit"})],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_each_dependency_has_its_one_place(forbidden, allowed):
    for module, path in FILES.items():
        short = module.removeprefix(PACKAGE + ".").removesuffix(".__init__")
        if any(short == name or short.startswith(name + ".") for name in allowed) or module == f"{PACKAGE}.__init__":
            continue
        found = {name for name in imports(path) if any(name == bad or name.startswith(bad + ".") for bad in forbidden)}
        assert not found, f"{module} imports {found}"


def test_the_orchestrator_knows_no_upstream_and_no_driver():
    seen, queue = set(), [f"{PACKAGE}.orchestrator"]
    while queue:
        module = queue.pop()
        if module not in seen:
            seen.add(module)
            queue += ours(module, FILES[module])
    assert not seen & {f"{PACKAGE}.{name}" for name in ("http", "soda", "qcmobile", "mongo", "settings", "wiring", "sources.csa")}


def test_every_file_says_what_it_is_for():
    assert not [module for module, path in FILES.items() if not ast.get_docstring(ast.parse(path.read_text()))]


def test_the_door_is_sorted_complete_and_honest():
    names = fmcsa_orchestrator.__all__
    assert names == sorted(names)
    public = {
        name for name, value in vars(fmcsa_orchestrator).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert set(names) == public
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
