"""Our own sources under the contract that we ask of everybody's; those beside SMS's are in files of their own."""

from typing import ClassVar

from fmcsa_orchestrator import CsaSource, InspectionsSource, ViolationsSource
from tests.support.own_source import OwnSource


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


class TestCsaScoresWithEstimates(TestCsaScores):
    def make(self, portal, mobile):
        return CsaSource(portal, estimates="fmcsaEstimates")


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
