"""A world for our own sources under the contract that we ask of everybody's."""

import asyncio
from contextlib import asynccontextmanager
from typing import ClassVar

import aiohttp

from fmcsa_orchestrator import Company, UsdotNumber
from fmcsa_orchestrator.clients import qcmobile, soda
from fmcsa_orchestrator.clients.http import Upstream
from fmcsa_orchestrator.clients.pacing import strict_limiter
from fmcsa_orchestrator.testing import Carrier, Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.contract.suite import SourceContract, World

TOKEN, WEB_KEY = "app-token-7f3a91", "web-key-c0ffee"
KNOWN, LARGE, UNKNOWN = 1021580, 2034567, 99_999_999
CARRIERS = (
    Carrier(KNOWN, "Cedar Freight 7 LLC", "small", False, "AB", inspections=4, violations=6),
    Carrier(LARGE, "Mesa Coaches 9 Inc.", "large", True, "AB", inspections=120, violations=170),
)
PAGE_SIZE = 50


def company(usdot):
    return Company(id=f"company-{usdot}", usdot=UsdotNumber(usdot))


def client(session, url, name, **options):
    """Two tries, and pauses that take no time."""
    time = [0.0]

    async def no_sleep(seconds):
        time[0] += seconds
        await asyncio.sleep(0)

    options = {"limiter": strict_limiter(10_000), "tries": 2, "secrets": (TOKEN, WEB_KEY), **options}
    return Upstream(session, url, name=name, sleep=no_sleep, clock=lambda: time[0], **options)


class OwnSource(SourceContract):
    """A world around a source of ours, on the double of the portal and of QCMobile."""

    dataset: ClassVar[str | None] = None
    columns: ClassVar[dict[str, object]]

    def make(self, portal, mobile):
        raise NotImplementedError

    def prepare(self, fleet):
        """What has to happen upstream for the known carriers to have rows."""

    def breakable(self, upstream):
        return upstream

    @asynccontextmanager
    async def world(self):
        fleet = Fleet(CARRIERS)
        self.prepare(fleet)
        async with (
            LocalFmcsa(fleet, app_token=TOKEN, web_key=WEB_KEY) as upstream,
            aiohttp.ClientSession() as session,
        ):
            headers = soda.app_token_header(TOKEN)
            portal = client(session, upstream.soda_url, "soda", headers=headers, meaning=soda.portal_meaning(has_token=True))
            mobile = client(session, upstream.qcmobile_url, "qcmobile", meaning=qcmobile.web_key_meaning)
            yield World(
                source=self.make(soda.SodaClient(portal, page_size=PAGE_SIZE), qcmobile.QcMobileClient(mobile, WEB_KEY)),
                known=company(KNOWN),
                unknown=company(UNKNOWN),
                upstream=self.breakable(upstream),
                large=company(LARGE) if self.dataset else None,
                large_rows=fleet.count(self.dataset, LARGE) if self.dataset else 0,
                columns=self.columns,
                secrets=(TOKEN, WEB_KEY),
            )
