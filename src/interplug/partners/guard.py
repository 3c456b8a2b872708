"""Where we may be sent: every URL that a partner names is checked here, and every address again when it is connected to.

Two checks, because a name proves nothing about where it leads. `check_url` looks at the text: the scheme, no user in it, a port, and the
place (host:port) among those of the partner. `check_address` looks at what the name was resolved to, at the moment of connecting, so that
a name that leads elsewhere the second time helps nobody. Loopback and private addresses are for configurations that allow them (a
demo, partners in one cluster); link-local addresses and the metadata services of clouds are never a partner's. Redirects are never
followed, which `transport` sees to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from interplug.config import Network
from interplug.protocol.http import Unsent

LONGEST_URL = 2048
PORTS = {"https": 443, "http": 80}
METADATA = frozenset(ipaddress.ip_address(text) for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is in public use. Addresses of inner networks hide in the rest, some of which Python calls global."""

_PLACE = re.compile(r"[^:/?#]+://[^/?#]*")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(Unsent):
    """We do not go there; the text says why."""


def origin(url: str) -> str:
    """The place that a URL names, `host:port` in lower case, for comparison."""
    parts = urlsplit(url)
    name = (parts.hostname or "").rstrip(".")
    return f"{f'[{name}]' if ':' in name else name}:{parts.port or PORTS.get(parts.scheme, 443)}"


def check_url(url: str, network: Network, hosts: Iterable[str] | None = None) -> None:
    """Raises `Forbidden` unless the URL may be called; with `hosts`, only if it stands at one of these places."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Forbidden("not a URL that we would call")
    place = _PLACE.match(url)
    _check_place(place[0] if place else url, network, None if hosts is None else frozenset(hosts))


@lru_cache(maxsize=4096)
def _check_place(url: str, network: Network, hosts: frozenset[str] | None) -> None:
    """`url` up to its path: what is allowed once is allowed for every path."""
    parts = _split(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and network.allow_http):
        raise Forbidden(f"only https URLs are called, not {parts.scheme[:10] or 'nothing'!r}")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise Forbidden("a URL with a user in it is not called")
    if not parts.hostname:
        raise Forbidden("the URL names no host")
    literal = _literal(parts.hostname)
    if literal is not None:
        check_address(literal, network)
    if hosts is not None and not any(_at(origin(url), host) for host in hosts):
        raise Forbidden(f"{origin(url)} is no registered host of this partner")


def check_address(address: str, network: Network) -> None:
    """Raises `Forbidden` unless this IP address may be connected to."""
    for one in _meanings(ipaddress.ip_address(address.partition("%")[0])):
        if one in METADATA or one.is_link_local or one.is_multicast or one.is_unspecified:
            raise Forbidden(f"{address} is never called")
        public = one.is_global and (one.version == 4 or one in UNICAST)
        if not public and not network.allow_private:
            raise Forbidden(f"{address} is not a public address (network.allow_private is off)")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("not a URL that we would call") from None
    if port == 0:
        raise Forbidden("port 0 is not called")
    return parts


def _at(place: str, host: str) -> bool:
    """`host` is `name` (https) or `name:port`; with `*.` before it, all names below."""
    wanted = origin(f"https://{host}")
    return place.endswith(wanted[1:]) if wanted.startswith("*.") else place == wanted


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _meanings(address: Address) -> list[Address]:
    """The address, and the IPv4 address that hides in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is None:
        return [address]
    return [inner] if address.ipv4_mapped or address in NAT64 else [address, inner]
