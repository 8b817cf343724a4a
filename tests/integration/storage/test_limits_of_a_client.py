"""How long a client of ours looks for a server, and waits for an answer: longer than an election, unless somebody looks on."""

import pytest
from typer.testing import CliRunner

from fmcsa_orchestrator.cli.app import app
from fmcsa_orchestrator.storage.mongodb import driver
from tests.support.backends import closed

NOBODY = "mongodb://127.0.0.1:9"


@pytest.mark.parametrize("name", ["motor", "pymongo"])
@pytest.mark.parametrize(
    ("options", "selection_s", "socket_s"),
    [
        ("", 30, 120),
        ("serverSelectionTimeoutMS=700", 0.7, 120),
        ("SERVERSELECTIONTIMEOUTMS=700&socketTimeoutMS=9000", 0.7, 9),
        ("socketTimeoutMS=9000", 30, 9),
        ("connectTimeoutMS=800&waitQueueTimeoutMS=800", 30, 120),
    ],
)
async def test_what_the_uri_says_holds(name, options, selection_s, socket_s):
    async with closed(driver.connect(f"{NOBODY}/?{options}", name)) as client:
        assert client.options.server_selection_timeout == selection_s
        assert client.options.pool_options.socket_timeout == socket_s


@pytest.mark.parametrize("name", ["motor", "pymongo"])
async def test_a_limit_of_the_uri_for_whole_operations_is_the_only_one(name):
    async with closed(driver.connect(f"{NOBODY}/?timeoutMS=7000", name)) as client:
        assert (client.options.timeout, client.options.pool_options.socket_timeout) == (7, None)


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(("command", "selection_s"), [("status", 5), ("doctor", 5), ("sync", 30), ("prepare", 30)])
def test_who_looks_on_is_told_soon_and_a_run_has_patience(monkeypatch, command, selection_s):
    connect, asked_for = driver.connect, []

    def impatient(*given, selection_s=driver.SELECTION_S):
        asked_for.append(selection_s)
        return connect(*given, selection_s=0.1)

    monkeypatch.setattr(driver, "connect", impatient)
    for name, value in {"MONGODB_URI": NOBODY, "SODA_BASE_URL": "http://127.0.0.1:9", "SODA_REQUESTS_PER_SECOND": "1000"}.items():
        monkeypatch.setenv(f"FMCSA_{name}", value)
    assert CliRunner().invoke(app, [command]).exit_code == 2
    assert asked_for == [selection_s]
