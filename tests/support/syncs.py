"""An orchestrator on fakes, in a line; companies for it, sources, and what it left behind."""

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Orchestrator, SourceReport


def companies(count, **fields):
    return [{"_id": n, "name": f"Company {n}", "dotNumber": 100 + n, **fields} for n in range(count)]


def value(path, content=1):
    return lambda company: SourceReport(fields={path: content})


def raises(error):
    def fetch(company):
        raise error

    return fetch


def orchestrator(repository, *sources, **options):
    return Orchestrator(sources=sources, repository=repository, limiter=AsyncLimiter(10_000, 1), **options)


def status(repository, company_id=0):
    return repository.companies[company_id]["fmcsaData"]["syncStatus"]
