"""aiohttp: a sync on demand, and what is known of a company. Run it with `python examples/aiohttp_app.py`."""

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from bson import ObjectId
from pydantic_core import to_json
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection

from fmcsa_orchestrator import Orchestrator, Settings, open_orchestrator

ORCHESTRATOR = web.AppKey("orchestrator", Orchestrator)
COMPANIES = web.AppKey("companies", AsyncCollection[dict[str, Any]])
HTTP_STATUS = {"company_not_found": 404, "invalid_usdot": 422, "database": 503}  # any other failure: 200, told in the result


async def fmcsa(app: web.Application) -> AsyncIterator[None]:
    """Lend the host's own database to an orchestrator that lives as long as the app."""
    settings = Settings.load()
    async with AsyncMongoClient[dict[str, Any]](settings.require_mongodb_uri(), tz_aware=True) as client:
        database = client.get_default_database("fmcsa")
        async with open_orchestrator(settings, database=database) as orchestrator:
            app[ORCHESTRATOR], app[COMPANIES] = orchestrator, database[settings.companies_collection]
            yield


async def sync(request: web.Request) -> web.Response:
    """Sync one company now, which takes seconds; with `?wait=false` say what is stored, and sync behind. Never raises."""
    wait = request.query.get("wait") != "false"
    result = await request.app[ORCHESTRATOR].sync_company(request.match_info["id"], timeout_s=25, wait=wait)
    status = next((HTTP_STATUS[error.kind] for error in result.errors if error.kind in HTTP_STATUS), 200)
    return web.json_response(result.as_dict(), status=status)


async def status(request: web.Request) -> web.Response:
    """The stored status; empty before the first sync."""
    key = request.match_info["id"]
    ids = [ObjectId(key), key] if ObjectId.is_valid(key) else [key]
    company = await request.app[COMPANIES].find_one({"_id": {"$in": ids}}, {"fmcsaData": 1})
    if company is None:
        raise web.HTTPNotFound(text="no such company")
    found = (company.get("fmcsaData") or {}).get("syncStatus") or {}
    return web.Response(body=to_json(found, fallback=str), content_type="application/json")


def create_app() -> web.Application:
    """The app."""
    app = web.Application()
    app.cleanup_ctx.append(fmcsa)
    app.router.add_post("/companies/{id}/sync", sync)
    app.router.add_get("/companies/{id}/status", status)
    return app


if __name__ == "__main__":
    web.run_app(create_app(), host="127.0.0.1", port=8000)
