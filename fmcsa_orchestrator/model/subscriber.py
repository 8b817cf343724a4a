"""Who is told of carriers' events: what they want, how far they are, and when their next turn is. No I/O."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.documents import bson_time
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.text import printable

LEASE_FOLDER = "lease."  # where the lease of a subscriber lies in its document
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 3_600.0  # after the first failure, and at the most; twice as long each time
_WHY_LIMIT = 300
Hour = Annotated[int, Field(ge=0, le=23)]


class SubscriberKind(StrEnum):
    """What kind of receiver it is."""

    WEBHOOK = "webhook"
    """An address that gets signed POST requests, by Standard Webhooks."""
    APPRISE = "apprise"
    """Any address that apprise knows: mail, chat, pager."""
    CALLABLE = "callable"
    """A function of the host's own."""


class SubscriptionForm(StrEnum):
    """How it is told."""

    EACH = "each"
    """Each event by itself, as soon as there is a deliverer."""
    DIGEST = "digest"
    """All events of a day in one text."""


class SubscriberState(StrEnum):
    """Whether it is told anything."""

    ACTIVE = "active"
    """It is."""
    PAUSED = "paused"
    """Somebody has said that it is not to be, for now."""
    PARKED = "parked"
    """It has been down for too long, or has said that it is gone."""


class Subscriber(BaseModel):
    """A document of `fmcsaSubscribers`.

    Attributes:
        name: its `_id`.
        kind: webhook, apprise, or callable.
        address: of a webhook its URL, of a callable its name (by default the subscriber's); an apprise address is a secret.
        secret: the name under which FMCSA_DELIVERY_SECRETS has the secret: of a webhook for signing, of apprise the address.
        types: which events, as in `fmcsa-orchestrator events --type`; empty for all.
        least_severity: only events that are at least so alarming.
        companies: what is in the `_id` of the companies; empty for all.
        form: each event, or one digest a day.
        hour: of a digest, the hour of the day from which on it is sent, 0 to 23.
        time_zone: of `hour` and of the quiet hours, by its IANA name.
        quiet_from: the hour from which on nothing is sent; None for no quiet hours.
        quiet_until: the hour from which on it is sent again.
        cursor: the place in the log of events up to which all is accepted.
        ahead: places behind it that are accepted already, as some earlier one is not.
        digest_day: the last day (by `time_zone`, ISO) whose digest is done.
        state: active, paused, or parked.
        since: since when.
        why: what went wrong last, in words; None if nothing.
        attempts: failures since it last got on.
        failing_since: when the first of them was.
        next_try: not before this is it told anything.
        last_accepted: when it last accepted anything.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True)

    name: Annotated[str, Field(alias="_id", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    kind: SubscriberKind
    address: str | None = None
    secret: str | None = None
    types: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_.]+$")], ...] = ()
    least_severity: Severity = Severity.INFO
    companies: tuple[Any, ...] = ()
    form: SubscriptionForm = SubscriptionForm.EACH
    hour: Hour = 7
    time_zone: str = "UTC"
    quiet_from: Hour | None = None
    quiet_until: Hour | None = None
    cursor: int = 0
    ahead: tuple[int, ...] = ()
    digest_day: str | None = None
    state: SubscriberState = SubscriberState.ACTIVE
    since: datetime | None = None
    why: str | None = None
    attempts: int = 0
    failing_since: datetime | None = None
    next_try: datetime | None = None
    last_accepted: datetime | None = None

    @field_validator("since", "failing_since", "next_try", "last_accepted")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        return value and bson_time(value)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            _zone(value)
        except (OSError, ValueError, KeyError):  # a folder, a path that leads out, unknown
            raise ValueError("no such time zone; name one as `America/Chicago`") from None
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None) or (self.quiet_from == self.quiet_until is not None):
            raise ValueError("quiet hours have two different ends")
        if self.kind is SubscriberKind.WEBHOOK and (self.address is None or self.secret is None):
            raise ValueError("a webhook has an address, and the name of a secret to sign with")
        if self.kind is SubscriberKind.APPRISE and (self.secret is None or self.address is not None):
            raise ValueError("an apprise address holds secrets: it is named by `secret`, and stands in FMCSA_DELIVERY_SECRETS")
        if self.kind is SubscriberKind.WEBHOOK and self.form is SubscriptionForm.DIGEST:
            raise ValueError("a digest is a text for people: for apprise or a callable")
        return self

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The subscriber in a document, or of the attributes by name. Raises: SettingsError for one that cannot be."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            reason = first["msg"].removeprefix("Value error, ")
            name = printable(str(document.get("_id", document.get("name"))))[:64]
            raise SettingsError(f"the subscriber `{name}` cannot be used: {where + ': ' if where else ''}{reason}") from None

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        values = self.model_dump(by_alias=True)
        texts = {key: value.value for key, value in values.items() if isinstance(value, StrEnum)}
        lists = {key: list(value) for key, value in values.items() if isinstance(value, tuple)}
        return {**values, **texts, **lists}

    @property
    def severities(self) -> list[str]:
        """Those that it wants; empty for all."""
        if self.least_severity is Severity.INFO:
            return []
        return [severity.value for severity in Severity if severity.rank >= self.least_severity.rank]

    def day(self, now: datetime) -> str:
        """The day, as ISO text, whose digest is the last that is due: today there, or yesterday before its hour."""
        local = now.astimezone(_zone(self.time_zone))
        return (local.date() - timedelta(days=local.hour < self.hour)).isoformat()

    def is_due(self, now: datetime) -> bool:
        """Whether it may be told something now, if there is anything."""
        local = now.astimezone(_zone(self.time_zone))
        if self.state is not SubscriberState.ACTIVE or (self.next_try is not None and now < self.next_try):
            return False
        if self.quiet_from is not None and self.quiet_until is not None:
            from_start, before_end = local.hour >= self.quiet_from, local.hour < self.quiet_until
            if (from_start and before_end) if self.quiet_from < self.quiet_until else (from_start or before_end):
                return False
        if self.form is SubscriptionForm.DIGEST:
            return (self.digest_day or "") < self.day(now)
        return True

    def begun(self, place: int, now: datetime) -> Self:
        """A new one, that is told what comes behind this place; its first digest comes when it is next its hour."""
        return self.model_copy(update={"cursor": place, "since": bson_time(now), "digest_day": self.day(now)})


def _zone(name: str) -> tzinfo:
    """UTC also where no time zones are installed."""
    return UTC if name == "UTC" else ZoneInfo(name)


def going_well() -> dict[str, Any]:
    """Field -> value of one of whom no failure is known."""
    return {"attempts": 0, "failingSince": None, "nextTry": None, "why": None}


def stood(state: SubscriberState, now: datetime, why: str | None = None) -> dict[str, Any]:
    """Field -> value of one whose state has changed."""
    return {"state": state.value, "since": bson_time(now), "why": why}


def set_back(
    subscriber: Subscriber, why: str, now: datetime, park_after: timedelta, *, pause_s: float | None, is_gone: bool, moved: bool
) -> dict[str, Any]:
    """Field -> value of one who has not accepted something: when it is tried again, or that it is parked.

    `pause_s` is what it has asked for itself; `moved` says that it has got on since the failure before.
    """
    attempts = 1 if moved else subscriber.attempts + 1
    since = now if moved or subscriber.failing_since is None else subscriber.failing_since
    pause = min(FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 20), LONGEST_PAUSE_S) * random.uniform(0.75, 1.25)
    next_try = now + timedelta(seconds=max(pause, pause_s or 0.0))
    values = {"attempts": attempts, "failingSince": bson_time(since), "nextTry": bson_time(next_try), "why": why[:_WHY_LIMIT]}
    if is_gone or now - since >= park_after:
        values |= stood(SubscriberState.PARKED, now, why[:_WHY_LIMIT])
    return values
