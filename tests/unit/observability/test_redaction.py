"""Redaction: no form of a secret is left in a text, and nothing else is taken from it."""

import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from fmcsa_orchestrator.observability.redaction import redact
from tests.support.hidden import HIDDEN, hidden_in
from tests.support.strategies import often

secrets = st.text(min_size=4, max_size=20).filter(lambda text: "*" not in text)
FORMS = [
    str,
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: re.sub("%..", lambda hexed: hexed[0].lower(), quote(text, safe="")),
    lambda text: quote(quote(text, safe=""), safe=""),
    lambda text: str(URL("https://x").with_query(k=text)).partition("=")[2],
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
]
AROUND = [
    "{}",
    "key {} refused",
    "https://h/p?a=1&k={}&b=2",
    "mongodb://user:{}@host/db",
    "'{}'",
    "webKey={}",
    "Authorization: Bearer {}",
]


@often
@given(secrets, st.sampled_from(FORMS), st.sampled_from(AROUND), st.lists(st.text(max_size=9), max_size=2))
def test_no_form_of_a_secret_is_left(secret, form, around, others):
    text = redact(around.format(form(secret)), [*others, secret])
    assert form(secret) not in text
    assert secret not in text
    if not any(part and part in around for other in others for part in (other, *other)):  # else the words around are hidden too
        assert text.startswith(around.partition("{")[0].rpartition(" ")[0])


@often
@given(st.text(st.sampled_from("abcdefgh %40+"), max_size=30), secrets)
def test_text_without_a_secret_stays_as_it_is(text, secret):
    assert redact(text, [secret, ""]) == text or any(form(secret) in text for form in FORMS)


def test_of_two_secrets_that_begin_alike_the_longer_one_goes_whole():
    assert redact("abcd1234", ["abcd", "abcd1234"]) == "***"


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "bearer"])
def test_a_header_with_a_scheme_hides_what_follows_it(scheme):
    assert "t0ken" not in redact(f'{{"Authorization": "{scheme} t0ken"}}')


@pytest.mark.parametrize(
    "option", ["tlsCertificateKeyFilePassword=", "proxyPassword=", "AWS_SESSION_TOKEN:", "aws_session_token%3A"]
)
def test_the_secret_options_of_a_uri_are_hidden_without_being_known(option):
    assert redact(f"mongodb://h/x?{option}t0ken&w=1").replace("***", "") == f"mongodb://h/x?{option}&w=1"


def test_a_long_text_full_of_addresses_is_done_in_no_time():
    text = "://" * 100_000
    assert redact(text, ["secret"]) == text
    assert redact(f"{text}me:pw@host/x") == "://***@host/x"


def test_what_nobody_sees_is_taken_out_of_texts_but_line_ends_of_a_traceback():
    text = redact(f"before{HIDDEN}after\nwebKey=s3cret{HIDDEN}")
    assert not hidden_in(text, but="\n")
    assert text.startswith("before ")
    assert "after\nwebKey=***" in text
    assert redact("Łódź 北京 Ñ — ok\n  next") == "Łódź 北京 Ñ — ok\n  next"
