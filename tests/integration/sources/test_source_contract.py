"""Our own sources under the contract that we ask of everybody's."""

import asyncio
from contextlib import asynccontextmanager
from typing import ClassVar

import aiohttp

from fmcsa_orchestrator import Company, CsaSource, InspectionsSource, UsdotNumber, ViolationsSource
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

    def breakable(self, upstream):
        return upstream

    @asynccontextmanager
    async def world(self):
        fleet = Fleet(CARRIERS)
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


class TestViolations(OwnSource):
    dataset = "8mt8-2mdr"
    columns: ClassVar = {"insp_date": "99-XXX-99", "severity_weight": "many", "oos_indicator": "perhaps", "viol_code": {"a": 1}}

    def make(self, portal, mobile):
        return ViolationsSource(portal)


class TestInspections(OwnSource):
    dataset = "rbkj-cgst"
    columns: ClassVar = {"insp_date": 7, "driver_oos_total": "-1", "unsafe_insp": "perhaps", "vin": ["x"]}

    def make(self, portal, mobile):
        return InspectionsSource(portal)


class TestCsaScores(OwnSource):
    columns: ClassVar = {
        "insp_total": "many",
        "unsafe_driv_measure": "-0.5",
        "hos_driv_ac": "perhaps",
        "driv_fit_insp_w_viol": 1.5,
    }

    def make(self, portal, mobile):
        return CsaSource(portal)


class MobileFails:
    """Both upstreams, of which QCMobile alone fails, unless the fault is one that only the portal can have."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.clear_faults = upstream.clear_faults

    def inject(self, fault, *, after=0):
        return self.upstream.inject(fault, kind="qcmobile" if "qcmobile" in fault.kinds else None, after=after)


class TestCsaScoresWithKey(TestCsaScores):
    def make(self, portal, mobile):
        return CsaSource(portal, mobile)

    def breakable(self, upstream):
        return MobileFails(upstream)
