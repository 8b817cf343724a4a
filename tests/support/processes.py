"""Several processes of `tests.support.worker` over one store and one upstream; each is ended by its id, whatever happens."""

import json
import multiprocessing
import os
import signal
from contextlib import asynccontextmanager

from tests.support.passing_time import until
from tests.support.worker import work
from tests.support.world import UNHURRIED

_forks = multiprocessing.get_context("forkserver")  # has everything imported, so that a process starts within milliseconds
_forks.set_forkserver_preload(["__main__", work.__module__])


class Worker:
    """One process."""

    def __init__(self, *arguments):
        self._connection, theirs = _forks.Pipe()
        self._process = _forks.Process(target=work, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.pid = self._process.pid

    async def ask(self, name, **arguments):
        """Have the orchestrator there do it; the answer."""
        self.tell(name, **arguments)
        return await self.answer()

    def tell(self, name, **arguments):
        self._connection.send((name, arguments))

    async def answer(self):
        """The next answer; None when the process has ended."""
        await until(self._connection.poll)
        try:
            return self._connection.recv()
        except (EOFError, ConnectionResetError):
            return None

    def has_answered(self):
        return self._connection.poll()

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self):
        """Whatever it does: at once."""
        if self._process.is_alive():
            self.signal(signal.SIGKILL)
        self._process.join()
        self._connection.close()


class Crew:
    """Workers that share a folder, a store, and an upstream."""

    def __init__(self, folder, world, uri, **settings):
        self.workers = []
        self.world = world
        self._folder = folder
        self._uri = uri
        self._database = world.database.name
        self._passed_s = 0
        self._settings = {
            **UNHURRIED,
            "soda_base_url": world.upstream.soda_url,
            "soda_requests_per_second": 500,
            "source_calls_per_second": 5_000,
            "batch_size": 5,
            **settings,
        }

    async def hire(self, *drivers):
        """Start a process for each of these drivers, and wait until all are ready."""
        started = [Worker(self._folder, self._uri, self._database, driver, self._settings) for driver in drivers]
        self.workers += started
        for worker in started:
            assert await worker.answer() == "ready"
        return started

    def hold(self):
        """Whoever is in a company, or comes into one, stays there."""
        (self._folder / "hold").touch()

    def let_go(self):
        (self._folder / "hold").unlink()

    def let_time_pass(self, seconds):
        """For every event loop of theirs; at once, also for one whose process stands still."""
        self._passed_s += seconds
        new = self._folder / "passed.new"
        new.write_text(str(self._passed_s))
        new.replace(self._folder / "passed")

    def log(self):
        """All (pid, "enter" or "leave", company, token), in the order in which it happened."""
        path = self._folder / "log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@asynccontextmanager
async def open_crew(folder, world, uri, **options):
    """A crew without anybody in it; all whom it hires are ended with it."""
    crew = Crew(folder, world, uri, **options)
    try:
        yield crew
    finally:
        for worker in crew.workers:
            worker.end()
