"""Reads the status from MongoDB, ready to be shown: the fleet with its first companies, or one company."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fmcsa_orchestrator.model.errors import CompanyNotFoundError, InvalidUsdotError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.model.status import STALE_AFTER_H, Verified
from fmcsa_orchestrator.report.freshness import source_names
from fmcsa_orchestrator.report.history import history_view
from fmcsa_orchestrator.report.overview import Overview, cutoff_of, make_overview
from fmcsa_orchestrator.storage.mongodb.companies import MongoCompanyRepository
from fmcsa_orchestrator.storage.mongodb.fleet_counts import MongoFleet
from fmcsa_orchestrator.storage.mongodb.history import MongoHistory


async def read_fleet(
    database: Any,
    companies: str,
    sources: Sequence[str],
    *,
    limit: int,
    stale_after_h: float = STALE_AFTER_H,
    leases: str = "fmcsaLeases",
) -> Overview:
    """The fleet's counts and `limit` companies, the least recently attempted first.

    These sources are counted, and others where one of these companies has them. Raises: RepositoryError.
    """
    at = datetime.now(UTC)
    fleet = MongoFleet(database, companies)
    verified = Verified.of(await MongoCompanyRepository(database, companies=companies, leases=leases).last_run())
    documents = await fleet.documents(limit)
    names = source_names(documents, sources)
    counts = await fleet.counts(names, cutoff_of(at, stale_after_h), verified)
    return make_overview(documents, names, at, stale_after_h, counts, verified)


async def read_company(
    database: Any,
    companies: str,
    company_id: str,
    sources: Sequence[str],
    *,
    stale_after_h: float = STALE_AFTER_H,
    leases: str = "fmcsaLeases",
    history: str = "fmcsaHistory",
) -> Overview:
    """One company by its `_id`, with its history.

    By the text as it is; where no company has it, and it is a number, by the number.

    Raises: CompanyNotFoundError, RepositoryError.
    """
    repository = MongoCompanyRepository(database, companies=companies, leases=leases)
    document = await _find(repository, company_id)
    verified = Verified.of(await repository.last_run())
    looked_back = history_view(await _runs(MongoHistory(database, history), document))
    names, at = source_names([document], sources), datetime.now(UTC)
    return make_overview([document], names, at, stale_after_h, verified=verified, history=looked_back)


async def _runs(history: MongoHistory, document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Those of the carrier that the company is now."""
    try:
        usdot = UsdotNumber.parse(document.get("dotNumber"))
    except InvalidUsdotError:
        return []
    return await history.of(document["_id"], int(usdot))


async def _find(repository: MongoCompanyRepository, company_id: str) -> Mapping[str, Any]:
    try:
        return await repository.find_company(company_id)
    except CompanyNotFoundError:
        if not (company_id.isascii() and company_id.isdigit()):
            raise
        return await repository.find_company(int(company_id))
