"""Settings: their defaults, and the secrets that they know in every form."""

import json
import os

import pytest
from pydantic import SecretStr

from fmcsa_orchestrator import Settings, SettingsError
from fmcsa_orchestrator.observability.redaction import redact

WEB_KEY, TOKEN, PASSWORD = "s3cret-web-key", "s3cret-app-token", "s3cret%2Fpass"
SECRETS = (WEB_KEY, TOKEN, PASSWORD, "s3cret/pass")


def test_settings_know_every_form_of_their_secrets():
    settings = Settings(
        mongodb_uri=SecretStr(f"mongodb://someone:{PASSWORD}@h/x"),
        soda_app_token=SecretStr(TOKEN),
        qcmobile_web_key=SecretStr(WEB_KEY),
    )
    text = redact(f"{SECRETS} mongodb://someone:{PASSWORD}@h/x", settings.secrets())
    assert "s3cret" not in text


def test_settings_have_the_promised_defaults_and_hide_secrets(monkeypatch, tmp_path):
    settings = Settings.load()
    assert settings.soda_base_url == "https://data.transportation.gov"
    assert (settings.soda_requests_per_second, settings.qcmobile_requests_per_second, settings.source_calls_per_second) == (
        1,
        2,
        10,
    )
    assert (settings.batch_size, settings.request_timeout_s, settings.company_timeout_s) == (200, 30, 120)
    (tmp_path / ".env").write_text("FMCSA_QCMOBILE_WEB_KEY=s3cret\nFMCSA_SODA_APP_TOKEN=\n")
    settings = Settings.load()
    assert settings.secrets() == ("s3cret",)
    assert settings.soda_app_token is None
    assert "s3cret" not in repr(settings)
    monkeypatch.setenv("FMCSA_MONGODB_URI", "s3cret-uri")
    monkeypatch.setenv("FMCSA_BATCH_SIZE", "s3cret-size")
    with pytest.raises(SettingsError) as raised:
        Settings.load()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [("MONGODB_DATABASE", "app\n", "app"), ("MONGODB_DATABASE", "\r\n", None), ("COMPANIES_COLLECTION", "\tfirms \n", "firms"),
     ("COMPANIES_COLLECTION", " ", "companies"), ("MONGODB_URI", "mongodb://h/x\n", "mongodb://h/x"),
     ("MONGODB_DRIVER", "pymongo\n", "pymongo"), ("SODA_BASE_URL", " https://h/\n", "https://h"),
     ("SODA_APP_TOKEN", "s3cret\r\n", "s3cret"), ("QCMOBILE_WEB_KEY", "s3cret\n", "s3cret"), ("SODA_APP_TOKEN", "\n", None)],
)  # fmt: skip
def test_what_surrounds_a_value_is_no_part_of_it(monkeypatch, tmp_path, variable, value, read):
    """A secret of Kubernetes, and many a file, ends in a line end."""

    def found(settings):
        found = getattr(settings, variable.lower())
        return found.get_secret_value() if isinstance(found, SecretStr) else found

    monkeypatch.setenv(f"FMCSA_{variable}", value)
    assert found(Settings.load()) == read
    assert found(Settings(**{variable.lower(): value})) == read
    monkeypatch.delenv(f"FMCSA_{variable}")
    (tmp_path / ".env").write_text(f"FMCSA_{variable}={json.dumps(value)}\n")
    assert found(Settings.load()) == read


@pytest.mark.parametrize("hidden", ["\n", "\x1b", "\x7f", "\x9b", "\u200b", "\u202e", "\u2028", "\udce9"])
@pytest.mark.parametrize("variable", ["MONGODB_URI", "MONGODB_DATABASE", "SODA_BASE_URL", "SODA_APP_TOKEN", "MONGODB_DRIVER"])
def test_what_cannot_be_seen_within_a_value_is_refused(monkeypatch, variable, hidden):
    monkeypatch.setenv(f"FMCSA_{variable}", f"https://s3cret{hidden}value")
    with pytest.raises(SettingsError, match=f"FMCSA_{variable}") as raised:
        Settings.load()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_of_settings_may_begin_with_a_mark(tmp_path, encoding):
    (tmp_path / ".env").write_text("FMCSA_MONGODB_DATABASE=Łódź\n", encoding=encoding)
    assert Settings.load().mongodb_database == "Łódź"


def folder(path):
    path.mkdir()


def loop(path):
    path.symlink_to(path)


def forbidden(path):
    path.write_text("FMCSA_BATCH_SIZE=3")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")


@pytest.mark.parametrize(
    "make",
    [folder, loop, forbidden]
    + [lambda path, e=e: path.write_text("FMCSA_SODA_APP_TOKEN=s3cré\n", encoding=e) for e in ("utf-16", "utf-16-le", "latin-1")]
    + [lambda path: path.write_text("FMCSA_SODA_APP_TOKEN=s3cret\n", encoding="utf-16-le")],
    ids=["folder", "loop", "forbidden", "utf-16", "utf-16-le", "latin-1", "utf-16-le-ascii"],
)
def test_a_file_of_settings_that_cannot_be_read_is_named(tmp_path, make):
    make(tmp_path / ".env")
    with pytest.raises(SettingsError, match=r"\.env") as raised:
        Settings.load()
    assert "s3cr" not in str(raised.value)
    assert raised.value.__cause__ is None


PROPERTIES = "authMechanismProperties"


@pytest.mark.parametrize(
    ("uri", "hidden"),
    [("mongodb://me:{}@h/x?appName=a@b", "s3cret-pw"), ("mongodb://me:{}@h/x?a=b&appName=x@y@z", "s3%40cret-pw s3@cret-pw"),
     ("mongodb://me:{}@h/x", "s3/cret-pw"), ("mongodb://me:{}@h/x?appName=a@b", "s3/cret?pw"), ("mongodb://me:{}@h/x", "s3@cret-pw"),
     ("mongodb://me:{}@h/x", "s3:cret#pw"), ("me:{}@h/x", "s3cret-pw"), ("mongodb+srv://me:{}@h", "s3%zzcret-pw"),
     ("mongodb://me:{}@h/x", "s3cret%2Bpw+1 s3cret+pw+1"), ("mongodb://:{}@h/x", "s3cret-pw"), ("mongodb://{}@h/x", "s3cret%40user s3cret@user"),
     ("mongodb://{}:pass@h/x", "s3cret-user"), ("mongodb://h/?tlsCertificateKeyFilePassword={}", "s3%2Fcret s3/cret"),
     ("mongodb://h/?proxyPassword={}&w=1", "s3cret-proxy"), ("mongodb://h/?tls=true;ssl_pem_passphrase={};w=1", "s3cret-pem"),
     (f"mongodb://h/?{PROPERTIES}=AWS_SESSION_TOKEN:{{}}&w=1", "s3cret%2Ft%3D s3cret/t="),
     ("mongodb://h/?AUTHMECHANISMPROPERTIES=SERVICE_NAME:x,AWS_SESSION_TOKEN:{}", "s3cret%2Ft%3D s3cret/t="),
     (f"mongodb://h/?{PROPERTIES}=SERVICE_NAME%3Ax%2CAWS_SESSION_TOKEN%3A{{}}", "s3cret%2Ft%3D s3cret/t="),
     (f"mongodb://h/?{PROPERTIES}={{}}", "s3cret-token")],
)  # fmt: skip
def test_the_secrets_within_a_uri_are_known_as_it_is_read(uri, hidden):
    """What the driver takes from it, decoded too; and every reading of one that cannot be read."""
    spelled = hidden.split()
    uri = uri.format(spelled[0])
    secrets = Settings(mongodb_uri=SecretStr(uri)).secrets()
    for text in (uri, *spelled, f"{uri} {uri}"):
        assert "cret" not in redact(f"before {text} after", secrets)
    assert redact("before pass after", secrets).startswith("before ")


@pytest.mark.parametrize("uri", [
    "mongodb://db:p@localhost/fmcsa", "mongodb://fmcsa:@localhost/fmcsa", "mongodb://localhost:27017/fmcsa?appName=me@home",
    "mongodb://localhost/?authMechanism=GSSAPI&authMechanismProperties=SERVICE_NAME:mongodb,CANONICALIZE_HOST_NAME:true",
    "mongodb://localhost/?authMechanismProperties=&proxyPassword=&tls=true",
])  # fmt: skip
def test_what_is_no_secret_or_too_short_for_one_is_left_in_texts(uri):
    text = "no mongodb on localhost:27017 for fmcsa in fmcsa_orchestrator: is it true?"
    assert redact(text, Settings(mongodb_uri=SecretStr(uri)).secrets()) == text


def test_secrets_for_delivery_are_one_or_several_by_name(monkeypatch):
    mail = "mailtos://me:p%40ss-word@example.com"
    monkeypatch.setenv("FMCSA_DELIVERY_SECRETS", json.dumps({"ops": ["whsec_bmV3", "whsec_b2xk"], "mail": mail}))
    settings = Settings.load()
    assert settings.secrets_for_delivery() == {"ops": ["whsec_bmV3", "whsec_b2xk"], "mail": [mail]}
    text = redact(f"whsec_bmV3 b2xk {mail} p%40ss-word p@ss-word", settings.secrets())
    assert not [secret for secret in ("bmV3", "b2xk", "ss-word") if secret in text + repr(settings)]
    monkeypatch.delenv("FMCSA_DELIVERY_SECRETS")
    assert Settings.load().secrets_for_delivery() == {}


@pytest.mark.parametrize("value", ["s3cret", '["s3cret"]', '{"ops": 7}', '{"ops": ["s3cret", 7]}', '{"ops": "s3cret"'])
def test_secrets_for_delivery_that_are_none_are_not_repeated(monkeypatch, value):
    monkeypatch.setenv("FMCSA_DELIVERY_SECRETS", value)
    with pytest.raises(SettingsError, match="FMCSA_DELIVERY_SECRETS") as caught:
        Settings.load()
    assert "s3cret" not in str(caught.value)
