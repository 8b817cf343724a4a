"""Holds unit tests to what they are: whoever opens a connection or starts a process fails."""

import socket
import subprocess

import pytest


@pytest.fixture(autouse=True)
def nothing_outside(monkeypatch):
    """No server, no client, no other process."""

    def refuse(*_, **__):
        pytest.fail("a unit test opens no connection and starts no process: it belongs into tests/integration")

    for owner, name in ((socket.socket, "bind"), (socket.socket, "connect"), (subprocess.Popen, "__init__")):
        monkeypatch.setattr(owner, name, refuse)
