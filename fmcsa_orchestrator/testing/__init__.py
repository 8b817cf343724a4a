"""For tests of host apps and of sources: the double of FMCSA's servers, servers that fail on demand, fakes, a store, the kit.

Nothing here needs pytest but `SourceContract`, and nothing the extra `demo` but `EmbeddedStore`.
"""

from typing import TYPE_CHECKING, Any

from fmcsa_orchestrator.testing.contract.faults import FAULTS
from fmcsa_orchestrator.testing.contract.world import World
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from fmcsa_orchestrator.testing.fmcsa.fleet import DATASETS, TITLES, Carrier, Fleet
from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa
from fmcsa_orchestrator.testing.fmcsa.ranking import Ranking
from fmcsa_orchestrator.testing.server.base import RequestRecord
from fmcsa_orchestrator.testing.server.faults import Answer, Fault
from fmcsa_orchestrator.testing.server.injection import Injection
from fmcsa_orchestrator.testing.server.local_upstream import LocalUpstream

if TYPE_CHECKING:
    from fmcsa_orchestrator.testing.contract.suite import SourceContract

__all__ = [
    "DATASETS",
    "FAULTS",
    "TITLES",
    "Answer",
    "Carrier",
    "EmbeddedStore",
    "FakeSource",
    "Fault",
    "Fleet",
    "InMemoryRepository",
    "Injection",
    "LocalFmcsa",
    "LocalUpstream",
    "Ranking",
    "RequestRecord",
    "SourceContract",
    "World",
]


def __getattr__(name: str) -> Any:
    """The kit, where it is asked for: it alone needs pytest."""
    if name == "SourceContract":
        from fmcsa_orchestrator.testing.contract.suite import SourceContract  # noqa: PLC0415  # only where it is wanted

        return SourceContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
