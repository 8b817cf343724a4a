"""The wheel, built and installed into a fresh environment outside the checkout: whole, and nothing beside."""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

import fmcsa_orchestrator
from tests.support.passing_time import PATIENCE_S
from tests.support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

PACKAGE = "fmcsa_orchestrator"
INFO = f"{PACKAGE}-{fmcsa_orchestrator.__version__}.dist-info"


def run(*command, cwd):
    """Standard output of a command that neither sees the checkout nor any setting of this machine."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("FMCSA_", "PYTHON"))}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    [path] = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory):
    """The programs of an environment with the wheel, and what it needs from the environment of the tests.

    That comes by way of a path file, which leaves the installation of the checkout behind, if it is an editable one.
    """
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    names = {"base": str(folder), "platbase": str(folder)}
    needs = Path(sysconfig.get_path("purelib", "venv", names), "needs.pth")
    needs.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    bin_folder = Path(sysconfig.get_path("scripts", "venv", names))
    pip = [sys.executable, "-m", "pip", "--python", bin_folder / "python", "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=folder)
    return bin_folder


def test_it_has_the_package_and_nothing_else(wheel):
    names = ZipFile(wheel).namelist()
    files = [path for path in (ROOT / PACKAGE).rglob("*.*") if path.is_file() and path.suffix != ".pyc"]
    assert {name for name in names if not name.startswith(f"{INFO}/")} == {path.relative_to(ROOT).as_posix() for path in files}
    assert f"{PACKAGE}/py.typed" in names
    assert {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"} == {
        name.removeprefix(f"{INFO}/") for name in names if name.startswith(f"{INFO}/")
    }


def test_its_metadata(wheel):
    metadata = Parser().parsestr(ZipFile(wheel).read(f"{INFO}/METADATA").decode())
    assert (metadata["Name"], metadata["Version"]) == ("fmcsa-orchestrator", fmcsa_orchestrator.__version__)
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", ">=3.11")
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata.get_all("Provides-Extra") == sorted(PROJECT["optional-dependencies"])
    assert "Typing :: Typed" in metadata.get_all("Classifier")


def test_it_is_imported_from_where_it_was_installed(fresh, tmp_path):
    program = f"import {PACKAGE} as p; print(p.__file__, p.__version__)"
    file, version = run(fresh / "python", "-W", "error", "-c", program, cwd=tmp_path).split()
    assert file.startswith(str(fresh.parent))
    assert version == fmcsa_orchestrator.__version__


def test_its_command_runs_the_demo(fresh, tmp_path):
    rounds = json.loads(run(fresh / "fmcsa-orchestrator", "demo", "--companies", "3", "--json", cwd=tmp_path))["rounds"]
    assert [(summary["success"], summary["total"]) for summary in rounds] == [(True, 3)] * 3
    assert list(tmp_path.iterdir()) == []
