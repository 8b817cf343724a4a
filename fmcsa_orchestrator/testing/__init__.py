"""Doubles for tests and for trying things out: local upstreams that behave like real ones, and fail on demand."""

from fmcsa_orchestrator.testing.faults import Answer, Fault, Injection
from fmcsa_orchestrator.testing.fleet import DATASETS, TITLES, Carrier, Fleet
from fmcsa_orchestrator.testing.local_upstream import LocalUpstream
from fmcsa_orchestrator.testing.server import RequestRecord
from fmcsa_orchestrator.testing.upstream import Upstream

__all__ = [
    "DATASETS",
    "TITLES",
    "Answer",
    "Carrier",
    "Fault",
    "Fleet",
    "Injection",
    "LocalUpstream",
    "RequestRecord",
    "Upstream",
]
