"""Run a command against doubles of FMCSA and of MongoDB: `python examples/offline.py python examples/cron_sync.py`.

The companies `company-0` to `company-9` are there; nothing is left running afterwards. Needs the `demo` extra.
"""

import asyncio
import os
import sys
from typing import Any

from pymongo import AsyncMongoClient

from fmcsa_orchestrator.testing import Fleet, Upstream
from fmcsa_orchestrator.testing.store import EmbeddedStore


async def run(command: list[str]) -> int:
    """Run the command with settings for the doubles; its exit status."""
    fleet = Fleet.sample(10)
    async with Upstream(fleet) as upstream, EmbeddedStore() as store:
        async with AsyncMongoClient[dict[str, Any]](store.uri) as client:
            companies = [{"_id": f"company-{n}", **company} for n, company in enumerate(fleet.company_documents())]
            await client["fmcsa"]["companies"].insert_many(companies)
        settings = {
            "FMCSA_MONGODB_URI": store.uri,
            "FMCSA_SODA_BASE_URL": upstream.soda_url,
            "FMCSA_SODA_REQUESTS_PER_SECOND": "500",
            "FMCSA_SOURCE_CALLS_PER_SECOND": "500",
        }
        process = await asyncio.create_subprocess_exec(*command, env=os.environ | settings)
        return await process.wait()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(asyncio.run(run(sys.argv[1:])))
