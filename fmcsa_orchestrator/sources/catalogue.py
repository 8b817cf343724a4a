"""The one list of built-in sources, in the order in which they run."""

from fmcsa_orchestrator.clients.qcmobile import QcMobileClient
from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sources.base import Source
from fmcsa_orchestrator.sources.csa import CsaSource
from fmcsa_orchestrator.sources.inspections import InspectionsSource
from fmcsa_orchestrator.sources.violations import ViolationsSource

SOURCE_NAMES = (CsaSource.name, ViolationsSource.name, InspectionsSource.name)


def default_sources(soda: SodaClient, qcmobile: QcMobileClient | None, settings: Settings) -> list[Source]:
    """CSA scores, violations and inspections, as the settings have them."""
    size = settings.batch_size
    return [
        CsaSource(soda, qcmobile, batch_size=size),
        ViolationsSource(soda, collection=settings.violations_collection, batch_size=size),
        InspectionsSource(soda, collection=settings.inspections_collection, batch_size=size),
    ]
