"""Doubles for tests and for trying things out: a local upstream that behaves like the real one, and fails on demand."""

from fmcsa_orchestrator.testing.faults import Fault, Injection
from fmcsa_orchestrator.testing.fleet import DATASETS, TITLES, Carrier, Fleet
from fmcsa_orchestrator.testing.upstream import RequestRecord, Upstream

__all__ = ["DATASETS", "TITLES", "Carrier", "Fault", "Fleet", "Injection", "RequestRecord", "Upstream"]
