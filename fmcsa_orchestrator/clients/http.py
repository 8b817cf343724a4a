"""One upstream behind one limiter: sends requests, retries them, turns every fault into our errors."""

import asyncio
import logging
import random
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from pydantic_core import from_json
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, stop_after_delay
from yarl import URL

from fmcsa_orchestrator.clients.pacing import LONGEST_PAUSE_S, Brake, FairShare
from fmcsa_orchestrator.model.errors import (
    AuthError,
    BlockedError,
    MaintenanceError,
    MalformedPayloadError,
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
Read = Callable[["Reply"], Awaitable[T]]

TRANSIENT = (SourceUnavailableError, SourceTimeoutError, RateLimitedError, TruncatedPayloadError)
_ERROR_BODY_LIMIT = 16_384  # bytes of an error page that are worth reading
_ERROR_BODY_S = 2.0  # seconds that they are worth waiting for
_CHUNK = 65_536  # bytes handled at a time: about 2 ms of work between two turns of the event loop
_SLOWEST = 100_000  # bytes a second: a tenth of what the portal was seen to send
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500
_PASSING = {202, 408, 425}  # still at work on the query; gave the query up; too early
_REFUSED = {403, 406, 451}
_AHEAD = timedelta(days=1)  # by so much our clock, or theirs, may be wrong


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an API means by a refusal: its error, what to do about it, and seconds for which nobody is to ask."""

    error: type[RequestRejectedError | RateLimitedError]
    advice: str
    pause_s: float | None = None


Meaning = Callable[[int, bytes], Refusal | None]


def denies_key(status: int, _: bytes) -> Refusal | None:
    """The meaning of refusals where an API has none of its own: 401 is our key."""
    return Refusal(AuthError, "check the key or token") if status == 401 else None


def user_agent(contact: str | None = None) -> str:
    """Who we are, and whom to ask: firewalls refuse what HTTP libraries send by default."""
    return f"fmcsa-orchestrator/{version('fmcsa-orchestrator')}{f' ({contact})' if contact else ''}"


class Reply:
    """A good answer (200) whose body still comes in: its headers, and its body in chunks.

    Attributes:
        headers: as they came; names in any case.
    """

    def __init__(self, response: aiohttp.ClientResponse, limit: asyncio.Timeout, timeout_s: float) -> None:
        self.headers = response.headers
        self._content = response.content
        self._limit = limit
        self._until = asyncio.get_running_loop().time() + timeout_s

    async def chunks(self, most: int) -> AsyncIterator[bytes]:
        """The body, decompressed, as it comes; the event loop has its turn after each piece, and each adds to the time allowed.

        Raises: MalformedPayloadError when it is larger than `most` bytes.
        """
        size = 0
        async for chunk in self._content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > most:
                raise MalformedPayloadError(f"the answer is larger than {most} bytes")
            self._limit.reschedule(self._until + size / _SLOWEST)
            yield chunk
            await asyncio.sleep(0)


class Upstream:
    """One HTTP API: its address, its limiter, its brake, its secrets.

    `meaning(status, body)` tells what a refusal stands for, where that is peculiar to this API.

    Attributes:
        name: what it is called in messages, logs and counts.
        timeout_s: seconds without a byte after which a try is given up. A whole answer may take so many, and a second more for
            each 100 kB.

    Raises:
        SourceError: from `get` and `post`: SourceUnavailableError, MaintenanceError, SourceTimeoutError, RateLimitedError,
            RequestRejectedError, AuthError, BlockedError, and what `read` raises.
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
        meaning: Meaning = denies_key,
        secrets: tuple[str, ...] = (),
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._limiter = FairShare(limiter)
        self.timeout_s = timeout_s
        self._headers = {"User-Agent": user_agent(), "Accept": "application/json", **(headers or {})}
        self._meaning = meaning
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

    @property
    def wait_s(self) -> float:
        """Seconds before a request that is made now goes out, at least: by the pause that upstream asked for, and the rate."""
        return self._brake.wait_s + self._limiter.wait_s

    async def get(self, path: str, params: Mapping[str, str], read: Read[T]) -> T:
        """GET a path below the base URL and hand the good answer to `read`."""
        return await self._retrying.copy()(self._once, "GET", f"{path}{_query(params)}", read)

    async def post(self, path: str, body: Mapping[str, Any], read: Read[T]) -> T:
        """POST a JSON body and hand the good answer to `read`."""
        return await self._retrying.copy()(self._once, "POST", path, read, json=body)

    async def _once(self, method: str, path: str, read: Read[T], **request: Any) -> T:
        await self._brake.wait()
        await self._limiter.acquire()
        await count_request(self.name)
        with watched("request", {"upstream": self.name, "method": method}, path=path.partition("?")[0]) as activity:
            return await self._send(method, path, read, activity, **request)

    async def _send(self, method: str, path: str, read: Read[T], activity: Activity, **request: Any) -> T:
        try:
            async with (
                asyncio.timeout(self.timeout_s) as limit,
                self._session.request(
                    method,
                    URL(self._base_url + path, encoded=True),
                    headers=self._headers,
                    allow_redirects=False,  # a redirect would carry our token to another host
                    timeout=aiohttp.ClientTimeout(total=None, sock_read=self.timeout_s),
                    **request,
                ) as response,
            ):
                activity.facts["status"] = response.status
                if response.status != 200:
                    raise await self._refusal(response)
                if "html" in response.content_type:
                    raise MaintenanceError(f"{self.name} answered with a web page where JSON was due")
                self._brake.passed()
                return await read(Reply(response, limit, self.timeout_s))
        except TimeoutError:
            fault: SourceError = SourceTimeoutError(
                f"{self.name} gave no full answer: silent for {self.timeout_s:g} s, or too slow"
            )
        except (aiohttp.ClientError, OSError) as error:
            fault = SourceUnavailableError(f"{self.name} cannot be read: {self._safe(_reason(error))}")
        except SourceError as error:
            error.args = tuple(self._safe(str(part)) for part in error.args)
            fault = error
        raise fault  # out here, so that no error of aiohttp, which may hold the address with the key, comes along as context

    async def _refusal(self, response: aiohttp.ClientResponse) -> SourceError:
        """The error that an answer other than 200 stands for; what its headers ask for holds before its body is read."""
        status = response.status
        retry_after_s = retry_after(response.headers.get("Retry-After"))
        if retry_after_s is not None:
            self._brake.hold(retry_after_s)
        elif status == _TOO_MANY_REQUESTS:
            self._brake.refused()
        if status == _TOO_MANY_REQUESTS:
            await self._limiter.empty()
        body = await _error_body(response)
        text = self._safe(f"{self.name} answered {status}: {summary_of(body)}")
        if status == _TOO_MANY_REQUESTS:
            return RateLimitedError(text, retry_after_s=retry_after_s)
        if status >= _SERVER_ERROR or status in _PASSING:
            return SourceUnavailableError(text)
        if 300 <= status < 400:
            return RequestRejectedError(f"{self.name} has moved (answered {status}); check its base URL", status=status)
        if (refusal := self._meaning(status, body)) is not None:
            return await self._meant(refusal, f"{text}; {refusal.advice}", status)
        if status in _REFUSED and not body.lstrip().startswith(b"{"):
            return BlockedError(
                f"{text} (asked over {_family_of(response)}); a firewall refuses us, most likely for the address (of a cloud, or "
                "shared with others), for the User-Agent (set FMCSA_CONTACT), or for what a proxy makes of the request",
                status=status,
            )
        return RequestRejectedError(text, status=status)

    async def _meant(self, refusal: Refusal, text: str, status: int) -> SourceError:
        if refusal.pause_s is not None:
            self._brake.hold(refusal.pause_s)
        if issubclass(refusal.error, RateLimitedError):
            await self._limiter.empty()
            return refusal.error(text, retry_after_s=refusal.pause_s)
        return refusal.error(text, status=status)

    def _safe(self, text: str) -> str:
        return redact(text, self._secrets)

    def _log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        note(log, logging.INFO, "upstream_retry", upstream=self.name, attempt=state.attempt_number, reason=error)


async def read_json(reply: Reply, *, limit: int = 4_000_000) -> Any:
    """The answer's JSON value.

    Raises:
        MaintenanceError: for HTML under a JSON label.
        TruncatedPayloadError: for anything that is not whole JSON.
        MalformedPayloadError: for a body of more than `limit` bytes.
    """
    body = b"".join([chunk async for chunk in reply.chunks(limit)])
    if body.lstrip().startswith(b"<"):
        raise MaintenanceError("upstream answered with a web page where JSON was due")
    try:
        return from_json(body.removeprefix(BOM_UTF8))
    except ValueError as error:
        raise TruncatedPayloadError("the answer is not whole JSON") from error


async def _error_body(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of it, as far as it comes soon."""
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_ERROR_BODY_S):
            return await response.content.read(_ERROR_BODY_LIMIT)
    return b""


def _family_of(response: aiohttp.ClientResponse) -> str:
    """Over what kind of address it was asked: firewalls may let only one pass."""
    connection = response.connection
    peer = connection.transport.get_extra_info("peername") if connection and connection.transport else None
    return "an unknown way" if peer is None else "IPv6" if len(peer) == 4 else "IPv4"


def _query(params: Mapping[str, str]) -> str:
    """As firewalls before the portal let it pass: `$`, quotes and brackets as they are, a blank as %20."""
    return "?" + urlencode(params, quote_via=quote, safe="$'(),:*") if params else ""


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: none where the brake waits already, else 0.5, 1, 2 ... with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimitedError):
        return 0.0
    return random.uniform(0.375, 0.625) * float(2 ** (state.attempt_number - 1))


def retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms; a day at most, so that no slip stops us for good."""
    if value is None:
        return None
    if value.isascii() and value.strip().isdigit():
        return min(float(value), LONGEST_PAUSE_S)
    moment = http_date(value)
    return None if moment is None else min(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()), LONGEST_PAUSE_S)


def http_date(value: str | None) -> datetime | None:
    """The time in a header such as Last-Modified, None where it cannot be read. A date without a zone is in UTC."""
    try:
        moment = parsedate_to_datetime(value) if value else None
        return moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        return None


def is_ahead(moment: datetime) -> bool:
    """Whether upstream tells of a time that is still to come: whatever it says, it is not when a file was replaced."""
    return moment > datetime.now(UTC) + _AHEAD


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
