"""The proxies that most company networks have: asked as the environment says, shown without their password."""

import json

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from fmcsa_orchestrator import Settings, SettingsError, open_orchestrator
from fmcsa_orchestrator.testing import Fleet, InMemoryRepository, LocalFmcsa
from tests.support.programs import command

pytestmark = pytest.mark.usefixtures("no_pauses")

PORTAL = "http://portal.test"


@pytest.fixture
async def proxied():
    """A proxy before the double, which it takes for the portal; what it was asked."""
    asked = []
    fleet = Fleet.uniform(2)

    async with LocalFmcsa(fleet) as upstream, aiohttp.ClientSession(auto_decompress=False) as session:

        async def handle(request):
            asked.append(request.url.host)
            async with session.get(f"{upstream.soda_url}{request.raw_path.removeprefix(PORTAL)}") as answer:
                return web.Response(status=answer.status, body=await answer.read(), headers=answer.headers)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        server = TestServer(app)
        await server.start_server()
        repository = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
        yield str(server.make_url("/")), asked, repository
        await server.close()


def settings(**more):
    return Settings(soda_base_url=PORTAL, soda_requests_per_second=1_000, **more)


async def test_upstreams_are_asked_through_the_proxy_of_the_environment(proxied, monkeypatch):
    address, asked, repository = proxied
    monkeypatch.setenv("HTTP_PROXY", address)
    monkeypatch.setenv("http_proxy", address)
    async with open_orchestrator(settings(), repository=repository) as orchestrator:
        assert (await orchestrator.sync_all_companies()).success
    assert set(asked) == {"portal.test"}
    assert len(asked) == 12


async def test_hosts_that_need_no_proxy_are_asked_directly(proxied, monkeypatch):
    address, asked, repository = proxied
    for name, value in (("HTTP_PROXY", address), ("http_proxy", address), ("NO_PROXY", ".test"), ("no_proxy", ".test")):
        monkeypatch.setenv(name, value)
    async with open_orchestrator(settings(company_timeout_s=1), repository=repository) as orchestrator:
        assert not (await orchestrator.sync_all_companies()).success
    assert asked == []


async def test_an_upstream_on_this_machine_is_never_asked_through_one(monkeypatch):
    fleet = Fleet.uniform(1)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with LocalFmcsa(fleet) as upstream:
        local = Settings(soda_base_url=upstream.soda_url, qcmobile_base_url=upstream.qcmobile_url, soda_requests_per_second=1_000)
        repository = InMemoryRepository([{"_id": 1, "dotNumber": fleet.usdots[0]}])
        async with open_orchestrator(local, repository=repository) as orchestrator:
            assert (await orchestrator.sync_all_companies()).success


async def test_doctor_shows_the_proxy_without_its_password_and_which_keys_are_set(environment):
    proxy = {"HTTPS_PROXY": "http://somebody:s3cret@proxy.test:3128", "https_proxy": "http://somebody:s3cret@proxy.test:3128"}
    _, out, _ = await command("doctor", "--json", **environment, **proxy, FMCSA_SODA_APP_TOKEN="t0ken")
    (said,) = [finding["text"] for finding in json.loads(out) if finding["what"] == "settings"]
    assert "https goes through the proxy http://proxy.test:3128" in said
    assert ("FMCSA_SODA_APP_TOKEN is set" in said, "FMCSA_CONTACT is not set" in said) == (True, True)
    assert "s3cret" not in out
    assert "t0ken" not in out


@pytest.mark.parametrize("content", [None, "no certificates"])
async def test_a_bundle_that_cannot_be_read_is_told_by_its_variable(tmp_path, content):
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(SettingsError, match="FMCSA_CA_BUNDLE: .*; name a file of certificates"):
        async with open_orchestrator(settings(ca_bundle=str(bundle)), repository=InMemoryRepository()):
            pass
