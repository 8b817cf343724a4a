"""Webhooks by Standard Webhooks 1.0: signed POST requests with the event as JSON, in the form of CloudEvents."""

import base64
import binascii
import ssl
from collections.abc import Sequence
from contextlib import suppress

import aiohttp
from standardwebhooks import Webhook
from yarl import URL

from fmcsa_orchestrator.clients.http import retry_after
from fmcsa_orchestrator.delivery.channel import ACCEPTED, Verdict
from fmcsa_orchestrator.delivery.notice import Notice
from fmcsa_orchestrator.delivery.public_addresses import NotPublicError, public_socket
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.observability.context import current

_PREFIX = "whsec_"
_LEAST_SECRET = 24  # bytes, by Standard Webhooks
_GONE = 410
_OF_NOTICE = {400, 409, 413, 422}  # what may be said of one event, while others are taken
_ANSWER_LIMIT = 16_384  # bytes that are read of an answer, so that its connection serves again; nothing of it is kept


class WebhookChannel:
    """One receiver. A notice is accepted with any status of 2xx; redirects are not followed."""

    parallel = 8

    def __init__(self, session: aiohttp.ClientSession, url: URL, signers: Sequence[Webhook]) -> None:
        self._session = session
        self._url = url
        self._signers = signers

    async def send(self, notice: Notice) -> Verdict:
        """POST it, signed with each of the secrets and the time of this try."""
        body, now = notice.body(), current().now()
        text = body.decode()
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": notice.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(notice.id, now, text) for signer in self._signers),
        }
        try:
            async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                with suppress(aiohttp.ClientError, TimeoutError):
                    await response.content.read(_ANSWER_LIMIT)
                return _verdict(response)
        except TimeoutError:
            return Verdict("it gave no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Verdict(_fault(error))


def _verdict(response: aiohttp.ClientResponse) -> Verdict:
    status = response.status
    if 200 <= status < 300:
        return ACCEPTED
    words = f"it answered {status}"
    if 300 <= status < 400:
        words += "; redirects are not followed: correct its address"
    pause_s = retry_after(response.headers.get("Retry-After"), now=current().now())
    return Verdict(words, pause_s=pause_s, is_gone=status == _GONE, of_notice=status in _OF_NOTICE)


def _fault(error: Exception) -> str:
    """Why it could not be reached, without its address: that may hold a secret."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, NotPublicError):
        return str(cause)
    return f"it cannot be reached: {getattr(cause, 'strerror', None) or type(error).__name__}"


def webhook_session(
    *, allow_private: bool, timeout_s: float, agent: str, trusted: ssl.SSLContext | None
) -> aiohttp.ClientSession:
    """A session for webhooks alone: no cookies are kept, and only public addresses connected to, unless private ones are allowed.

    Proxies of the environment are for those that are allowed private addresses: where a proxy connects, only it sees to what.
    """
    connector = aiohttp.TCPConnector(ssl=trusted or True, socket_factory=None if allow_private else public_socket)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": agent},
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        auto_decompress=False,
        trust_env=allow_private,
    )


def webhook_url(address: str | None, *, allow_private: bool) -> URL:
    """The address. Raises: SettingsError for one that no webhook goes to; what is secret in it is not repeated."""
    try:
        url = URL(address or "")
    except ValueError:
        raise SettingsError("the address of the webhook is no URL") from None
    if url.scheme != "https" and not (allow_private and url.scheme == "http"):
        raise SettingsError("the address of the webhook must start with https://")
    if not url.host or url.user is not None or url.password is not None or url.fragment:
        raise SettingsError("the address of the webhook needs a host, and may have neither user nor fragment")
    return url


def signers_of(name: str, secrets: Sequence[str]) -> list[Webhook]:
    """What signs with these secrets. Raises: SettingsError, naming where the secret stands."""
    return [Webhook(_key(name, secret)) for secret in secrets]


def _key(name: str, secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < _LEAST_SECRET:
        raise SettingsError(
            f"FMCSA_DELIVERY_SECRETS: a secret of `{name}` cannot sign webhooks: it must be whsec_ and then at least "
            f"{_LEAST_SECRET} bytes in base64"
        )
    return key
