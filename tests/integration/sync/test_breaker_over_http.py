"""The breaker against an upstream over HTTP: one message for a bad key, and one of two ways of asking closed."""

from pydantic import SecretStr

from fmcsa_orchestrator.sync.guard.circuit_breaker import FAILURES_IN_A_ROW
from fmcsa_orchestrator.testing import Fault
from tests.support.world import VIOLATIONS, open_world, status_of


async def test_a_bad_web_key_is_one_message_and_the_files_are_still_read(no_pauses):
    async with open_world("memory", "", qcmobile_web_key=SecretStr("wrong")) as world:
        summary = await world.orchestrator.sync_all_companies()
        assert world.upstream.count(kind="qcmobile") == 1
        assert (summary.failed, summary.outcomes["violations"].keys() & {"failed", "unavailable"}) == (40, set())
        told = [failure for entry in summary.errors if entry["companyId"] is None for failure in entry["errors"]]
        assert [(failure.source, failure.kind) for failure in told] == [("csa_scores", "auth")]
        assert len(summary.errors) == 2  # that one, and the company that met it
        large = await world.company("large")
        assert status_of(large)["sources"]["csa_scores"]["outcome"] == "unavailable"
        assert large["smsBasics"]["vehicleMaintenanceMeasure"] is not None
        assert "wrong" not in str(status_of(large)).replace("wrongly", "")


async def test_qcmobile_down_opens_its_own_breaker_only(no_pauses):
    async with open_world("memory", "", qcmobile_web_key=SecretStr("nobody")) as world:
        world.upstream.inject(Fault.status(503), kind="qcmobile")
        summary = await world.orchestrator.sync_all_companies()
        assert world.upstream.count(kind="qcmobile") == FAILURES_IN_A_ROW * 4  # each with its retries
        assert set(summary.outcomes["csa_scores"]) == {"failed", "unavailable"}
        assert await world.current(VIOLATIONS) == world.upstream_rows(VIOLATIONS)
