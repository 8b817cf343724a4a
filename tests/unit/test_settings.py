"""Settings: their defaults, and the secrets that they know in every form."""

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
