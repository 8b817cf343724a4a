"""The one list of built-in sources, in the order in which they run."""

from collections.abc import Callable

from fmcsa_orchestrator.clients.qcmobile import QcMobileClient
from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sources.authority import AuthoritySource
from fmcsa_orchestrator.sources.base import Source
from fmcsa_orchestrator.sources.crashes import CrashesSource
from fmcsa_orchestrator.sources.csa import CsaSource
from fmcsa_orchestrator.sources.inspections import InspectionsSource
from fmcsa_orchestrator.sources.insurance import InsuranceSource
from fmcsa_orchestrator.sources.out_of_service_orders import OutOfServiceOrdersSource
from fmcsa_orchestrator.sources.registration import RegistrationSource
from fmcsa_orchestrator.sources.roadside import RoadsideSource
from fmcsa_orchestrator.sources.violations import ViolationsSource

Make = Callable[[SodaClient, QcMobileClient | None, Settings], Source]

BUILT_IN: dict[str, Make] = {
    CsaSource.name: lambda soda, qcmobile, settings: CsaSource(
        soda,
        qcmobile,
        batch_size=settings.batch_size,
        estimates=settings.estimates_collection if settings.estimates else None,
    ),
    ViolationsSource.name: lambda soda, _, settings: ViolationsSource(
        soda, collection=settings.violations_collection, batch_size=settings.batch_size
    ),
    InspectionsSource.name: lambda soda, _, settings: InspectionsSource(
        soda, collection=settings.inspections_collection, batch_size=settings.batch_size
    ),
    RegistrationSource.name: lambda soda, _, settings: RegistrationSource(
        soda, personal_fields=settings.personal_fields, batch_size=settings.batch_size
    ),
    CrashesSource.name: lambda soda, _, settings: CrashesSource(soda, batch_size=settings.batch_size),
    OutOfServiceOrdersSource.name: lambda soda, _, settings: OutOfServiceOrdersSource(soda, batch_size=settings.batch_size),
    AuthoritySource.name: lambda soda, _, settings: AuthoritySource(soda, batch_size=settings.batch_size),
    InsuranceSource.name: lambda soda, _, settings: InsuranceSource(soda, batch_size=settings.batch_size),
    RoadsideSource.name: lambda soda, _, settings: RoadsideSource(soda, batch_size=settings.batch_size),
}
NOT_BY_DEFAULT = frozenset({RoadsideSource.name})  # those that have to be asked for


def chosen_sources(settings: Settings) -> list[str]:
    """The built-in sources that the settings ask for, in the order in which they run.

    Raises: SettingsError for a name that is no built-in source's.
    """
    if settings.sources is None:
        return [name for name in BUILT_IN if name not in NOT_BY_DEFAULT]
    if unknown := sorted(set(settings.sources) - BUILT_IN.keys()):
        raise SettingsError(f"FMCSA_SOURCES names {', '.join(unknown)}: there are only {', '.join(BUILT_IN)}")
    return [name for name in BUILT_IN if name in settings.sources]


def default_sources(soda: SodaClient, qcmobile: QcMobileClient | None, settings: Settings) -> list[Source]:
    """The built-in sources, as the settings have them. Raises: SettingsError."""
    return [BUILT_IN[name](soda, qcmobile, settings) for name in chosen_sources(settings)]
