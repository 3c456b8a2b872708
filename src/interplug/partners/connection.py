"""A connection: one technical link to a partner, as the rest of the program sees it, made from its row.

Everything that a request asks often is worked out here once: for which parties it may write, what it may see, where it may be
called. Read it, never change it: `directory` makes a new one when the tables change.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from interplug.model.types import fold
from interplug.protocol.headers import Party
from interplug.protocol.http import join
from interplug.protocol.routes import INSIDE, Side
from interplug.store.keys import OWN, Key
from interplug.store.partners import ConnectionRow
from interplug.versions.table import VERSIONS, Version

from . import states
from .guard import origin
from .roles import SENDERS

CONNECTED = "CONNECTED"
EVERYBODY = 0
"""The audience of what every partner may see."""
OWN_DRIVERS = "own drivers"
"""The class without members that sees the Sessions of our own drivers."""
ALL_SESSIONS = "all sessions"
"""The class whose members see every Session of ours and may set charging profiles for it: how smart charging is delegated (15.1.3)."""


@dataclass(slots=True, frozen=True)
class TheirParty:
    role: str
    country_code: str
    party_id: str
    business_details: Mapping[str, Any] = field(default_factory=dict)
    status: str = CONNECTED
    """What a hub says of a party behind it (14.4.1)."""

    @property
    def party(self) -> Party:
        return Party(self.country_code, self.party_id)


@dataclass(slots=True, frozen=True)
class Endpoint:
    """An endpoint of the partner's version details. `role` is the side, set in 2.1.1 too (from the partner's role)."""

    identifier: str
    role: str | None
    url: str


@dataclass(slots=True)
class Connection:
    """One technical link to a partner."""

    id: int
    partner_id: int
    partner: str
    state: str
    version: str | None
    versions_url: str
    created_at: int
    registered_at: int | None
    pinned: str | None = None
    base64_out: bool | None = None
    our_role: str | None = None
    our_party: Party | None = None
    alone: Mapping[str, Party] = field(default_factory=dict)
    """The one party of ours in each role that it is shown, where its version knows but one."""
    endpoints: tuple[Endpoint, ...] = ()
    parties: tuple[TheirParty, ...] = ()
    hub: Party | None = None
    reachable: tuple[TheirParty, ...] = ()
    allow: frozenset[tuple[str, str]] | None = None
    audiences: tuple[int, ...] = ()
    """What it may see: its own number, 0 for what everybody sees, and its classes."""
    steered: tuple[int, ...] = ()
    """The audiences whose Sessions it sees besides: those of all others, where it was let."""
    named_hosts: frozenset[str] = frozenset()
    """Places that the operator named; where there are any, the partner cannot move elsewhere."""
    hosts: frozenset[str] = frozenset()
    """The places (host:port) at which it may be called."""
    flags: dict[str, Any] = field(default_factory=dict)
    writable: frozenset[tuple[str, str]] = frozenset()
    """The parties, as `Party.key`, whose objects it may write."""
    others: Set[tuple[str, tuple[str, str]]] = frozenset()
    """Roles of parties that other partners have registered: what belongs to such a role it may not write, in whatever other role it has the
    party itself."""
    left_out: frozenset[tuple[str, str]] = frozenset()
    """The parties that this hub names and may not write for, because they are registered themselves."""

    @property
    def registered(self) -> bool:
        return self.state == states.REGISTERED

    @property
    def speaks(self) -> Version:
        """What its version can do. Only of a registered connection."""
        if self.version is None:
            raise LookupError(f"connection {self.id} is not registered")
        return VERSIONS[self.version]

    def seen(self, module_id: str) -> tuple[int, ...]:
        """The audiences whose objects of a module it may see."""
        return self.audiences + self.steered if module_id == "sessions" else self.audiences

    def only(self, module_id: str) -> Party | None:
        """The one party of ours whose objects of a module it is shown; None: those of all."""
        return self.our_party or self.alone.get(SENDERS.get(module_id, ""))

    def shows(self, key: Key) -> bool:
        """Whether it is shown objects of that party of ours; what is not our own is not cut here."""
        party = self.only(key.module) if key.source == OWN else None
        return party is None or party.key == (key.country.upper(), key.party.upper())

    def told(self, key: Key, audience: int) -> bool:
        """Whether push brings it an object of ours. A CDR of a party that it is not shown is no silence: it is refused, with the reason."""
        return audience in self.seen(key.module) and (key.module == "cdrs" or self.shows(key))

    def absent(self, party: Party, role: str) -> str | None:
        """Why nothing is asked of a party behind this hub: it is OFFLINE, PLANNED or SUSPENDED (14.4.1); None where it is there."""
        for one in self.reachable:
            if one.party.key == party.key and one.role == role and one.status != CONNECTED:
                return f"{party} is {one.status.lower()}, says {self.partner}"
        return None

    def behind(self, sender: Party | None) -> Party | None:
        """The party behind this hub that a message is from, where it is not the hub itself. It proves nothing and opens nothing; but what
        is of another party is not for the one that the hub passes it on to."""
        if self.hub is None or sender is None or sender.key == self.hub.key:
            return None
        return sender

    def endpoint(self, module_id: str, side: Side) -> str | None:
        """The URL of a side of a module; ids are compared without regard to case."""
        if (outer := INSIDE.get(module_id)) is not None:
            base = self.endpoint(outer, side)
            return None if base is None else join(base, module_id)
        wanted = fold(module_id)
        for known in self.endpoints:
            if (known.identifier == wanted or fold(known.identifier) == wanted) and (
                known.role == side or known.role is None or wanted == "credentials"
            ):
                return known.url
        return None


def connection_of(
    row: ConnectionRow, clients: list[dict[str, Any]], classes: tuple[int, ...], own: frozenset[tuple[str, str]]
) -> Connection:
    """`clients`: what a hub has told of the parties behind it; `classes`: the audiences that it was put into; `own`: our parties, for which
    no partner writes."""
    presented = row.credentials or {}
    parties = tuple(_their_party(role) for role in presented.get("roles") or ())
    reachable = tuple(_their_party(client) for client in clients)
    hub = presented.get("hub_party_id")
    allow = None if row.allow is None else frozenset(_key(text) for text in row.allow)
    named = {one.party.key for one in (*parties, *reachable)}
    return Connection(
        id=row.id,
        partner_id=row.partner,
        partner=row.name,
        state=row.state,
        version=row.version,
        versions_url=row.versions_url,
        created_at=row.created_at,
        registered_at=row.registered_at,
        pinned=row.pinned,
        base64_out=None if row.base64_out is None else bool(row.base64_out),
        our_role=row.our_role,
        our_party=Party(row.our_country, row.our_party) if row.our_country and row.our_party else None,
        endpoints=tuple(Endpoint(one["identifier"], one.get("role"), one["url"]) for one in row.endpoints),
        parties=parties,
        hub=Party(hub[:2], hub[2:]) if isinstance(hub, str) else None,
        reachable=reachable,
        allow=allow,
        audiences=(row.id, EVERYBODY, *classes),
        named_hosts=frozenset(row.hosts),
        hosts=frozenset(row.hosts) | ({origin(row.versions_url)} if urlsplit(row.versions_url).hostname else frozenset()),
        flags=row.flags,
        writable=frozenset(named if allow is None else named & allow) - own,
    )


def _their_party(document: dict[str, Any]) -> TheirParty:
    details, status = document.get("business_details") or {}, document.get("status", CONNECTED)
    return TheirParty(document["role"], document["country_code"], document["party_id"], details, status)


def _key(text: str) -> tuple[str, str]:
    """A party of an allow-list, written `NL-ABC`."""
    country, _, party = text.partition("-")
    return country.upper(), party.upper()
