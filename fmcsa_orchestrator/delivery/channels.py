"""From a subscriber's document to the way to it: looks up secrets, checks addresses."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fmcsa_orchestrator.clients.http import user_agent
from fmcsa_orchestrator.delivery.apprise_address import AppriseChannel, apprise_service
from fmcsa_orchestrator.delivery.channel import CallableChannel, Channel, OnNotice
from fmcsa_orchestrator.delivery.webhook import WebhookChannel, signers_of, webhook_session, webhook_url
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.subscriber import Subscriber, SubscriberKind

Way = Callable[[Subscriber], Awaitable[Channel | None]]


@dataclass(frozen=True, slots=True)
class Channels:
    """Makes the ways to subscribers.

    Attributes:
        secrets: by name, each one or several: of a webhook to sign with, of apprise to send to.
        allow_private: whether webhooks may go to addresses that are not public, and to http.
        timeout_s: seconds for one notice.
        contact: an address of the host's, told to receivers in `User-Agent`.
        trusted: certificates to trust, in place of the system's.
    """

    secrets: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    allow_private: bool = False
    timeout_s: float = 30
    contact: str | None = None
    trusted: ssl.SSLContext | None = None

    @asynccontextmanager
    async def opened(self, callables: Mapping[str, OnNotice]) -> AsyncIterator[Way]:
        """Gives a subscriber's channel; None where it is a callable that this process has not.

        What it gives raises: SettingsError for a subscriber that nothing can be sent to.
        """
        agent = user_agent(self.contact)
        async with webhook_session(
            allow_private=self.allow_private, timeout_s=self.timeout_s, agent=agent, trusted=self.trusted
        ) as session:

            async def channel(subscriber: Subscriber) -> Channel | None:
                if subscriber.kind is SubscriberKind.CALLABLE:
                    function = callables.get(subscriber.address or subscriber.name)
                    secrets = [secret for values in self.secrets.values() for secret in values]
                    return function and CallableChannel(function, self.timeout_s, secrets)
                name, secrets = self._named(subscriber)
                if subscriber.kind is SubscriberKind.APPRISE:
                    return AppriseChannel(await asyncio.to_thread(apprise_service, name, secrets), self.timeout_s)
                url = webhook_url(subscriber.address, allow_private=self.allow_private)
                return WebhookChannel(session, url, signers_of(name, secrets))

            yield channel

    def _named(self, subscriber: Subscriber) -> tuple[str, list[str]]:
        name = subscriber.secret or ""
        if not (found := self.secrets.get(name)):
            raise SettingsError(f"FMCSA_DELIVERY_SECRETS has nothing of the name `{name}`")
        return name, list(found)
