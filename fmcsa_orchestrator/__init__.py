"""Keeps the FMCSA safety data of your customer companies fresh in MongoDB. See README.md."""

from fmcsa_orchestrator.api import close, health, prepare, stop, sync_all_companies, sync_company
from fmcsa_orchestrator.clients.http import Refusal, Reply, Upstream, read_json
from fmcsa_orchestrator.delivery.channel import OnNotice
from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.delivery.notice import Notice
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange, RowChange, Severity
from fmcsa_orchestrator.model.company import Company, Derived, Document, Finding, OddRow, SourceReport
from fmcsa_orchestrator.model.deliveries import Delivered, DeliverySummary
from fmcsa_orchestrator.model.errors import (
    AuthError,
    BlockedError,
    CompanyNotFoundError,
    CompanyWriteError,
    DatasetClosedError,
    FmcsaError,
    ImplausibleEmptyError,
    InvalidUsdotError,
    LeaseHeldError,
    LeaseLostError,
    MaintenanceError,
    MalformedPayloadError,
    RateLimitedError,
    RepositoryError,
    RequestRejectedError,
    SchemaDriftError,
    SettingsError,
    SourceError,
    SourceTimeoutError,
    SourceUnavailableError,
    StaleUpstreamError,
    TruncatedPayloadError,
)
from fmcsa_orchestrator.model.events import (
    CompanyStarted,
    CompanySynced,
    Event,
    EventsDelivered,
    OnEvent,
    Reading,
    RequestSent,
    RunFinished,
    RunStarted,
    Waiting,
    WindowFetched,
)
from fmcsa_orchestrator.model.fmcsa import Basic, UsdotNumber
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.model.results import (
    CompanySyncResult,
    Outcome,
    Part,
    SourceFailure,
    SourceOutcome,
    StopReason,
    SyncSummary,
)
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.model.subscriber import Subscriber
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sources.authority import AuthoritySource
from fmcsa_orchestrator.sources.base import BaseSource, BatchSource, CheckedSource, CompletingSource, EstimatingSource, Source
from fmcsa_orchestrator.sources.catalogue import default_sources
from fmcsa_orchestrator.sources.crashes import CrashesSource
from fmcsa_orchestrator.sources.csa import CsaSource
from fmcsa_orchestrator.sources.inspections import InspectionsSource
from fmcsa_orchestrator.sources.insurance import InsuranceSource
from fmcsa_orchestrator.sources.out_of_service_orders import OutOfServiceOrdersSource
from fmcsa_orchestrator.sources.registration import RegistrationSource
from fmcsa_orchestrator.sources.roadside import RoadsideSource
from fmcsa_orchestrator.sources.violations import ViolationsSource
from fmcsa_orchestrator.storage.mongodb.companies import MongoCompanyRepository
from fmcsa_orchestrator.storage.repository import CompanyRepository, CompanyUpdate
from fmcsa_orchestrator.sync.diagnostics.health import Health
from fmcsa_orchestrator.sync.diagnostics.plan import Plan, SourcePlan
from fmcsa_orchestrator.sync.orchestrator import Orchestrator
from fmcsa_orchestrator.wiring import open_orchestrator

__version__ = "0.1.0"

__all__ = [
    "AlertRules",
    "AuthError",
    "AuthoritySource",
    "BaseSource",
    "Basic",
    "BatchSource",
    "BlockedError",
    "CarrierEvent",
    "CheckedSource",
    "Company",
    "CompanyNotFoundError",
    "CompanyRepository",
    "CompanyStarted",
    "CompanySyncResult",
    "CompanySynced",
    "CompanyUpdate",
    "CompanyWriteError",
    "CompletingSource",
    "CrashesSource",
    "CsaSource",
    "DatasetClosedError",
    "Delivered",
    "Delivery",
    "DeliverySummary",
    "Derived",
    "Document",
    "EstimatingSource",
    "Event",
    "EventsDelivered",
    "FieldChange",
    "Finding",
    "FmcsaError",
    "Health",
    "ImplausibleEmptyError",
    "InspectionsSource",
    "InsuranceSource",
    "InvalidUsdotError",
    "LeaseHeldError",
    "LeaseLostError",
    "Limiter",
    "MaintenanceError",
    "MalformedPayloadError",
    "MongoCompanyRepository",
    "Notice",
    "OddRow",
    "OnEvent",
    "OnNotice",
    "Orchestrator",
    "OutOfServiceOrdersSource",
    "Outcome",
    "Part",
    "Plan",
    "RateLimitedError",
    "Reading",
    "Refusal",
    "RegistrationSource",
    "Reply",
    "RepositoryError",
    "RequestRejectedError",
    "RequestSent",
    "RoadsideSource",
    "RowChange",
    "RunFinished",
    "RunStarted",
    "SchemaDriftError",
    "Settings",
    "SettingsError",
    "Severity",
    "Source",
    "SourceError",
    "SourceFailure",
    "SourceOutcome",
    "SourcePlan",
    "SourceReport",
    "SourceTimeoutError",
    "SourceUnavailableError",
    "StaleUpstreamError",
    "StopReason",
    "Subscriber",
    "SyncSummary",
    "TruncatedPayloadError",
    "Upstream",
    "UsdotNumber",
    "ViolationsSource",
    "Waiting",
    "WindowFetched",
    "close",
    "default_sources",
    "health",
    "open_orchestrator",
    "prepare",
    "read_json",
    "stop",
    "sync_all_companies",
    "sync_company",
]
