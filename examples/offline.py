"""Run a command against doubles of FMCSA and of MongoDB: `python examples/offline.py python examples/cron_sync.py`.

The companies `company-0` to `company-9` are there; nothing is left running afterwards. Needs the `demo` extra.
"""

import asyncio
import os
import shutil
import sys
from typing import Any

from pymongo import AsyncMongoClient

from fmcsa_orchestrator import Settings, SettingsError
from fmcsa_orchestrator.testing import EmbeddedStore, Fleet, LocalFmcsa

KNOWN_TO_THE_DOUBLE = "of-the-double"  # as app token: an empty variable would let the one in `.env` through


async def run(command: list[str]) -> int:
    """Run the command with settings for the doubles; its exit status, or 127 when there is no such command."""
    if shutil.which(command[0]) is None:
        print(f"{command[0]}: no such command", file=sys.stderr)
        return 127
    fleet = Fleet.sample(10)
    async with LocalFmcsa(fleet, app_token=KNOWN_TO_THE_DOUBLE) as upstream, EmbeddedStore() as store:
        async with AsyncMongoClient[dict[str, Any]](store.uri) as client:
            companies = [{"_id": f"company-{n}", **company} for n, company in enumerate(fleet.company_documents())]
            await client["fmcsa"]["companies"].insert_many(companies)
        process = await asyncio.create_subprocess_exec(*command, env=environment(upstream, store.uri))
        return await process.wait()


def environment(upstream: LocalFmcsa, uri: str) -> dict[str, str]:
    """The reader's, but for whatever could lead to another server or database; a value here wins over one in `.env`.

    QCMobile is asked only if the reader has a key for it, and then with the double's.
    """
    settings = {
        "FMCSA_MONGODB_URI": uri,
        "FMCSA_MONGODB_DATABASE": "fmcsa",
        "FMCSA_COMPANIES_COLLECTION": "companies",
        "FMCSA_SODA_BASE_URL": upstream.soda_url,
        "FMCSA_SODA_APP_TOKEN": KNOWN_TO_THE_DOUBLE,
        "FMCSA_SODA_REQUESTS_PER_SECOND": "500",
        "FMCSA_SOURCE_CALLS_PER_SECOND": "500",
        "FMCSA_QCMOBILE_BASE_URL": upstream.qcmobile_url,
    }
    if Settings.load().qcmobile_web_key is not None:
        settings["FMCSA_QCMOBILE_WEB_KEY"] = upstream.web_key
    return {name: value for name, value in os.environ.items() if name.upper() not in settings} | settings


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        sys.exit(asyncio.run(run(sys.argv[1:])))
    except SettingsError as error:
        sys.exit(str(error))
