"""One of several competing processes: does what is asked of it over a connection, and answers over it.

Appends to a file, which all of them share, a line for each time that it enters or leaves a company.
"""

import asyncio
import json
import os
from contextlib import suppress

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

from fmcsa_orchestrator import Settings, SourceReport, open_orchestrator
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.events import CompanyStarted
from fmcsa_orchestrator.model.status import TOKEN


class Witness:
    """The last source: notes what becomes of each company, and waits within it as long as the file `hold` is there."""

    name = "witness"
    owns = ("witness",)

    def __init__(self, folder):
        self._hold = folder / "hold"
        self._log = os.open(folder / "log", os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def note(self, what, company_id, token=None):
        os.write(self._log, (json.dumps([os.getpid(), what, company_id, token]) + "\n").encode())

    def on_event(self, event):
        if isinstance(event, CompanyStarted):
            self.note("enter", event.company_id)

    async def fetch(self, company):
        while self._hold.exists():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.002)
        self.note("leave", company.id, dig(company.document, TOKEN))
        return SourceReport(fields={"witness": os.getpid()})


def put_forward(loop, path):
    """The loop's time is ahead by the seconds that the file says, for one who has stood still meanwhile too."""
    original = loop.time

    def time():
        with suppress(FileNotFoundError):
            return original() + float(path.read_text())
        return original()

    loop.time = time


def work(connection, folder, uri, database, driver, settings):
    """What the process does until the connection is closed."""
    asyncio.run(_work(connection, folder, uri, database, driver, Settings.model_validate(settings)))


async def _work(connection, folder, uri, database, driver, settings):
    put_forward(asyncio.get_running_loop(), folder / "passed")
    client = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}[driver](uri, tz_aware=True)
    witness = Witness(folder)
    async with open_orchestrator(
        settings, database=client[database], extra_sources=[witness], on_event=witness.on_event
    ) as orchestrator:
        connection.send("ready")
        while asked := await asyncio.to_thread(_asked, connection):
            name, arguments = asked
            connection.send((await getattr(orchestrator, name)(**arguments)).as_dict())


def _asked(connection):
    try:
        return connection.recv()
    except EOFError:
        return None
