"""Which URLs and addresses are called: the partner's own hosts, in public, over TLS, unless the configuration says otherwise."""

import pytest

from interplug.config import Network
from interplug.partners.guard import Forbidden, check_address, check_url, origin

STRICT, LOOSE = Network(), Network(allow_private=True, allow_http=True)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://partner.example/",
        "gopher://partner.example/",
        "http://partner.example/ocpi",
        "//partner.example/ocpi",
        "partner.example",
        "",
        "https://",
        "https:///ocpi",
        "https://user@partner.example/",
        "https://user:secret@partner.example/",
        "https://partner.example@evil.example/",
        "https://partner.example:0/",
        "https://partner.example:99999/",
        "https://partner.example:x/",
        "https://partner.example\\@evil.example/",
        "https://partner.example/a b",
        "https://partner.example/\r\nHost: evil.example",
        "https://pärtner.example/",
        "https://[::1/",
        "https://" + "a" * 3000,
        "https://127.0.0.1/",
        "https://10.0.0.1:8443/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_what_is_never_called_by_default(url: str) -> None:
    with pytest.raises(Forbidden):
        check_url(url, STRICT)


def test_plain_http_and_private_addresses_are_for_configurations_that_allow_them() -> None:
    check_url("https://partner.example:8443/ocpi?x=1", STRICT)
    for url in ("http://127.0.0.1:8080/ocpi", "http://[::1]:8080/ocpi"):
        check_url(url, LOOSE)
        with pytest.raises(Forbidden):
            check_url(url, STRICT)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.1.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200",
     "0.0.0.0", "::", "224.0.0.1", "ff02::1", "2002:a9fe:a9fe::1"],
)  # fmt: skip
def test_some_addresses_are_nobodys_partner_whatever_is_allowed(address: str) -> None:
    with pytest.raises(Forbidden):
        check_address(address, LOOSE)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1", "192.0.2.1",
     "198.18.0.1", "240.0.0.1", "255.255.255.255", "2002:0a00:0001::1", "64:ff9b::0a00:0001"],
)  # fmt: skip
def test_private_addresses_are_refused_unless_allowed(address: str) -> None:
    with pytest.raises(Forbidden):
        check_address(address, STRICT)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_public_addresses_are_called(address: str) -> None:
    check_address(address, STRICT)


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        ("https://partner.example/x", {"partner.example:443"}, True),
        ("https://PARTNER.example./x", {"partner.example"}, True),
        ("https://partner.example:443/x", {"partner.example"}, True),
        ("https://partner.example:8443/x", {"partner.example"}, False),
        ("https://partner.example:8443/x", {"partner.example:8443"}, True),
        ("https://api.partner.example/x", {"partner.example"}, False),
        ("https://api.partner.example/x", {"*.partner.example"}, True),
        ("https://api.partner.example:1/x", {"*.partner.example"}, False),
        ("https://evilpartner.example/x", {"*.partner.example"}, False),
        ("https://partner.example.evil.example/x", {"partner.example", "*.partner.example"}, False),
        ("https://partner.example/x", set(), False),
    ],
)
def test_only_the_hosts_of_the_partner_are_called(url: str, hosts: set[str], allowed: bool) -> None:
    if allowed:
        check_url(url, STRICT, hosts)
    else:
        with pytest.raises(Forbidden, match="no registered host"):
            check_url(url, STRICT, hosts)


def test_a_place_is_a_host_and_a_port() -> None:
    assert origin("https://Partner.Example/ocpi") == "partner.example:443"
    assert origin("http://127.0.0.1:8080/") == "127.0.0.1:8080"
    assert origin("http://[::1]/") == "[::1]:80"


@pytest.mark.parametrize("address", ["::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fec0::1", "fc00::1", "5f00::1"])
def test_ipv6_outside_of_its_public_part_is_private(address: str) -> None:
    check_address(address, LOOSE)
    with pytest.raises(Forbidden):
        check_address(address, STRICT)
