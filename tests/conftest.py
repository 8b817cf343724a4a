"""Fixtures, and shims: two let the mocks work with current packages, two let mongomock answer as MongoDB; one is for coverage."""

import asyncio
import inspect
import os
from datetime import UTC, datetime, timedelta
from functools import wraps
from types import SimpleNamespace

import aiohttp
import aioresponses.core
import pytest
from hypothesis import HealthCheck, settings
from mongomock import filtering
from mongomock.collection import BulkOperationBuilder
from mongomock.database import Database

from fmcsa_orchestrator.clients.http import Upstream
from fmcsa_orchestrator.storage.mongodb import driver
from fmcsa_orchestrator.sync import clock
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore
from tests.support import real_store
from tests.support.ferretdb_limits import why_not
from tests.support.passing_time import jumping_time
from tests.support.wall import Wall

# A busy machine is no reason to fail: neither the time of one example nor that of making it up is what these tests are about.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # In CI the same change gives the same verdict, and soon; everywhere else the search goes on.
    derandomize="CI" in os.environ,
    max_examples=40 if "CI" in os.environ else 100,
)
settings.register_profile("quick", settings.get_profile("steady"), max_examples=25)
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


def _let_mongomock_tell_its_time():
    """mongomock 4.3.0 does not know `hello`."""
    original = Database.command

    @wraps(original)
    def patched(self, command, **kwargs):
        return {"ok": 1.0, "localTime": datetime.now(UTC)} if command == "hello" else original(self, command, **kwargs)

    Database.command = patched


def _let_mongomock_miss_what_is_below_no_object():
    """For mongomock 4.3.0 neither a condition nor its `$not` is true of "a.b" where `a` is no object; for MongoDB it is missing."""
    original = filtering.iter_key_candidates

    @wraps(original)
    def patched(key, document):
        return original(key, document) or [filtering.NOTHING]

    filtering.iter_key_candidates = patched


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
_let_mongomock_tell_its_time()
_let_mongomock_miss_what_is_below_no_object()


def pytest_configure():
    """FerretDB is built, where it is wanted, before the time of any test runs."""
    if real_store.IS_FERRETDB:
        real_store.program()


def pytest_collection_modifyitems(items):
    for item in items:
        if reason := why_not(item):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def real_store_is_ended():
    """Whatever test was the first to want it."""
    yield
    real_store.stop()


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch, tmp_path):
    """No FMCSA_* variable and no .env of this machine reaches a test.

    What is tested is mostly how sources are run, whichever they are: three stand for all, where a test asks for no others.
    """
    for name in list(os.environ):
        if name.startswith("FMCSA_") and not name.startswith("FMCSA_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FMCSA_SOURCES", "csa_scores, violations, inspections")
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
    monkeypatch.setattr(driver, "pause_between", no_sleep)


@pytest.fixture
async def jump():
    """Puts the event loop's time forward, by so many seconds: `jump(60)`."""
    with jumping_time() as jump:
        yield jump


@pytest.fixture
def wall(monkeypatch):
    """The wall clock, which the test sets off as it likes: `wall.off` is by how much."""
    for module in (clock, driver):
        monkeypatch.setattr(module, "datetime", Wall)
    monkeypatch.setattr(Wall, "off", timedelta())
    monkeypatch.setattr(clock.RunClock, "latest", datetime.min.replace(tzinfo=UTC))
    return Wall


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
