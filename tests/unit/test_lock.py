"""The lock of the development environment: it has all that pyproject.toml asks for, with hashes, and says nothing of where from."""

import re
import tomllib

import pytest
from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import Requirement

PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\\n    --hash=", re.MULTILINE)
LINE_OF_A_PACKAGE = re.compile(r"^[^\s#]", re.MULTILINE)


@pytest.fixture
def lock(pytestconfig):
    return (pytestconfig.rootpath / "requirements-dev.lock").read_text(encoding="utf-8")


@pytest.fixture
def wanted(pytestconfig):
    pyproject = tomllib.loads((pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8"))
    project = pyproject["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    groups = resolve_dependency_groups(pyproject["dependency-groups"], "dev")
    return [Requirement(requirement) for requirement in (*project["dependencies"], *extras, *groups)]


def missing(wanted, lock):
    """The requirements that no version of the lock satisfies, or not each one that it has for some Python."""
    locked = {}
    for name, version in PINNED.findall(lock):
        locked.setdefault(name, []).append(version)
    return [
        str(requirement)
        for requirement in wanted
        if not (versions := locked.get(requirement.name, [])) or list(requirement.specifier.filter(versions)) != versions
    ]


def test_it_satisfies_pyproject(wanted, lock):
    assert not missing(wanted, lock), "`make lock` makes it fit"


def test_what_it_lacks_would_be_noticed(lock):
    assert missing([Requirement("pydantic>=2"), Requirement("pydantic>=999"), Requirement("no-such-package")], lock) == [
        "pydantic>=999",
        "no-such-package",
    ]


def test_each_line_is_a_version_with_a_hash(lock):
    assert len(PINNED.findall(lock)) == len(LINE_OF_A_PACKAGE.findall(lock)) > 100


def test_it_names_no_host_and_no_folder(lock):
    assert "://" not in lock
    assert not re.search(r"(?<![\w.])/\w", lock)
