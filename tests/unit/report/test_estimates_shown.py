"""Our estimates on the page: beside the reason why FMCSA shows no percentile, and never without saying whose they are."""

import pytest

from fmcsa_orchestrator.report.html.page import page
from fmcsa_orchestrator.report.overview import make_overview
from tests.support.status_samples import NOW, SOURCES, company, with_safety


def test_an_estimate_stands_beside_the_reason_and_is_called_ours():
    text = page(make_overview([with_safety(company(1))], SOURCES, NOW, 48))
    assert "<i>not public</i>; our estimate 57 ±4" in text
    assert text.count("our estimate") == 1  # not where one is published, nor where there is none
    assert "that is ours, not FMCSA&#39;s" in text


@pytest.mark.parametrize("odd", [None, 5, {"percentile": "57"}, {"percentile": True}, {"percentile": float("nan")}])
def test_an_estimate_that_is_none_is_not_shown(odd):
    document = with_safety(company(1))
    document["fmcsaData"]["csa"]["vehicleMaintenance"]["estimate"] = odd
    assert "our estimate" not in page(make_overview([document], SOURCES, NOW, 48))
    document["fmcsaData"]["csa"]["vehicleMaintenance"]["estimate"] = {"percentile": 57, "error": odd}
    assert "our estimate 57, error unknown" in page(make_overview([document], SOURCES, NOW, 48))
