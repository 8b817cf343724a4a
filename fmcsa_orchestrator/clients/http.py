"""One upstream behind one limiter: sends requests, retries them, turns every fault into our errors."""

import asyncio
import logging
import random
from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp
from pydantic_core import from_json
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, stop_after_delay

from fmcsa_orchestrator.clients.pacing import LONGEST_PAUSE_S, Brake, FairShare
from fmcsa_orchestrator.model.errors import (
    AuthError,
    MaintenanceError,
    RateLimitedError,
    RequestRejectedError,
    SourceError,
    SourceTimeoutError,
    SourceUnavailableError,
    TruncatedPayloadError,
)
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.observability.hooks import Activity, count_request, note, watched
from fmcsa_orchestrator.observability.redaction import redact

log = logging.getLogger(__name__)

T = TypeVar("T")
Read = Callable[[aiohttp.ClientResponse], Awaitable[T]]

TRANSIENT = (SourceUnavailableError, SourceTimeoutError, RateLimitedError, TruncatedPayloadError)
_ERROR_BODY_LIMIT = 16_384  # bytes of an error page that are worth reading
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500


class Upstream:
    """One HTTP API: its address, its limiter, its brake, its secrets.

    `denies_key(status, body)` tells an answer that refuses our key from any other refusal: each API has its own.

    Attributes:
        name: what it is called in messages, logs and counts.
        timeout_s: seconds for one try, its whole answer included.

    Raises:
        SourceError: from `get` and `post`: SourceUnavailableError, MaintenanceError, SourceTimeoutError, RateLimitedError,
            RequestRejectedError, AuthError, and what `read` raises.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        *,
        name: str,
        limiter: Limiter,
        timeout_s: float = 30,
        tries: int = 4,
        patience_s: float = 60,
        headers: Mapping[str, str] | None = None,
        denies_key: Callable[[int, bytes], bool] = lambda status, _: status == 401,
        secrets: tuple[str, ...] = (),
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._limiter = FairShare(limiter)
        self.timeout_s = timeout_s
        self._headers = dict(headers or {})
        self._denies_key = denies_key
        self._secrets = secrets
        self._brake = Brake(name, patience_s=patience_s, clock=clock or asyncio.get_running_loop().time, sleep=sleep)
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(TRANSIENT),
            stop=stop_after_attempt(tries) | stop_after_delay(patience_s),
            wait=_pause,
            sleep=sleep,
            before_sleep=self._log_retry,
            reraise=True,
        )

    async def get(self, path: str, params: Mapping[str, str], read: Read[T]) -> T:
        """GET a path below the base URL and hand the good answer to `read`."""
        return await self._retrying.copy()(self._once, "GET", path, read, params=params)

    async def post(self, path: str, body: Mapping[str, Any], read: Read[T]) -> T:
        """POST a JSON body and hand the good answer to `read`."""
        return await self._retrying.copy()(self._once, "POST", path, read, json=body)

    async def _once(self, method: str, path: str, read: Read[T], **request: Any) -> T:
        await self._brake.wait()
        await self._limiter.acquire()
        await count_request(self.name)
        with watched("request", {"upstream": self.name, "method": method}, path=path) as activity:
            return await self._send(method, path, read, activity, **request)

    async def _send(self, method: str, path: str, read: Read[T], activity: Activity, **request: Any) -> T:
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                self._session.request(
                    method,
                    self._base_url + path,
                    headers=self._headers,
                    allow_redirects=False,  # a redirect would carry our token to another host
                    timeout=aiohttp.ClientTimeout(total=None),
                    **request,
                ) as response,
            ):
                activity.facts["status"] = response.status
                if response.status != 200:
                    raise await self._refusal(response)
                if "html" in response.content_type:
                    raise MaintenanceError(f"{self.name} answered with a web page where JSON was due")
                self._brake.passed()
                return await read(response)
        except TimeoutError:
            fault: SourceError = SourceTimeoutError(f"{self.name} gave no full answer within {self.timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            fault = SourceUnavailableError(f"{self.name} cannot be read: {self._safe(_reason(error))}")
        except SourceError as error:
            error.args = tuple(self._safe(str(part)) for part in error.args)
            fault = error
        raise fault  # out here, so that no error of aiohttp, which may hold the address with the key, comes along as context

    async def _refusal(self, response: aiohttp.ClientResponse) -> SourceError:
        """The error that an answer other than 200 stands for."""
        body = await response.content.read(_ERROR_BODY_LIMIT)
        text = self._safe(f"{self.name} answered {response.status}: {summary_of(body)}")
        status = response.status
        retry_after_s = retry_after(response.headers.get("Retry-After"))
        if retry_after_s is not None:
            self._brake.hold(retry_after_s)
        elif status == _TOO_MANY_REQUESTS:
            self._brake.refused()
        if status == _TOO_MANY_REQUESTS:
            await self._limiter.empty()
            return RateLimitedError(text, retry_after_s=retry_after_s)
        if status >= _SERVER_ERROR or status == 202:  # 202: Socrata is still working on the query
            return SourceUnavailableError(text)
        if self._denies_key(status, body):
            return AuthError(f"{text}; check the key or token", status=status)
        if 300 <= status < 400:
            text = f"{self.name} has moved (answered {status}); check its base URL"
        return RequestRejectedError(text, status=status)

    def _safe(self, text: str) -> str:
        return redact(text, self._secrets)

    def _log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        note(log, logging.INFO, "upstream_retry", upstream=self.name, attempt=state.attempt_number, reason=error)


async def read_json(response: aiohttp.ClientResponse, *, limit: int = 4_000_000) -> Any:
    """The answer's JSON value.

    Raises:
        MaintenanceError: for HTML under a JSON label.
        TruncatedPayloadError: for anything that is not whole JSON.
    """
    body = await response.content.read(limit + 1)
    while len(body) <= limit and (more := await response.content.read(limit + 1 - len(body))):
        body += more
    if body.lstrip().startswith(b"<"):
        raise MaintenanceError("upstream answered with a web page where JSON was due")
    if len(body) > limit:
        raise TruncatedPayloadError(f"the answer is larger than {limit} bytes")
    try:
        return from_json(body.removeprefix(BOM_UTF8))
    except ValueError as error:
        raise TruncatedPayloadError("the answer is not whole JSON") from error


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: none where the brake waits already, else 0.5, 1, 2 ... with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimitedError):
        return 0.0
    return random.uniform(0.375, 0.625) * float(2 ** (state.attempt_number - 1))


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms; a day at most, so that no slip stops us for good."""
    if value is None:
        return None
    if value.isascii() and value.strip().isdigit():
        return min(float(value), LONGEST_PAUSE_S)
    moment = http_date(value)
    return None if moment is None else min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), LONGEST_PAUSE_S)


def http_date(value: str | None) -> datetime | None:
    """The time in a header such as Last-Modified, None where it cannot be read. A date without a zone is in UTC."""
    try:
        moment = parsedate_to_datetime(value) if value else None
        return moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        return None


def summary_of(body: bytes) -> str:
    """What an error body says, on one line."""
    try:
        content = from_json(body.removeprefix(BOM_UTF8))
    except ValueError:
        return "a web page" if body.lstrip().startswith(b"<") else "no readable text"
    words = [content.get(key) for key in ("code", "errorCode", "message", "content")] if isinstance(content, dict) else [content]
    return " ".join(" ".join(str(word) for word in words if word).split())[:300] or "no text"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()[:200]
