"""Every error of this library, named after what the run does next.

    FmcsaError
    ├── SettingsError                   before the run: fix the configuration
    ├── InvalidUsdotError               this company cannot be asked for: fix its dotNumber
    ├── SourceError                     one source, one company: record it, carry on
    │   ├── SourceUnavailableError      no connection, 5xx, 202, 408, 425: may work later
    │   │   ├── MaintenanceError        an HTML page where JSON was due (FMCSA does this with status 200)
    │   │   └── StaleUpstreamError      a replica that lags behind, or a file replaced while it was read
    │   ├── SourceTimeoutError          no answer within the time allowed
    │   ├── RateLimitedError            429: ask less often; `.retry_after_s`
    │   ├── RequestRejectedError        other 4xx: our query is wrong, never retried; `.status`
    │   │   ├── AuthError               a key or token that upstream does not take
    │   │   ├── BlockedError            a firewall refuses us, whatever we ask
    │   │   └── DatasetClosedError      a dataset that is private or retired
    │   ├── MalformedPayloadError       an answer, but not in the shape we know; `.field`
    │   │   ├── TruncatedPayloadError   an answer that ends in the middle
    │   │   └── SchemaDriftError        a column that we need is gone or has another type: stop this source
    │   └── ImplausibleEmptyError       an empty answer that good data contradicts
    └── RepositoryError                 MongoDB does not work: stop the run
        ├── CompanyWriteError           MongoDB refuses this company's document: carry on
        ├── CompanyNotFoundError        no company has this `_id`
        ├── LeaseHeldError              somebody else is at it right now: leave it to them
        └── LeaseLostError              somebody else has taken over: write nothing more

Each class carries its `kind`, the word stored in `syncStatus.errors[].kind`. Facts are attributes; the text is for people.
"""

from datetime import datetime
from typing import ClassVar

_OF_ONE_REQUEST = {None, 400, 413, 414, 422}  # statuses that another query, a shorter one say, may not get


class FmcsaError(Exception):
    """The root: everything this library raises on purpose."""

    kind: ClassVar[str] = "unexpected"


class SettingsError(FmcsaError):
    """The configuration cannot work; the text names the variable and the remedy."""

    kind = "settings"


class InvalidUsdotError(FmcsaError, ValueError):
    """A value that cannot be a USDOT number (1 to 8 digits, not zero)."""

    kind = "invalid_usdot"


class SourceError(FmcsaError):
    """A source could not be read for a company; what is stored stays as it is.

    Attributes:
        of_upstream: it says something of the upstream, rather than of one company or one request: after several in a row the
            source is left alone for a while, and a batch is not taken apart to find whose fault it is.
        stops_source: asking for another company would end the same way.
    """

    of_upstream: bool = False
    stops_source: bool = False


class SourceUnavailableError(SourceError):
    """Upstream did not answer properly; it may later."""

    kind = "upstream_unavailable"
    of_upstream = True


class MaintenanceError(SourceUnavailableError):
    """Upstream answered with a web page where JSON was due."""


class StaleUpstreamError(SourceUnavailableError):
    """Upstream answered with data older than its own latest, or changed it while it was read."""

    kind = "stale_upstream"


class SourceTimeoutError(SourceError):
    """Upstream, or a source, took longer than allowed."""

    kind = "timeout"
    of_upstream = True


class RateLimitedError(SourceError):
    """Upstream wants fewer requests; `retry_after_s` is what it asked for, if it said."""

    kind = "rate_limited"
    of_upstream = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RequestRejectedError(SourceError):
    """Upstream refused the request itself; repeating it is useless."""

    kind = "rejected"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.of_upstream = self.of_upstream or status not in _OF_ONE_REQUEST


class AuthError(RequestRejectedError):
    """Upstream does not take our key or token."""

    kind = "auth"
    stops_source = True


class BlockedError(RequestRejectedError):
    """A firewall before the upstream refuses us: for our address, our User-Agent, or what a proxy makes of our requests."""

    kind = "blocked"
    stops_source = True


class DatasetClosedError(RequestRejectedError):
    """A dataset that is private or retired: the portal gives it to nobody without a login."""

    stops_source = True


class MalformedPayloadError(SourceError):
    """Upstream answered in a shape that we do not know; `field` names the column."""

    kind = "malformed"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TruncatedPayloadError(MalformedPayloadError):
    """Upstream's answer ends in the middle."""

    of_upstream = True


class SchemaDriftError(MalformedPayloadError):
    """The upstream's columns are no longer those that we know: no carrier can be read until somebody has looked."""

    stops_source = True


class ImplausibleEmptyError(SourceError):
    """Upstream says "nothing", while what is stored says that this cannot be."""

    kind = "implausible_empty"


class RepositoryError(FmcsaError):
    """MongoDB cannot be reached, or refuses what every company needs."""

    kind = "database"


class CompanyWriteError(RepositoryError):
    """MongoDB refuses this one company's document or rows."""


class CompanyNotFoundError(RepositoryError):
    """No company has this `_id`."""

    kind = "company_not_found"


class LeaseHeldError(RepositoryError):
    """Another run, or another sync of this company, is under way; `owner` has been at it since `since`."""

    kind = "lease_held"

    def __init__(self, message: str, *, owner: str | None = None, since: datetime | None = None) -> None:
        super().__init__(message)
        self.owner = owner
        self.since = since


class LeaseLostError(RepositoryError):
    """We were so slow that somebody else has taken over; nothing more is written."""

    kind = "lease_lost"
