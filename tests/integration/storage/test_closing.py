"""A client is closed in bounded time, though MongoDB does not say good-bye."""

import asyncio

import pytest

from fmcsa_orchestrator.storage.mongodb import driver
from tests.support import wire_proxy as wire
from tests.support.passing_time import PATIENCE_S


@pytest.mark.parametrize("name", ["motor", "pymongo"])
async def test_a_server_that_does_not_answer_holds_nobody_up(wire_uri, name, monkeypatch):
    monkeypatch.setattr(driver, "CLOSE_S", 0.05, raising=False)
    async with wire.WireProxy(wire_uri) as proxy:
        client = driver.connect(proxy.uri, name)
        await client["closing"]["x"].find_one({})  # a session is there, of which the server is told at the end
        proxy.fault = wire.stalled(when=lambda command: wire.name_of(command) == "endSessions")
        async with asyncio.timeout(PATIENCE_S / 4):
            await driver.close_client(client)
        assert "endSessions" in proxy.commands
        before = len(proxy.commands)
        with pytest.raises(Exception, match="after close"):
            await client["closing"]["x"].find_one({})
        assert len(proxy.commands) == before
