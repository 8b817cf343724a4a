"""A company's status as it lies in its document: looked at once, whatever a host app may have made of it. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, TypeGuard

from fmcsa_orchestrator.model.documents import OURS, as_object, as_time, dig
from fmcsa_orchestrator.model.errors import LeaseHeldError
from fmcsa_orchestrator.model.results import Outcome, SourceOutcome

STATUS = OURS
LAST_RUN = f"{STATUS}.lastRun"
LEASE = f"{STATUS}.lease."  # where a company's lease lies in its document
TOKEN = f"{LEASE}token"
STALE_AFTER_H = 48  # hours after which a success, or the last run, is stale, unless the setting says otherwise
TIMES = ("lastRun", "lastAttempt", "lastSuccess", "LastSync")  # how the fields end that move with every attempt, or success
_TEXT_LIMIT = 200
_MOST = 2**62  # a number beyond is none that was counted
_TIMES = ("lastAttempt", "lastSuccess", "lastChanged", "dataAsOf", "missingSince")  # of a source


@dataclass(frozen=True, slots=True)
class StoredLease:
    """A lease as it lies in a document, under the paths that begin with `folder` ("" is the document itself)."""

    folder: str
    values: Mapping[str, Any]

    @classmethod
    def within(cls, document: Mapping[str, Any], folder: str) -> Self:
        """The one in this document."""
        return cls(folder, as_object(dig(document, folder.rstrip("."))) if folder else document)

    @property
    def mark(self) -> Any:
        """What lies in place of a token, whatever it is: a write asks that it be still the same."""
        return self.values.get("token")

    @property
    def token(self) -> int | None:
        """Raised by one with each holder; None where nobody has ever held it, or anything but such a number lies there."""
        return self.mark if _is_count(self.mark) else None

    @property
    def next_token(self) -> int:
        """That of the next holder; never one that a store might take for what lies there now (1.0 and True are 1 to some)."""
        following = (self.token or 0) + 1
        return following + 1 if self.mark == following else following

    @property
    def is_odd(self) -> bool:
        """Whether something that is no token lies in its place."""
        return self.mark is not None and self.token is None

    @property
    def ended_early(self) -> int:
        """How many of those who held it last did not finish: killed, stopped, or out of time; 1 where numbers contradict."""
        token, done = self.token, self.values.get("finishedToken")
        if token is None:
            return 0
        if not _is_count(done):
            return token
        return token - done if done <= token else 1

    @property
    def expires_at(self) -> datetime | None:
        """When it may be taken over, unless its holder renews it; None where nobody holds it."""
        return as_time(self.values.get("expiresAt"))

    def check_free(self, now: datetime) -> None:
        """Raises: LeaseHeldError when somebody holds it."""
        if self.expires_at is not None and self.expires_at > now:
            raise self.held()

    def held(self) -> LeaseHeldError:
        """The error that names the holder, as far as it is known."""
        owner, since = self.values.get("owner"), as_time(self.values.get("since"))
        owner = owner[:_TEXT_LIMIT] if isinstance(owner, str) else None
        who = f"by {owner}" if owner else "elsewhere"
        when = f", since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
        return LeaseHeldError(f"a sync is under way {who}{when}", owner=owner, since=since)


def _is_odd_time(value: Any) -> bool:
    return value is not None and not isinstance(value, datetime)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


@dataclass(frozen=True, slots=True)
class Verified:
    """What a run has found for the whole fleet: at `at` upstream had these versions, by source, and no newer ones.

    It holds of each company that has such a version, also where its own status was not written for that.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any] | None) -> Self:
        """As the facts of the last run tell it."""
        found = {name: as_object(entry) for name, entry in as_object((facts or {}).get("verified")).items()}
        times = [as_time(entry.get("at")) for entry in found.values()]
        versions = {name: version for name, entry in found.items() if isinstance(version := entry.get("version"), str)}
        return cls(versions, min((time for time in times if time is not None), default=None)) if versions else cls()

    def holds_of(self, source: str, stored: Mapping[str, Any]) -> bool:
        """Whether what the status says of this source is of the version that was found."""
        return self.at is not None and source in self.versions and stored.get("version") == self.versions[source]

    def holds_of_all(self, sources: Mapping[str, Any]) -> bool:
        """Whether that is so for every source that was asked."""
        return self.at is not None and all(self.holds_of(name, as_object(sources.get(name))) for name in self.versions)

    def last_look(self, status: "StoredStatus") -> datetime | None:
        """When a company was last attempted, or looked at by a run that found it up to date."""
        return self.later(status.last_run) if self.holds_of_all(status.sources) else status.last_run

    def later(self, time: datetime | None) -> datetime | None:
        """The later of this time and that of the run."""
        return time if time is None or self.at is None else max(time, self.at)


NOTHING = Verified()


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """What `fmcsaData.syncStatus` says; anything that cannot be read counts as missing.

    Attributes:
        values: the whole of it.
        sources: what it says of each source, by name.
        lease: the company's lease.
    """

    values: Mapping[str, Any]
    sources: Mapping[str, Any]
    lease: StoredLease

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The one look at a company's document."""
        values = as_object(as_object(document.get("fmcsaData")).get("syncStatus"))
        return cls(values, as_object(values.get("sources")), StoredLease(LEASE, as_object(values.get("lease"))))

    def source(self, name: str) -> Mapping[str, Any]:
        """What it says of one source, empty where it says nothing."""
        return as_object(self.sources.get(name))

    def is_current(self, source: str, version: str | None, usdot: int) -> bool:
        """Whether what is stored of this source is what upstream has: read at this very version, for this very number."""
        if version is None:
            return False
        stored = self.sources.get(source)
        return isinstance(stored, dict) and stored.get("version") == version and stored.get("usdot") == usdot

    def outcome(self, name: str) -> SourceOutcome | None:
        """What became of a source in the last sync; None where that cannot be told."""
        stored = self.source(name)
        texts = {key: value for key in ("version", "message") if isinstance(value := stored.get(key), str)}
        rows = stored.get("rows")
        try:
            outcome = Outcome(str(stored.get("outcome")))
        except ValueError:
            return None
        return SourceOutcome(
            source=name,
            outcome=outcome,
            rows=rows if _is_count(rows) else None,
            data_as_of=as_time(stored.get("dataAsOf")),
            **texts,
        )

    def missing_since(self, name: str) -> datetime | None:
        """Of what time the first edition was that had nothing of the carrier any more; None while it is there."""
        return as_time(self.source(name).get("missingSince"))

    def odd(self) -> dict[str, None]:
        """Path -> null for times and counts of a wrong type, as a restore from JSON leaves them: what they were is not known."""
        found: dict[str, None] = {}
        for name, value in self.values.items():
            if name.endswith("LastSync") and _is_odd_time(value) and name.isidentifier():
                found[f"{STATUS}.{name}"] = None
        for name, stored in self.sources.items():
            if isinstance(stored, dict) and name.isidentifier():
                found |= {f"{STATUS}.sources.{name}.{time}": None for time in _TIMES if _is_odd_time(stored.get(time))}
                if stored.get("rows") is not None and not _is_count(stored["rows"]):
                    found[f"{STATUS}.sources.{name}.rows"] = None
        return found

    @property
    def most_rows(self) -> int:
        """The most rows that any source has read at its last success."""
        rows = [as_object(stored).get("rows") for stored in self.sources.values()]
        return max((number for number in rows if _is_count(number)), default=0)

    @property
    def last_run(self) -> datetime | None:
        """The last attempt, good or bad."""
        return as_time(self.values.get("lastRun"))
