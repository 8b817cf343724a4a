"""Fixtures, and the two shims that let the mocks work with current aiohttp and PyMongo; one more is for coverage."""

import asyncio
import inspect
import os
from types import SimpleNamespace

import aiohttp
import aioresponses.core
import pytest
from hypothesis import HealthCheck, settings
from mongomock.collection import BulkOperationBuilder

from fmcsa_orchestrator.clients.http import Upstream
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

# A busy machine is no reason to fail: neither the time of one example nor that of making it up is what these tests are about.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,  # there the same change gives the same verdict; everywhere else the search goes on
)
settings.load_profile("steady")


def _let_aioresponses_build_responses():
    """aioresponses 0.7.9 does not pass `stream_writer`, which ClientResponse wants since aiohttp 3.14."""

    class ClientResponse(aiohttp.ClientResponse):
        def __init__(self, *args, **kwargs):
            kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
            super().__init__(*args, **kwargs)

    aioresponses.core.ClientResponse = ClientResponse


def _let_mongomock_take_sort():
    """mongomock 4.3.0 does not take the `sort` that PyMongo passes since 4.11."""
    for name in ("add_update", "add_replace"):
        original = getattr(BulkOperationBuilder, name)

        def patched(self, *args, _original=original, sort=None, **kwargs):
            assert sort is None
            return _original(self, *args, **kwargs)

        setattr(BulkOperationBuilder, name, patched)


def _measure_no_embedded_server():
    """The server is not ours, and much slower while coverage traces it: its process is not told to."""
    original = EmbeddedStore.start

    async def patched(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
            await original(self)

    EmbeddedStore.start = patched


if "COVERAGE_PROCESS_CONFIG" in os.environ:
    _measure_no_embedded_server()
if "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
    _let_aioresponses_build_responses()
if "sort" not in inspect.signature(BulkOperationBuilder.add_update).parameters:
    _let_mongomock_take_sort()


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch, tmp_path):
    """No FMCSA_* variable and no .env of this machine reaches a test."""
    for name in list(os.environ):
        if name.startswith("FMCSA_") and not name.startswith("FMCSA_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_pauses(monkeypatch):
    """Retries and brakes go on at once: their time is one that only sleeping moves."""
    original = Upstream.__init__
    time = [0.0]

    async def no_sleep(seconds):
        time[0] += seconds
        await asyncio.sleep(0)

    def patched(self, *args, **kwargs):
        original(self, *args, **{"sleep": no_sleep, "clock": lambda: time[0], **kwargs})

    monkeypatch.setattr(Upstream, "__init__", patched)


@pytest.fixture(scope="session")
def wire_uri():
    """One MongoDB-compatible server for all tests that keep to a database of their own."""
    with asyncio.Runner() as runner:
        server = EmbeddedStore()
        runner.run(server.__aenter__())
        yield server.uri
        runner.run(server.__aexit__(None, None, None))


@pytest.fixture
async def store():
    """A MongoDB-compatible server of the test's own, over a real socket."""
    async with EmbeddedStore() as server:
        yield server
