"""The client's side of chapter 7: we register with a partner, renew, leave.

    their versions and details with the token that they gave us  →  offer a token of ours (stored, so that they can call back)
    →  POST or PUT  →  one transaction

What their answer does not confirm is not changed: the old link and its tokens keep working. If no answer comes, it may have been
carried out: the offered token stays valid, so they can reach us with either, and we try again with what we have. A refusal takes
the offer back. The same commands are safe to repeat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from interplug.protocol.envelope import Reply
from interplug.protocol.headers import Party
from interplug.protocol.status import OcpiError
from interplug.store.partners import ConnectionRow
from interplug.store.tx import Tx
from interplug.versions.table import VERSIONS

from . import claims, presentation, states
from .client import Access, PartnerClient
from .directory import Connection, Directory, role_of_211
from .guard import Forbidden, check_url, origin
from .handshake import Verified, read_credentials, replace_token
from .keys import new_token
from .lookup import Offer, look_up
from .roles import REQUIRED

DAY = 86_400_000_000


class HandshakeFailed(Exception):
    """The partner could not be registered, renewed or left; the text is for the operator and holds no token.

    `lost` means that nobody knows whether the partner carried it out; `code` is the OCPI status that fits the reason.
    """

    def __init__(self, reason: str, *, code: int | None = None, lost: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.lost = lost


@dataclass(slots=True, frozen=True)
class Wish:
    """How a new connection is to be set up. `role` and `party` are ours, as it shall see us; `version` pins one."""

    name: str | None = None
    version: str | None = None
    role: str | None = None
    party: Party | None = None
    hosts: tuple[str, ...] = ()
    allow: tuple[str, ...] | None = None


async def register(directory: Directory, client: PartnerClient, versions_url: str, token: str, wish: Wish | None = None) -> Connection:
    """Registers with the platform at `versions_url`, with the token that it gave us; a connection with this URL is renewed."""
    wish = wish or Wish()
    await directory.refresh()
    named = {host for one in directory.all() if one.versions_url == versions_url for host in one.named_hosts}
    access = Access(token, frozenset((origin(versions_url), *wish.hosts, *named)))
    probe = _as_wished(directory, versions_url, wish)
    offer = await _look_up(directory, client, access, versions_url, probe, wish.version)
    connection = await _begin(directory, versions_url, wish)
    access.connection = connection.id
    return await _exchange(directory, client, connection, access, offer, "POST")


async def rotate(directory: Directory, client: PartnerClient, connection: Connection, version: str | None = None) -> Connection:
    """New tokens for both sides (PUT), and new endpoints; to `version`, or the one in use (7.1.2 to 7.1.4)."""
    access = await client.access(connection)
    if isinstance(access, Reply):
        raise HandshakeFailed(access.why())
    wanted = version or connection.version
    offer = await _look_up(directory, client, access, connection.versions_url, connection, wanted)
    if connection.pinned in (None, wanted):
        return await _exchange(directory, client, connection, access, offer, "PUT")
    # The partner looks at our versions while it answers, so it must see the new one before anything is agreed.
    await _pin(directory, connection, wanted)
    try:
        return await _exchange(directory, client, connection, access, offer, "PUT")
    except HandshakeFailed:
        await _pin(directory, connection, connection.pinned)
        raise


async def _pin(directory: Directory, connection: Connection, version: str | None) -> None:
    await directory.write(lambda tx: tx.partners.change(connection.id, pinned=version))


async def unregister(directory: Directory, client: PartnerClient, connection: Connection, *, force: bool = False) -> None:
    """Tells the partner (DELETE) and forgets all tokens. With `force`, also when the partner cannot be told."""
    reply = await client.call(connection, "DELETE", "credentials", "SENDER")
    # Whoever does not know our token any more, or never thought us registered, has nothing left to end.
    if not (reply.ok or reply.http in (401, 405) or force):
        raise HandshakeFailed(f"{connection.partner} did not take the DELETE: {reply.why()}", lost=reply.http == 0)

    async def work(tx: Tx) -> None:
        row = await tx.partners.get(connection.id)
        if row is not None and row.state in (states.REGISTERED, states.SUSPENDED):
            await tx.partners.change(row.id, state=states.after(row.state, "unregister"), token_out=None)
            await tx.partners.drop_tokens(row.id)

    await directory.write(work)


def overdue(directory: Directory, days: float = 30.0) -> list[Connection]:
    """Connections whose tokens are older than advised (CRD-028)."""
    before = directory.clock() - int(days * DAY)
    return [one for one in directory.all(registered=True) if one.registered_at is not None and one.registered_at < before]


# --- the steps


async def _look_up(
    directory: Directory, client: PartnerClient, access: Access, url: str, connection: Connection, version: str | None
) -> Offer:
    """7.1.6: we do not POST to a platform that lacks what we need."""
    wanted = [version] if version else [number for number in VERSIONS if number in directory.settings.ocpi.versions]
    ours = [party.role for party in directory.offered(connection)]
    try:
        offer = await look_up(client, access, url, wanted, role_of_211(ours))
        _check_useful(offer, ours)
    except OcpiError as error:
        raise HandshakeFailed(f"{urlsplit(url).netloc}: {error.message}", code=error.code) from None
    return offer


def _check_useful(offer: Offer, ours: Iterable[str]) -> None:
    """The partner's roles are not known yet, so one of ours must find all that it needs."""
    needs = [REQUIRED[role] for role in dict.fromkeys(ours) if role in REQUIRED]
    if needs and not any(map(offer.has, needs)):
        offer.check(needs)


def _as_wished(directory: Directory, versions_url: str, wish: Wish) -> Connection:
    """The connection as it will be, to ask what it would show; a wish that fits no party of ours is refused here."""
    probe = Connection(0, 0, "", states.NEW, None, versions_url, 0, None, our_role=wish.role, our_party=wish.party)
    if not directory.offered(probe):
        raise states.NotPossible("this node has no party of that role and name to register with (interplug party add makes one)")
    return probe


async def _begin(directory: Directory, versions_url: str, wish: Wish) -> Connection:
    """The row of the connection: the one with this URL and the same side of ours, or a new one."""
    name = wish.name or urlsplit(versions_url).hostname or "partner"
    country, party = (wish.party.country_code, wish.party.party_id) if wish.party else (None, None)

    async def work(tx: Tx) -> int:
        row = _meant(await tx.partners.all(), versions_url, name, wish)
        if row is not None:
            await tx.partners.change(row.id, state=states.after(row.state, "offer"), **_named(wish))
            return row.id
        new = ConnectionRow(
            partner=await tx.partners.partner(name, tx.clock()),
            name=name,
            state=states.after(states.NEW, "offer"),
            pinned=wish.version,
            versions_url=versions_url,
            our_role=wish.role,
            our_country=country,
            our_party=party,
            hosts=list(wish.hosts),
            allow=None if wish.allow is None else list(wish.allow),
            created_at=tx.clock(),
        )
        return await tx.partners.add(new)

    return _known(directory, await directory.write(work))


def _meant(rows: list[ConnectionRow], versions_url: str, name: str, wish: Wish) -> ConnectionRow | None:
    """The connection that is renewed: the one with this URL, else one of this name at the same place; seen from the same side of ours."""
    ours = (wish.role, *(wish.party.key if wish.party else (None, None)))
    usable = [row for row in rows if (row.state, "offer") in states.CONNECTION_STATES and _side(row) == ours]
    same_url = (row for row in usable if row.versions_url.rstrip("/") == versions_url.rstrip("/") and wish.name in (None, row.name))
    same_place = (row for row in usable if row.versions_url and origin(row.versions_url) == origin(versions_url) and row.name == name)
    return next(same_url, None) or next(same_place, None)


def _side(row: ConnectionRow) -> tuple[str | None, str | None, str | None]:
    key = Party(row.our_country, row.our_party).key if row.our_country and row.our_party else (None, None)
    return row.our_role, *key


def _named(wish: Wish) -> dict[str, Any]:
    """What a repeated wish changes: only what it names."""
    columns: dict[str, Any] = {"pinned": wish.version}
    if wish.hosts:
        columns["hosts"] = list(wish.hosts)
    if wish.allow is not None:
        columns["allow"] = list(wish.allow)
    return columns


def _known(directory: Directory, number: int) -> Connection:
    connection = directory.by_id(number)
    if connection is None:
        raise LookupError(f"connection {number} is gone")
    return connection


async def _exchange(
    directory: Directory, client: PartnerClient, connection: Connection, access: Access, offer: Offer, method: str
) -> Connection:
    """Offers a token, sends it, and takes the answer."""
    token = new_token()
    url = offer.url("credentials")
    assert url is not None  # look_up has seen it
    ours = presentation.credentials(directory, connection, offer.version, token, pays=offer.url("payments") is not None)
    await _offer(directory, connection, token)
    reply = await client.ask(access, method, url, ours)
    if not reply.ok:
        await _failed(directory, connection, token, reply)
    try:
        verified = _answered(directory, connection, access, offer, reply.data)
        return await _finish(directory, connection, token, verified)
    except OcpiError as error:
        await _settle(directory, connection, "silence")
        raise HandshakeFailed(
            f"{connection.partner} answered with unusable credentials: {error.message}", code=error.code, lost=True
        ) from None


async def _offer(directory: Directory, connection: Connection, token: str) -> None:
    async def work(tx: Tx) -> None:
        await tx.partners.issue(directory.key.hash_token(token), connection.id, states.OFFERED, tx.clock())

    await directory.write(work)


async def _failed(directory: Directory, connection: Connection, token: str, reply: Reply) -> None:
    """An answer that is no OCPI answer (none at all, a gateway's 502) leaves open what happened; an OCPI error does not."""
    lost = reply.code is None and reply.http not in (401, 403, 404, 405)
    await _settle(directory, connection, "silence" if lost else "refuse", None if lost else directory.key.hash_token(token))
    raise HandshakeFailed(f"{connection.partner} did not take our credentials: {reply.why()}", code=reply.code, lost=lost)


async def _settle(directory: Directory, connection: Connection, event: str, refused: bytes | None = None) -> None:
    async def work(tx: Tx) -> None:
        row = await tx.partners.get(connection.id)
        if row is not None and (row.state, event) in states.CONNECTION_STATES:
            await tx.partners.change(row.id, state=states.after(row.state, event))
        if refused is not None:
            await tx.partners.drop_token(refused)

    await directory.write(work)


def _answered(directory: Directory, connection: Connection, access: Access, offer: Offer, data: Any) -> Verified:
    """The Credentials object of the answer. Where its URL stands on a host that is not theirs, the one that we called stays."""
    ours = [party.role for party in directory.shown(connection, version=offer.version)]
    theirs = read_credentials(directory, offer.version, data, role_of_211(ours))
    try:
        check_url(theirs["url"], directory.settings.network, access.hosts)
    except Forbidden:
        theirs = {**theirs, "url": connection.versions_url}
    return Verified(theirs, offer, access)


async def _finish(directory: Directory, connection: Connection, token: str, verified: Verified) -> Connection:
    async def work(tx: Tx) -> None:
        row = await tx.partners.get(connection.id)
        if row is None or (row.state, "register") not in states.CONNECTION_STATES:
            raise HandshakeFailed(f"{connection.partner} was suspended or removed meanwhile")
        await claims.check(tx, row, verified.document)
        columns = verified.columns(directory, row.id)
        await tx.partners.change(row.id, state=states.after(row.state, "register"), registered_at=tx.clock(), **columns)
        await replace_token(tx, directory, row.id, token)
        await tx.partners.drop_tokens(row.id, states.OFFERED, states.REGISTRATION)
        # The partner knows our parties now: what it refused because it did not is tried again.
        await tx.cursors.hasten(row.id)

    await directory.write(work)
    return _known(directory, connection.id)
