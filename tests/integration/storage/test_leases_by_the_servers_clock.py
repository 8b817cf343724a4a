"""Leases go by the server's clock, whatever this host's says."""

from datetime import UTC, datetime, timedelta

import pytest

from fmcsa_orchestrator import LeaseHeldError
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.status import LEASE
from tests.support.backends import WIRES, open_backend


@pytest.mark.parametrize("kind", ["memory", *WIRES])
@pytest.mark.parametrize("jump", [timedelta(hours=-5), timedelta(hours=5)], ids=str)
async def test_leases_go_by_the_servers_clock(wall, wire_uri, kind, jump):
    async with open_backend(kind, wire_uri) as backend:
        await backend.add({"_id": 0, "name": "C0", "dotNumber": 1})
        if backend.database is not None:
            assert "localTime" in await backend.database.command("hello")
        leases = backend.repository.company_leases
        (lease,) = await leases.take([await backend.company(0)], "here", 30)
        wall.off = jump
        expires_at = dig(await backend.company(0), f"{LEASE}expiresAt")
        assert timedelta(seconds=20) < expires_at - datetime.now(UTC) <= timedelta(seconds=31)
        (refusal,) = await leases.take([await backend.company(0)], "elsewhere", 30)
        assert isinstance(refusal, LeaseHeldError)
        assert list(await leases.renew([lease], -1)) == [0]
        (gone,) = await leases.take([await backend.company(0)], "elsewhere", 30)
        assert gone.token == lease.token + 1
