"""One contract for leases, on every store: who gets one, who loses it, and what becomes of their writes."""

import asyncio

import pytest

from fmcsa_orchestrator import (
    CompanyUpdate,
    LeaseHeldError,
    LeaseLostError,
    SourceReport,
)
from fmcsa_orchestrator.model.status import LEASE, STATUS
from fmcsa_orchestrator.storage.leases import Lease
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.leases import TTL_S, force, orchestrator


@pytest.fixture
async def backend(backend):
    await backend.add({"_id": 1, "name": "One", "dotNumber": 101}, {"_id": 2, "name": "Two", "dotNumber": 102})
    return backend


async def test_one_at_a_time_and_the_holder_is_named(backend):
    leases = backend.repository.run_leases
    first = await leases.acquire("job", "host-a:1:x", TTL_S)
    with pytest.raises(LeaseHeldError, match="host-a:1:x, since 20") as raised:
        await leases.acquire("job", "host-b:2:y", TTL_S)
    assert (raised.value.owner, raised.value.since is not None) == ("host-a:1:x", True)
    await leases.release([Lease("job", "host-b:2:y", 1)])  # not theirs to give back
    with pytest.raises(LeaseHeldError):
        await leases.acquire("job", "host-b:2:y", TTL_S)
    await leases.release([first])
    second = await leases.acquire("job", "host-b:2:y", TTL_S)
    assert second.token > first.token


async def test_a_heartbeat_holds_a_lease_and_fails_for_one_who_was_overtaken(backend):
    leases = backend.repository.run_leases
    first = await leases.acquire("job", "a", 0)  # runs out at once
    second = await leases.acquire("job", "b", TTL_S)
    assert list(await leases.renew([second], TTL_S)) == ["job"]
    assert list(await leases.renew([first], TTL_S)) == []
    await leases.release([first])
    assert list(await leases.renew([second], TTL_S)) == ["job"]


async def test_of_those_who_read_the_same_document_one_gets_the_lease(backend):
    leases = backend.repository.company_leases
    document = await backend.company(1)
    answers = await asyncio.gather(*(leases.take([document], f"owner-{n}", TTL_S) for n in range(8)))
    assert sorted(type(answer).__name__ for (answer,) in answers) == ["Lease"] + ["LeaseHeldError"] * 7


async def test_a_lease_that_was_renewed_since_the_document_was_read_is_not_taken_over(backend):
    leases = backend.repository.company_leases
    (slow,) = await leases.take([await backend.company(1)], "slow", 0)
    document = await backend.company(1)
    assert list(await leases.renew([slow], TTL_S)) == [1]
    (refusal,) = await leases.take([document], "quick", TTL_S)
    assert isinstance(refusal, LeaseHeldError)
    assert list(await leases.renew([slow], TTL_S)) == [1]


async def test_a_write_with_an_old_token_is_refused(backend):
    leases = backend.repository.company_leases
    (slow,) = await leases.take([await backend.company(1)], "slow", 0)
    await leases.take([await backend.company(1)], "quick", TTL_S)
    update = CompanyUpdate(1, {f"{STATUS}.success": True}, slow.token)
    refused = await backend.repository.save([update])
    assert [type(error) for error in refused.values()] == [LeaseLostError]
    assert "success" not in (await backend.company(1))["fmcsaData"]["syncStatus"]
    others = [update, CompanyUpdate(2, {f"{STATUS}.success": True})]
    refused = await backend.repository.save(others)
    assert {index: type(error) for index, error in refused.items()} == {0: LeaseLostError}
    assert (await backend.company(2))["fmcsaData"]["syncStatus"]["success"] is True


@pytest.mark.parametrize("token", [{"$gt": 0}, "7", 1.5, True])
async def test_a_token_that_is_no_number_makes_way_for_one_and_never_says_what_a_query_asks(backend, token):
    await force(backend, 1, {f"{LEASE}token": token})
    document = await backend.company(1)
    (lease,) = await backend.repository.company_leases.take([document], "a", TTL_S)
    assert (type(lease.token), lease.token == token) == (int, False)
    (refusal,) = await backend.repository.company_leases.take([document], "b", TTL_S)
    assert isinstance(refusal, LeaseHeldError)
    await backend.repository.company_leases.release([lease])
    assert (await orchestrator(backend, FakeSource("s", lambda _: SourceReport())).sync_company(1)).success
