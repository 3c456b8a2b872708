"""The headers of OCPI: authorization (4.1.2), message ids (4.2) and routing (4.1.9).

Tokens are Base64 from 2.2.1 and raw in 2.1.1, but the versions call comes before any version is chosen: an inbound
header is therefore read both ways, and whoever looks the token up tries both readings.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

REQUEST_ID = "x-request-id"
CORRELATION_ID = "x-correlation-id"
LONGEST_ID = 128


def token_readings(header: str | None) -> tuple[str, ...]:
    """The tokens that an Authorization header may mean, the decoded one first; empty if it means none (TRN-012)."""
    scheme, _, value = (header or "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() != "token" or not value or not value.isascii() or len(value) > 512:
        return ()
    try:
        decoded = base64.b64decode(value, validate=True).decode().rstrip()
    except (binascii.Error, ValueError):
        return (value,)
    return (decoded, value) if decoded and decoded.isprintable() else (value,)


def authorization(token: str, *, base64_token: bool) -> str:
    """The Authorization header for `token`: Base64 of exactly its bytes from 2.2.1 on, raw in 2.1.1 (TRN-003, TRN-005)."""
    return "Token " + (base64.b64encode(token.encode()).decode() if base64_token else token)


def echoed(headers: dict[str, str]) -> dict[str, str]:
    """The message ids that an answer repeats (TRN-089)."""
    return {name: headers[name] for name in (REQUEST_ID, CORRELATION_ID) if name in headers and len(headers[name]) <= LONGEST_ID}


class Party(msgspec.Struct, frozen=True):
    """A party as headers and URLs name it; `key` is its form for comparison (TRN-059)."""

    country_code: str
    party_id: str

    @property
    def key(self) -> tuple[str, str]:
        return self.country_code.upper(), self.party_id.upper()

    def __str__(self) -> str:
        return f"{self.country_code}-{self.party_id}"


TO = "ocpi-to-country-code", "ocpi-to-party-id"
FROM = "ocpi-from-country-code", "ocpi-from-party-id"


def _party(headers: dict[str, str], names: tuple[str, str]) -> Party | None:
    country, party = headers.get(names[0]), headers.get(names[1])
    return Party(country, party) if country and party else None


def routing(headers: dict[str, str]) -> tuple[Party | None, Party | None]:
    """The parties in the routing headers: (to, from)."""
    return _party(headers, TO), _party(headers, FROM)


def routing_headers(to: Party | None, sender: Party | None) -> dict[str, str]:
    """Routing headers of a request or an answer; an open routing request has no TO (TRN-075)."""
    named = ((TO, to), (FROM, sender))
    return {name: value for names, party in named if party for name, value in zip(names, (party.country_code, party.party_id), strict=True)}
