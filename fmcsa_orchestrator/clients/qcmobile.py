"""QCMobile, FMCSA's per-carrier API: what it says of a carrier and of its BASICs.

Facts: mobile.fmcsa.dot.gov/QCDevsite. The key is a query parameter and nothing else, so it would be in every URL that is
logged. A bad key is a 404, an unknown carrier a 200 with `content: null`, and maintenance a 200 with a web page.
"""

from collections.abc import Mapping
from typing import Any

from fmcsa_orchestrator.clients.http import Refusal, Reply, Upstream, read_json
from fmcsa_orchestrator.model.errors import AuthError, MalformedPayloadError, SourceUnavailableError
from fmcsa_orchestrator.model.fmcsa import UsdotNumber


def web_key_meaning(status: int, body: bytes) -> Refusal | None:
    """What QCMobile's refusals mean: "Webkey not found" and "Must provide Webkey" come as 404."""
    if status == 401 or (status in {403, 404} and b"webkey" in body.lower()):
        return Refusal(AuthError, "correct FMCSA_QCMOBILE_WEB_KEY (some 40 letters and digits), or leave it out")
    return None


class QcMobileClient:
    """Reads carriers by USDOT number.

    Raises: SourceUnavailableError, MaintenanceError, SourceTimeoutError, RateLimitedError, RequestRejectedError, AuthError,
    MalformedPayloadError.
    """

    def __init__(self, upstream: Upstream, web_key: str) -> None:
        self._upstream = upstream
        self._params = {"webKey": web_key}

    async def carrier(self, usdot: UsdotNumber) -> Mapping[str, Any] | None:
        """The `carrier` object, or None when FMCSA does not know the number."""
        content = await self._content(f"/carriers/{usdot:d}")
        if content is None:
            return None
        if not isinstance(content, dict) or not isinstance(content.get("carrier"), dict):
            raise MalformedPayloadError("QCMobile: no carrier object", field="carrier")
        carrier: dict[str, Any] = content["carrier"]
        return carrier

    async def basics(self, usdot: UsdotNumber) -> list[Mapping[str, Any]]:
        """The carrier's `basic` objects; empty when it has none or is unknown."""
        content = await self._content(f"/carriers/{usdot:d}/basics")
        entries = [] if content is None else content
        if not isinstance(entries, list) or not all(isinstance(e, dict) and isinstance(e.get("basic"), dict) for e in entries):
            raise MalformedPayloadError("QCMobile: no list of basic objects", field="basic")
        return [entry["basic"] for entry in entries]

    async def _content(self, path: str) -> Any:
        return await self._upstream.get(path, self._params, _read_content)


async def _read_content(reply: Reply) -> Any:
    body = await read_json(reply)
    if isinstance(body, str):  # a bare "Internal Server Error" under status 200
        raise SourceUnavailableError(f"QCMobile says: {body[:100]}")
    if not isinstance(body, dict) or "content" not in body:
        raise MalformedPayloadError("QCMobile: no content in the answer", field="content")
    return body["content"]
