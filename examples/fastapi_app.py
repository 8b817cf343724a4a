"""FastAPI: a sync on demand, and what is known of a company. Run it with `uvicorn --app-dir examples fastapi_app:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bson import ObjectId
from fastapi import FastAPI, HTTPException, Response
from fastapi.encoders import jsonable_encoder
from pymongo import AsyncMongoClient

from fmcsa_orchestrator import CompanySyncResult, Settings, close, sync_company

HTTP_STATUS = {"company_not_found": 404, "invalid_usdot": 422, "database": 503}  # any other failure: 200, told in the result


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the host's own MongoDB client; at shutdown close it, and what the library has opened."""
    settings = Settings.load()
    async with AsyncMongoClient[dict[str, Any]](settings.require_mongodb_uri(), tz_aware=True) as client:
        name = settings.mongodb_database
        database = client[name] if name else client.get_default_database("fmcsa")
        app.state.companies = database[settings.companies_collection]
        try:
            yield
        finally:
            await close()


app = FastAPI(title="Companies", lifespan=lifespan)


@app.post("/companies/{company_id}/sync")
async def sync(company_id: str, response: Response, wait: bool = True) -> CompanySyncResult:
    """Sync one company now, which takes seconds; with `?wait=false` say what is stored, and sync behind. Never raises."""
    result = await sync_company(company_id, timeout_s=25, wait=wait)
    response.status_code = next((HTTP_STATUS[error.kind] for error in result.errors if error.kind in HTTP_STATUS), 200)
    return result


@app.get("/companies/{company_id}/status")
async def status(company_id: str) -> dict[str, Any]:
    """The stored status; empty before the first sync."""
    ids = [ObjectId(company_id), company_id] if ObjectId.is_valid(company_id) else [company_id]
    company = await app.state.companies.find_one({"_id": {"$in": ids}}, {"fmcsaData": 1})
    if company is None:
        raise HTTPException(404, "no such company")
    found: dict[str, Any] = (company.get("fmcsaData") or {}).get("syncStatus") or {}
    return {key: jsonable_encoder(value, custom_encoder={ObjectId: str}) for key, value in found.items()}
