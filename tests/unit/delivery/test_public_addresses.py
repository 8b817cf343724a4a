"""Which addresses are of the open internet: nothing else is connected to."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.delivery.public_addresses import NotPublicError, is_public, public_socket
from fmcsa_orchestrator.delivery.webhook import webhook_url
from fmcsa_orchestrator.model.errors import SettingsError

PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.1.2.3 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.2.3 240.0.0.1 255.255.255.255
    :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:7f00:1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1
    2002:7f00:1:: 2002:a00:1:: 2001:0:4136:e378:8000:63bf:3fff:fdd2 100::1 2001:db8::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0
    fec0::1 ff02::1 ff0e::1
""".split()
PUBLIC = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 2606:4700::1111 2001:4860:4860::8888 64:ff9b::808:808".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public(address):
    assert not is_public(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    place = (address, 443, 0, 0) if ":" in address else (address, 443)
    with pytest.raises(NotPublicError, match="FMCSA_WEBHOOK_ALLOW_PRIVATE"):
        public_socket((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place))


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address):
    assert is_public(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with public_socket((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443))) as made:
        assert made.family == family


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_as_private_as_by_itself(address):
    assert not is_public(f"::ffff:{address}")
    if not is_public(str(address)):
        assert not is_public(f"64:ff9b::{address}")
        assert not is_public(f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1")


@pytest.mark.parametrize(
    "address",
    [None, "", "hooks.example.com", "http://hooks.example.com/x", "ftp://hooks.example.com", "https://", "https:///x",
     "https://me:secret@hooks.example.com/", "https://me@hooks.example.com/", "https://hooks.example.com/#x", "https://[::1", "file:///x"],
)  # fmt: skip
def test_an_address_that_no_webhook_goes_to(address):
    with pytest.raises(SettingsError) as caught:
        webhook_url(address, allow_private=False)
    assert "secret" not in str(caught.value)


def test_an_address_that_one_goes_to():
    assert webhook_url("https://hooks.example.com:8443/a?b=c", allow_private=False).port == 8443
    assert webhook_url("http://127.0.0.1/", allow_private=True).host == "127.0.0.1"
