"""What the tests of leases share: a source that knows its version, and time that has passed for a lease."""

from datetime import timedelta

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Orchestrator
from fmcsa_orchestrator.model.documents import dig, with_values
from fmcsa_orchestrator.model.status import LEASE
from fmcsa_orchestrator.testing.fakes import FakeSource

TTL_S = 30


def orchestrator(backend, *sources, **options):
    return Orchestrator(sources=sources, repository=backend.repository, limiter=AsyncLimiter(10_000, 1), **options)


class Versioned(FakeSource):
    """A batch source whose upstream is always at the same version."""

    batch_size = 10

    async def fetch_many(self, companies):
        return {company.usdot: await self.fetch(company) for company in companies}

    async def version(self):
        return "v1"


async def run_lease_of(backend):
    if backend.database is None:
        return backend.repository.run_leases.documents[backend.repository.run_name]
    return await backend.database["fmcsaLeases"].find_one({"_id": backend.repository.run_name})


async def set_back(backend, seconds, company_id=1):
    """Make the company's lease look so much older, as if its holder had been silent for that long."""
    document = await backend.company(company_id)
    expires_at = dig(document, f"{LEASE}expiresAt") - timedelta(seconds=seconds)
    await force(backend, company_id, {f"{LEASE}expiresAt": expires_at})


async def force(backend, company_id, values):
    """Change a company's document behind everybody's back."""
    if backend.database is None:
        backend.repository.companies[company_id] = with_values(backend.repository.companies[company_id], values)
    else:
        await backend.database["companies"].update_one({"_id": company_id}, {"$set": values})
