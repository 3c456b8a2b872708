"""Who is who, in memory: connections, tokens, parties, visibility. What a request needs to know costs no database.

The tables of partners are small and seldom change, so each process keeps them whole. The generation `partners` in the database
moves with each change; it is looked at again twice a second while requests come in, and before a token is called unknown, so what another
process changed (a command, another server) is seen within a second, and a new token at once.

One token means one connection (TRN-010). A connection may write for the parties that its credentials name or, for a hub, that
HubClientInfo names and nobody has registered itself, cut by the operator's allow-list, and never for a party of our own. FROM headers
prove nothing and are not looked at.
This file does not know what a handshake is and sends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from interplug.config import Settings
from interplug.protocol.headers import Party, routing_headers, token_readings
from interplug.protocol.routes import ROLES_BY_URL
from interplug.store.parties import OurParty
from interplug.store.partners import TokenRow
from interplug.store.store import Store, now_us
from interplug.store.tx import Tx
from interplug.versions.table import VERSIONS

from . import claims, states
from .connection import ALL_SESSIONS, OWN_DRIVERS, Connection, connection_of
from .keys import NodeKey
from .roles import COUNTERPART

__all__ = ["Connection", "Directory", "Presented", "role_of_211"]

LOOK_AGAIN = 0.5
"""Seconds between looks at the generation while requests come in."""
HEADERS = 10_000
"""Most Authorization headers that are remembered: one token can be written in several ways."""
UNDER_WAY = 10_000_000
"""Microseconds in which requests that were sent with the old token may still arrive after the new one was used."""


@dataclass(slots=True, frozen=True)
class Presented:
    """A token as it came in: which one it is and what it may do. `text` is for the answer of GET credentials, nothing else."""

    connection: Connection
    hash: bytes
    state: str
    text: str = field(repr=False)

    @property
    def registering(self) -> bool:
        """Serves for versions and credentials alone (TRN-009)."""
        return self.state == states.REGISTRATION or not self.connection.registered


@dataclass(slots=True)
class _Snapshot:
    generation: int = -1
    connections: dict[int, Connection] = field(default_factory=dict)
    tokens: dict[bytes, TokenRow] = field(default_factory=dict)
    ours: tuple[OurParty, ...] = ()
    own_keys: frozenset[tuple[str, str]] = frozenset()
    headers: dict[str, tuple[tuple[Connection, bool], int | None]] = field(default_factory=dict)
    """The answer for each Authorization header that was seen, and when it ends."""
    answers: dict[int, dict[str, str]] = field(default_factory=dict)
    """The routing headers of an answer to each connection, where the request had none."""


class Directory:
    """`clock` is microseconds UTC; `timer` runs on, in seconds, and only spaces the looks at the database."""

    def __init__(
        self,
        store: Store,
        key: NodeKey,
        settings: Settings,
        *,
        clock: Callable[[], int] = now_us,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.key = key
        self.settings = settings
        self.clock = clock
        self._timer = timer
        self._look_at = float("-inf")
        self._now = _Snapshot()

    # --- keeping up

    async def refresh(self) -> None:
        """Sees what was changed since; cheap when nothing was. Loops that receive no requests call it now and then."""
        self._look_at = self._timer() + LOOK_AGAIN
        snapshot = await self.store.read(lambda tx: _load(tx, self._now.generation))
        if snapshot is not None and snapshot.generation > self._now.generation:
            self._now = snapshot

    @property
    def generation(self) -> int:
        """Another number after each change that this directory has seen."""
        return self._now.generation

    async def write(self, work: Callable[[Tx], Any]) -> Any:
        """A transaction on the tables of partners, seen by this directory before it returns."""
        value = await self.store.write(work)
        await self.refresh()
        return value

    # --- who asks

    async def authenticate(self, header: str | None) -> tuple[Connection, bool] | None:
        """The connection that an Authorization header stands for, and whether it serves for registration alone; None is 401."""
        if self._timer() >= self._look_at:
            await self.refresh()
        known = self._now.headers.get(header or "")
        if known is not None and (known[1] is None or self.clock() < known[1]):
            return known[0]
        presented = await self.presented(header)
        if presented is None:
            return None
        return self._remember(header or "", presented)

    async def presented(self, header: str | None) -> Presented | None:
        """Which token a header presents, read both ways (TRN-004, TRN-006). The first use of a new one ends its predecessors."""
        found = self._find(header)
        if found is None and header:
            await self.refresh()
            found = self._find(header)
        if found is not None and found.state == states.PENDING:
            await self._confirm(found)
            found = self._find(header)
        return found

    def _find(self, header: str | None) -> Presented | None:
        for text in token_readings(header):
            row = self._now.tokens.get(self.key.hash_token(text))
            if row is None or (row.expires_at is not None and row.expires_at <= self.clock()):
                continue
            connection = self._now.connections.get(row.connection)
            if connection is not None and connection.state not in (states.SUSPENDED, states.UNREGISTERED, states.REMOVED):
                return Presented(connection, row.hash, row.state, text)
        return None

    async def _confirm(self, presented: Presented) -> None:
        async def work(tx: Tx) -> None:
            row = await tx.partners.token(presented.hash)
            if row is not None and row.state == states.PENDING:
                await tx.partners.mark(row.hash, states.ACTIVE)
                await tx.partners.end_overlap(row.connection, tx.clock() + UNDER_WAY)

        await self.write(work)

    def _remember(self, header: str, presented: Presented) -> tuple[Connection, bool]:
        headers = self._now.headers
        if len(headers) >= HEADERS:
            headers.clear()
        answer = presented.connection, presented.registering
        headers[header] = answer, self._now.tokens[presented.hash].expires_at
        return answer

    # --- who they are

    def by_id(self, connection: int) -> Connection | None:
        return self._now.connections.get(connection)

    def all(self, *, registered: bool = False, removed: bool = False) -> list[Connection]:
        """All connections, those that were removed only where they are asked for; or only those that may be called."""
        hidden = () if removed else (states.REMOVED,)
        return [one for one in self._now.connections.values() if one.registered or not (registered or one.state in hidden)]

    def may_write(self, connection: Connection, country_code: str, party_id: str, role: str | None = None) -> bool:
        """Whether it speaks for that party; of what belongs to a role, whether nobody else has registered the party in it."""
        key = country_code.upper(), party_id.upper()
        return key in connection.writable and (role, key) not in connection.others

    def of_party(self, country_code: str, party_id: str, role: str | None = None) -> list[Connection]:
        """The registered connections over which a party is reached, direct ones before hubs."""
        key = Party(country_code, party_id).key
        found = [one for one in self.all(registered=True) if key in one.writable and (role is None or _has(one, key, role))]
        return sorted(found, key=lambda one: one.hub is not None)

    def their_party(self, connection: Connection, role: str | None = None) -> Party | None:
        """The party of the partner that a request is for: the hub itself, the first in that role, or the first."""
        if connection.hub is not None:
            return connection.hub
        for party in connection.parties:
            if role is None or party.role == role:
                return party.party
        return connection.parties[0].party if connection.parties else None

    # --- who we are

    def our_parties(self, role: str | None = None) -> tuple[OurParty, ...]:
        return self._now.ours if role is None else tuple(party for party in self._now.ours if party.role == role)

    def is_ours(self, party: Party) -> bool:
        return party.key in self._now.own_keys

    def offered(self, connection: Connection, role: str | None = None) -> tuple[OurParty, ...]:
        """Our parties that this connection was set up for, in one role or in any, whatever version it speaks."""
        return _offered(self._now.ours, connection, role)

    def shown(self, connection: Connection, role: str | None = None, version: str | None = None) -> tuple[OurParty, ...]:
        """Our parties as this connection sees them, in its version or in one that is not agreed yet."""
        return _shown(self._now.ours, connection, version or connection.version, role)

    def party_for(self, connection: Connection, role: str | None = None) -> Party | None:
        """The party of ours that speaks on this connection (FROM), in that role where we have it."""
        shown = self.shown(connection, role) or self.shown(connection)
        return Party(shown[0].country_code, shown[0].party_id) if shown else None

    def answering(self, connection: Connection, to: Party | None, sender: Party | None) -> dict[str, str]:
        """The routing headers of an answer: TO is the party that asked, FROM the one that was asked; where the request did not say, the
        first of each side (4.1.9.6)."""
        if to is None and sender is None:
            known = self._now.answers.get(connection.id)
            if known is None:
                known = self._now.answers[connection.id] = self._answering(connection, None, None)
            return known
        return self._answering(connection, to, sender)

    def _answering(self, connection: Connection, to: Party | None, sender: Party | None) -> dict[str, str]:
        theirs = connection.parties
        asking = sender or (Party(theirs[0].country_code, theirs[0].party_id) if theirs else None)
        return routing_headers(asking, to or self.party_for(connection, None))

    def their_roles(self, connection: Connection) -> tuple[str, ...]:
        return tuple(dict.fromkeys(party.role for party in connection.parties))


def _offered(ours: Iterable[OurParty], connection: Connection, role: str | None) -> tuple[OurParty, ...]:
    return tuple(
        party
        for party in ours
        if (role is None or party.role == role)
        and (connection.our_role is None or party.role == connection.our_role)
        and (connection.our_party is None or Party(party.country_code, party.party_id).key == connection.our_party.key)
    )


def _shown(ours: Iterable[OurParty], connection: Connection, version: str | None, role: str | None) -> tuple[OurParty, ...]:
    """All that are offered; in 2.1.1 the first, where the URL may say in which role. Credentials, lists and push all ask this."""
    offered = _offered(ours, connection, role)
    if version is None or VERSIONS[version].roles_in_credentials:
        return offered
    return tuple(party for party in offered if party.role in ROLES_BY_URL)[:1]


def _alone(ours: Iterable[OurParty], connection: Connection) -> dict[str, Party]:
    if connection.version is None or VERSIONS[connection.version].roles_in_credentials:
        return {}
    first = [party for role in ROLES_BY_URL for party in _shown(ours, connection, connection.version, role)]
    return {party.role: Party(party.country_code, party.party_id) for party in first}


def _has(connection: Connection, key: tuple[str, str], role: str) -> bool:
    return any(one.party.key == key and one.role == role for one in (*connection.parties, *connection.reachable))


def role_of_211(our_roles: Iterable[str]) -> str | None:
    """The role of a partner that cannot say it (2.1.1): the counterpart of ours, where we show only one."""
    found = {COUNTERPART[role] for role in our_roles if role in ROLES_BY_URL}
    return found.pop() if len(found) == 1 else None


# --- from rows


async def _load(tx: Tx, known: int) -> _Snapshot | None:
    generation = await tx.generation("partners")
    if generation == known:
        return None
    ours = tuple(await tx.parties.all())
    own_keys = frozenset(Party(party.country_code, party.party_id).key for party in ours)
    members, clients = await tx.parties.members(), await tx.partners.clients()
    connections = {
        row.id: connection_of(row, clients.get(row.id, []), tuple(members.get(row.id, ())), own_keys) for row in await tx.partners.all()
    }
    claims.leave_out(connections.values())
    named = {name: number for number, name in (await tx.parties.classes()).items()}
    for one in connections.values():
        one.alone = _alone(ours, one)
        if named.get(ALL_SESSIONS) in one.audiences:
            one.steered = tuple(sorted({*connections, *filter(None, [named.get(OWN_DRIVERS)])} - {one.id}))
    tokens = {row.hash: row for row in await tx.partners.tokens()}
    return _Snapshot(generation, connections, tokens, ours, own_keys)
