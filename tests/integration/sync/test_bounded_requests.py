"""However an upstream fails for everybody, the requests for 200 companies are few, and are these."""

import pytest
from pydantic import SecretStr

from fmcsa_orchestrator import open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.testing import Fault, Fleet, InMemoryRepository, LocalFmcsa

pytestmark = pytest.mark.usefixtures("no_pauses")

COMPANIES = 200
VERSIONS = 6  # one for each file
GOOD = VERSIONS + 8  # the files, and the counts of two that so many rows were read from that they might have been cut off


async def synced(fault, *, kind="resource", dataset=None, token=None, web_key=None, **settings):
    """What one run says, and the requests of this kind that it takes."""
    fleet = Fleet.uniform(COMPANIES, violations=6, inspections=6)
    repository = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
    async with LocalFmcsa(fleet, app_token=token) as upstream:
        if fault is not None:
            upstream.inject(fault, kind=kind, dataset=dataset)
        secrets = {"qcmobile_web_key": web_key and SecretStr(upstream.web_key), "soda_app_token": token and SecretStr(token)}
        wanted = demo_settings(upstream).model_copy(update={"batch_size": COMPANIES, **secrets, **settings})
        async with open_orchestrator(wanted, repository=repository) as orchestrator:
            summary = await orchestrator.sync_all_companies()
        return summary, upstream.count(kind)


def kinds(summary):
    return {failure.kind for entry in summary.errors for failure in entry["errors"]}


async def test_the_good_case():
    summary, asked = await synced(None)
    assert (summary.success, asked, summary.requests) == (True, GOOD - VERSIONS, GOOD)


TRIES = 4  # of a request that may work the next time
HALVES = 3  # calls after which an upstream is seen to fail for everybody: all companies, and both halves of them
QUARTERS = 7  # the same where it might be a company's fault


@pytest.mark.parametrize(
    ("fault", "kind", "asked"),
    [
        (Fault.blocked(), "blocked", 3 * 1),
        (Fault.closed(), "rejected", 3 * 1),
        (Fault.status(404), "rejected", 3 * HALVES),
        (Fault.moved(), "rejected", 3 * HALVES),
        (Fault.status(400), "rejected", 3 * QUARTERS),
        (Fault.status(408), "upstream_unavailable", 3 * HALVES * TRIES),
        (Fault.status(500), "upstream_unavailable", 3 * HALVES * TRIES),
        (Fault.html(), "upstream_unavailable", 3 * HALVES * TRIES),
        (Fault.truncated(), "malformed", 3 * HALVES * TRIES),
        (Fault.garbled(), "malformed", 3 * HALVES * TRIES),
        (Fault.empty_body(), "malformed", 3 * HALVES * TRIES),
        (Fault.not_an_array(), "malformed", 3 * QUARTERS),
        (Fault.json({"error": True}), "malformed", 3 * QUARTERS),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else None,
)
async def test_whatever_the_portal_answers_the_requests_are_bounded(fault, kind, asked):
    """Three sources, of which each asks its first file."""
    summary, requests = await synced(fault)
    assert (summary.failed, kinds(summary), requests) == (COMPANIES, {kind}, asked)


@pytest.mark.parametrize(("fault", "kind"), [(Fault.used_up(), "rate_limited"), (Fault.status(429), "rate_limited")])
async def test_who_asks_too_often_asks_no_more_than_is_tried_for_one_batch(fault, kind):
    summary, requests = await synced(fault)
    assert (kinds(summary), summary.failed) == ({kind}, COMPANIES)
    assert requests <= 3 * TRIES


async def test_a_token_that_is_refused_is_told_as_such():
    summary, _ = await synced(Fault.used_up(), token="t0ken")
    assert kinds(summary) == {"auth"}
    assert "FMCSA_SODA_APP_TOKEN" in summary.errors[0]["errors"][0].error


async def test_a_dataset_that_is_closed_is_named():
    summary, _ = await synced(Fault.closed(), dataset="8mt8-2mdr")
    assert {failure.source for entry in summary.errors for failure in entry["errors"]} == {"violations"}
    assert "SMS Input - Violation (8mt8-2mdr): soda answered 403" in summary.errors[0]["errors"][0].error


async def test_qcmobile_behind_a_firewall_is_asked_once():
    summary, requests = await synced(Fault.blocked(), kind="qcmobile", web_key=True)
    assert (kinds(summary), requests) == ({"blocked"}, 1)
    told = [entry for entry in summary.errors if entry["companyId"] is None]
    assert [f"not asked for {COMPANIES - 1} times" in failure.error for entry in told for failure in entry["errors"]] == [True]


@pytest.mark.parametrize("cap", [1_000, 100])
async def test_pages_that_are_cut_short_lose_no_row_and_end_none(cap):
    summary, _ = await synced(Fault.capped(cap))
    assert (summary.success, summary.rows_written) == (True, COMPANIES * 12)


async def test_one_company_that_the_portal_chokes_on_costs_its_own_data_only():
    fleet = Fleet.uniform(COMPANIES, violations=1, inspections=1)
    repository = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
    async with LocalFmcsa(fleet) as upstream:
        for usdot in (fleet.usdots[3], fleet.usdots[150]):
            upstream.inject(Fault.status(400), dataset="8mt8-2mdr", kind="resource", usdot=usdot)
        wanted = demo_settings(upstream).model_copy(update={"batch_size": COMPANIES, "qcmobile_web_key": None})
        async with open_orchestrator(wanted, repository=repository) as orchestrator:
            summary = await orchestrator.sync_all_companies()
        assert (summary.failed, summary.succeeded) == (2, COMPANIES - 2)
        assert upstream.count("resource", "8mt8-2mdr") <= 32
