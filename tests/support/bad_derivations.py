"""More bad sources: what they derive is at fault."""

from fmcsa_orchestrator import Derived
from tests.support.bad_sources import BAD, caught_by
from tests.support.driver_source import DriverSource

__all__ = ["BAD"]


@caught_by("derives_from_any_document", saying="ended in TypeError")
class ExpectsWhatItStored(DriverSource):
    def derive(self, company):
        return Derived({"drivers.enough": company.document.get("drivers", {"total": 0})["total"] > 2})


@caught_by("derives_from_any_document", saying="ended in ValueError.*which it does not declare")
class DerivesWhatItReports(DriverSource):
    def derive(self, company):
        return Derived({"drivers.total": 0})


@caught_by("derives_from_any_document", saying="then Derived")
class DerivesByChance(DriverSource):
    calls = 0

    def derive(self, company):
        self.calls += 1
        return Derived({"drivers.enough": self.calls})


@caught_by("derives_from_any_document", saying="which MongoDB does not take")
class DerivesASet(DriverSource):
    def derive(self, company):
        return Derived({"drivers.enough": {1, 2}})
