"""A world for programs that bring an event loop of their own: the double in a thread, companies in a store, the variables set."""

import asyncio
from contextlib import contextmanager
from threading import Thread

from pymongo import MongoClient

from fmcsa_orchestrator.testing import Fleet, LocalFmcsa
from tests.support.passing_time import PATIENCE_S

COMPANIES = ("some-id", "company-0", "company-1")


@contextmanager
def in_thread(manager):
    """Keep an async context manager open in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        value = asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(PATIENCE_S)
        try:
            yield value
        finally:
            asyncio.run_coroutine_threadsafe(manager.__aexit__(None, None, None), loop).result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def offline(wire_uri, database):
    """The variables of a world with a company for each of `COMPANIES`."""
    fleet = Fleet.uniform(len(COMPANIES), violations=3, inspections=2)
    documents = [{**document, "_id": key} for key, document in zip(COMPANIES, fleet.company_documents(), strict=True)]
    with MongoClient(wire_uri) as client, in_thread(LocalFmcsa(fleet)) as upstream:
        client[database]["companies"].insert_many(documents)
        yield {
            "FMCSA_MONGODB_URI": f"{wire_uri}/{database}",
            "FMCSA_SODA_BASE_URL": upstream.soda_url,
            "FMCSA_SODA_REQUESTS_PER_SECOND": "1000",
            "FMCSA_SOURCE_CALLS_PER_SECOND": "1000",
        }
        client.drop_database(database)
