"""The settings, read from FMCSA_* variables and `.env`; the only reader of the environment."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, unquote_plus

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import from_json
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.model.status import STALE_AFTER_H

PREFIX = "FMCSA_"
_FILE = Path(".env")
_ENCODING = "utf-8-sig"  # UTF-8, with or without the mark that some editors put first
_LEAST_SECRET, _LEAST_USER = 4, 8  # characters; to hide fewer would hide words of our own, such as "admin", and keep no secret
_MOST_DAYS = 24_855  # that a TTL index of MongoDB can be told
_OPTION = re.compile(r"[?&;]([^=?&;]+)=([^&;]*)")
_SECRET_OPTION = re.compile(r"(?i)password|passphrase|secret|token")
# Of `authMechanismProperties`, what tells where and how to ask.
_PLAIN_PROPERTIES = frozenset(
    "SERVICE_NAME SERVICE_REALM SERVICE_HOST CANONICALIZE_HOST_NAME ENVIRONMENT TOKEN_RESOURCE ALLOWED_HOSTS".split()
)


class Settings(BaseSettings):
    """Everything the default wiring needs; each field is the variable of its name, in capitals, after FMCSA_.

    Rates are requests per second; times are seconds, but for `stale_after_h`. An empty variable counts as unset.
    Blanks and line ends around a text are no part of it: the secrets of a cluster come with them.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=_FILE,
        env_file_encoding=_ENCODING,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    mongodb_uri: SecretStr | None = Field(None, description="MongoDB connection URI; required by the default wiring")
    mongodb_database: str | None = Field(None, description="database name; default: the URI's, else `fmcsa`")
    mongodb_driver: Literal["motor", "pymongo"] = Field("motor", description="whose client the default wiring opens")
    companies_collection: str = Field("companies", description="the host app's companies, each with a `dotNumber`")
    inspections_collection: str = Field("fmcsaInspections", description="where inspections go")
    violations_collection: str = Field("fmcsaViolations", description="where violations go")
    leases_collection: str = Field("fmcsaLeases", description="where the lease of a run is kept")
    quarantine_collection: str = Field("fmcsaQuarantine", description="where rows go that cannot be understood")
    estimates: bool = Field(False, description="whether percentiles that FMCSA does not publish are estimated")
    estimates_collection: str = Field("fmcsaEstimates", description="where the distributions for estimates are kept, by SMS run")
    events: bool = Field(True, description="tell what has changed about carriers")
    events_collection: str = Field("fmcsaEvents", description="where that is told")
    events_kept_days: PositiveInt = Field(400, description="days after which what was told is deleted")
    history: bool = Field(True, description="keep something of each SMS run, to look back on")
    history_collection: str = Field("fmcsaHistory", description="where that is kept")
    history_kept_days: PositiveInt | None = Field(None, description="days after which that is deleted; default: never")
    alert_rules: AlertRules | None = Field(None, description="what is alarming, as JSON; by default FMCSA's own thresholds")
    subscribers_collection: str = Field("fmcsaSubscribers", description="who is to be told of it")
    delivery_secrets: Annotated[dict[str, tuple[SecretStr, ...]] | None, NoDecode] = Field(
        None, description='by the name that subscribers have for it, as JSON: `{"ops": "whsec_…", "mail": "mailtos://…"}`'
    )
    webhook_allow_private: bool = Field(False, description="let webhooks go to http and to addresses that are not public")
    park_after_days: PositiveFloat = Field(5, description="for so long a subscriber may accept nothing before it is parked")
    sources: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="built-in sources to run, as `csa_scores, violations`; default: all that cost nothing to have"
    )
    personal_fields: bool = Field(True, description="whether phones, e-mail, officers and the streets of persons are stored")
    soda_base_url: str = Field("https://data.transportation.gov", description="the open data portal")
    soda_app_token: SecretStr | None = Field(None, description="sent as `X-App-Token`; raises the portal's limits")
    soda_requests_per_second: PositiveFloat = Field(1, description="on average; 1 is the portal's own crawl delay")
    soda_burst: PositiveInt = Field(40, description="requests saved for handlers while nobody asks; 40 is one new company")
    contact: str | None = Field(None, description="an address of yours, told to upstreams in `User-Agent`")
    ca_bundle: str | None = Field(None, description="file of certificates to trust, where a proxy has its own")
    qcmobile_base_url: str = Field("https://mobile.fmcsa.dot.gov/qc/services", description="the QCMobile API")
    qcmobile_web_key: SecretStr | None = Field(None, description="without it QCMobile is not asked")
    qcmobile_requests_per_second: PositiveFloat = Field(2, description="no limit is published")
    source_calls_per_second: PositiveFloat = Field(10, description="calls into sources, of whatever kind")
    batch_size: PositiveInt = Field(200, description="companies per window and per SODA request")
    request_timeout_s: PositiveFloat = Field(30, description="silence of an upstream after which a request is given up")
    company_timeout_s: PositiveFloat = Field(120, description="all sources of one company together")
    stale_after_h: PositiveFloat = Field(STALE_AFTER_H, description="hours after which a success, or the last run, is stale")
    ended_rows_kept_days: PositiveInt | None = Field(
        None, le=_MOST_DAYS, description="days after which rows that upstream has no more are deleted; without it, never"
    )
    lease_ttl_s: PositiveFloat = Field(30, description="without a heartbeat for so long, a run or sync may be taken over")

    @field_validator("*", mode="before")
    @classmethod
    def _without_surroundings(cls, value: Any, info: ValidationInfo) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str):
            return value
        text = text.strip()
        if not text.isprintable():
            raise ValueError("it holds a character that cannot be seen, such as a line end; write it anew")
        return text or cls.model_fields[str(info.field_name)].default

    @field_validator("sources", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return tuple(re.split(r"[\s,]+", value.strip(" ,"))) if isinstance(value, str) else value

    @field_validator("delivery_secrets", mode="before")
    @classmethod
    def _named_secrets(cls, value: Any) -> Any:
        """Each one text, or a list of them while one takes the place of another."""
        if isinstance(value, str):
            try:
                value = from_json(value)
            except ValueError:
                raise ValueError("it must be a JSON object") from None
        if not isinstance(value, dict):
            return value
        return {name: (found,) if isinstance(found, str | SecretStr) else found for name, found in value.items()}

    @field_validator("soda_base_url", "qcmobile_base_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("it must start with http:// or https://")
        return value.rstrip("/")

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            SettingsError: naming the variables that do not fit, never their values, or the file that cannot be read.
        """
        _check_file()
        try:
            return cls()
        except ValidationError as error:
            faults = (f"{_variable(fault['loc'])} cannot be used: {_reason(fault['msg'])}" for fault in error.errors())
            raise SettingsError("; ".join(faults)) from None

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, to be taken out of texts; of the URI also what is secret within it, as it stands and decoded."""
        values = [secret(value) or "" for value in (self.mongodb_uri, self.soda_app_token, self.qcmobile_web_key)]
        for_delivery = [found for several in self.secrets_for_delivery().values() for found in several]
        values += [*for_delivery, *(found.removeprefix("whsec_") for found in for_delivery)]
        parts = [part for uri in (values[0], *for_delivery) for part in _secret_parts(uri) if len(part) >= _LEAST_SECRET]
        forms = [form for part in parts for form in (part, unquote(part), unquote_plus(part))]
        return tuple(dict.fromkeys(filter(None, [*values, *forms])))

    def secrets_for_delivery(self) -> dict[str, list[str]]:
        """By name, each one or several."""
        return {name: [found.get_secret_value() for found in several] for name, several in (self.delivery_secrets or {}).items()}

    def require_mongodb_uri(self) -> str:
        """The URI.

        Raises:
            SettingsError: when there is none.
        """
        if self.mongodb_uri is None:
            raise SettingsError(f"{PREFIX}MONGODB_URI is not set: set it to your MongoDB connection URI")
        return self.mongodb_uri.get_secret_value()


def _check_file() -> None:
    """Raises: SettingsError where there is a `.env` that is no readable text in UTF-8, without a word of what is in it."""
    if _FILE.is_fifo():  # it can be read once only
        return
    try:
        is_text = "\0" not in _FILE.read_text(encoding=_ENCODING)
    except FileNotFoundError:
        return
    except UnicodeError:
        is_text = False
    except OSError as error:
        raise SettingsError(f"the file {_FILE} cannot be read: {error.strerror}") from None
    if not is_text:
        raise SettingsError(f"the file {_FILE} is not written in UTF-8: save it in that encoding")


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + str(location[0]).upper() if location else PREFIX + "*"


def _secret_parts(uri: str) -> Iterator[str]:
    """The password, a long user name, and the options that are secrets, as they stand in the URI.

    A password that is not escaped as it should be makes it ambiguous, and any "@" may be the one that ends it.
    """
    address = uri.partition("://")[2] or uri
    user, at, _ = re.split("[/?]", address)[0].partition("@")
    if at and len(user.partition(":")[0]) >= _LEAST_USER:
        yield user.partition(":")[0]
    for at_sign in re.finditer("@", address):
        yield address[: at_sign.start()].partition(":")[2]
    for name, value in _OPTION.findall(address):
        if name.lower() == "authmechanismproperties":
            properties = [word.partition(":") for text in (value, unquote(value)) for word in text.split(",")]
            yield from (found or word for word, _, found in properties if word not in _PLAIN_PROPERTIES)
        elif _SECRET_OPTION.search(name):
            yield value


def _reason(message: str) -> str:
    """What pydantic says, as the end of a sentence."""
    return message.removeprefix("Value error, ").replace("Input should", "it should")


def secret(value: SecretStr | None) -> str | None:
    """The text of an optional secret."""
    return value.get_secret_value() if value is not None else None
