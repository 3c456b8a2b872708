"""The server's side of chapter 7: a partner registers, renews its credentials, or leaves.

    read the Credentials object  →  call back for versions and details with the token in it  →  one transaction  →  answer

Nothing is stored before all of it is known to be right, and nothing is locked while the call back is under way, so a partner
that is slow or answers with a call of its own holds up nobody. The transaction looks again whether the token that was presented
still is what it was: of two POSTs with one registration token the second finds it used. There, too, it is seen whether the parties are
another partner's: of two that register one party at once the second is refused. Whatever fails leaves every token and the link as they
were (CRD-029).

The token that we answer with is `pending`, because the answer may be lost: until it is first used the one before it works too.
A registration token speaks for its own connection alone, whatever parties the object names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interplug.model.validate import Invalid, validate
from interplug.protocol.headers import Party
from interplug.protocol.status import CANNOT_USE_CLIENT, UNSUPPORTED_VERSION, OcpiError, invalid, method_not_allowed, unauthorized
from interplug.store.partners import ConnectionRow
from interplug.store.tx import Tx
from interplug.versions import chain
from interplug.versions.table import VERSIONS

from . import claims, presentation, states
from .client import Access, PartnerClient
from .directory import Connection, Directory, Presented, role_of_211
from .guard import Forbidden, check_url, origin
from .keys import new_token
from .lookup import Offer, look_up
from .roles import required

LONGEST_TOKEN = 64


@dataclass(slots=True)
class Verified:
    """What a partner has shown to be true: its Credentials in the newest form, and what it offers there."""

    document: dict[str, Any]
    offer: Offer
    access: Access

    def columns(self, directory: Directory, connection: int) -> dict[str, Any]:
        """What is stored of it: the token sealed, the rest as it is."""
        stored = {name: value for name, value in self.document.items() if name != "token"}
        return {
            "version": self.offer.version,
            "versions_url": self.document["url"],
            "credentials": stored,
            "endpoints": self.offer.endpoints,
            "flags": {"elsewhere": self.offer.elsewhere} if self.offer.elsewhere else {},
            "base64_out": None if self.access.base64 is None else int(self.access.base64),
            "token_out": directory.key.seal(self.document["token"], connection),
        }


async def accept_post(
    directory: Directory, client: PartnerClient, presented: Presented, version: str, document: Any, role: str | None = None
) -> dict[str, Any]:
    """Registers the partner for `version`; the Credentials object to answer with. `role` is that of a 2.1.1 URL."""
    if presented.state != states.REGISTRATION:
        raise method_not_allowed("POST", ["DELETE", "GET", "PUT"])
    return await _accept(directory, client, presented, version, document, role)


async def accept_put(
    directory: Directory, client: PartnerClient, presented: Presented, version: str, document: Any, role: str | None = None
) -> dict[str, Any]:
    """Renews tokens, roles and endpoints, and changes to `version` where that is another."""
    _registered("PUT", presented)
    return await _accept(directory, client, presented, version, document, role)


async def accept_delete(directory: Directory, presented: Presented) -> None:
    """All tokens of both directions are gone; the next request with one of them is answered 401 (CRD-022)."""
    _registered("DELETE", presented)

    async def work(tx: Tx) -> None:
        row = await _unchanged(tx, presented, "unregister")
        await tx.partners.change(row.id, state=states.after(row.state, "unregister"), token_out=None)
        await tx.partners.drop_tokens(row.id)

    await directory.write(work)


def _registered(method: str, presented: Presented) -> None:
    if presented.registering:
        raise method_not_allowed(method, ["GET", "POST"])


async def _accept(
    directory: Directory, client: PartnerClient, presented: Presented, version: str, document: Any, role: str | None
) -> dict[str, Any]:
    connection = presented.connection
    verified = await _verify(directory, client, connection, version, document, role)
    token = new_token()
    pays = verified.offer.url("payments") is not None
    answer = presentation.credentials(directory, connection, version, token, role, pays=pays)
    single = {} if VERSIONS[version].roles_in_credentials or role is None else {"our_role": role.upper()}

    async def work(tx: Tx) -> None:
        row = await _unchanged(tx, presented, "register")
        await claims.check(tx, row, verified.document)
        columns = {**verified.columns(directory, row.id), **single}
        await tx.partners.change(row.id, state=states.after(row.state, "register"), registered_at=tx.clock(), **columns)
        await tx.partners.drop_tokens(row.id, states.REGISTRATION, states.OFFERED)
        await replace_token(tx, directory, row.id, token)

    await directory.write(work)
    return answer


async def _unchanged(tx: Tx, presented: Presented, event: str) -> ConnectionRow:
    """The connection of a token that is still what it was when the request came in; it may have been suspended or ended meanwhile."""
    token = await tx.partners.token(presented.hash)
    row = await tx.partners.get(presented.connection.id)
    if (
        token is None
        or token.state not in (presented.state, states.ACTIVE)
        or row is None
        or (row.state, event) not in states.CONNECTION_STATES
    ):
        raise unauthorized("the token was used or replaced meanwhile")
    return row


async def replace_token(tx: Tx, directory: Directory, connection: int, token: str) -> None:
    """Issues a token, or takes the one that was offered; its predecessors are accepted for the overlap, or until it is used."""
    key = directory.key.hash_token(token)
    now = tx.clock()
    if await tx.partners.token(key) is None:
        await tx.partners.issue(key, connection, states.PENDING, now)
    else:
        await tx.partners.mark(key, states.PENDING)
    await tx.partners.drop_expired(now)
    await tx.partners.retire_others(connection, key, now + int(directory.settings.ocpi.token_overlap * 1_000_000))


# --- what the partner says, and whether it is true


async def _verify(
    directory: Directory, client: PartnerClient, connection: Connection, version: str, document: Any, role: str | None
) -> Verified:
    if connection.pinned is not None and version != connection.pinned:
        raise OcpiError(UNSUPPORTED_VERSION, f"this connection is agreed for version {connection.pinned}")
    ours = [party.role for party in directory.shown(connection, role.upper() if role else None, version)]
    their_role = role_of_211(ours)
    theirs = read_credentials(directory, version, document, their_role)
    access = _reachable_at(directory, connection, version, theirs)
    offer = await look_up(client, access, theirs["url"], [version], their_role)
    offer.check(required(ours, (one["role"] for one in theirs["roles"])))
    return Verified(theirs, offer, access)


def _reachable_at(directory: Directory, connection: Connection, version: str, theirs: dict[str, Any]) -> Access:
    """Where the partner says it is. The operator's hosts bind it where there are any; else its own word is taken, and checked."""
    try:
        check_url(theirs["url"], directory.settings.network, connection.hosts if connection.named_hosts else None)
    except Forbidden as error:
        raise OcpiError(CANNOT_USE_CLIENT, f"url: {error}") from None
    return Access(theirs["token"], connection.named_hosts | {origin(theirs["url"])}, None, connection.id, version)


def read_credentials(directory: Directory, version: str, document: Any, their_role: str | None) -> dict[str, Any]:
    """The newest form of a partner's Credentials object; 2001 names what is wrong with it."""
    if not isinstance(document, dict):
        raise invalid("$: expected an object")
    if not VERSIONS[version].hub_party_id:
        # A field that the version does not have says nothing, and certainly not that this is a hub.
        document = {name: value for name, value in document.items() if name != "hub_party_id"}
    theirs = chain.up("credentials", document, version, chain.Facts(role=their_role))
    try:
        validate("credentials", theirs)
    except Invalid as error:
        raise invalid(str(error)) from None
    token = theirs["token"]
    if not token or len(token) > LONGEST_TOKEN or not all("!" <= letter <= "~" for letter in token):
        raise invalid("$.token: 1 to 64 printable ASCII characters without blanks are needed")
    _check_roles(directory, theirs)
    return theirs


def _check_roles(directory: Directory, theirs: dict[str, Any]) -> None:
    named = [(role["role"], Party(role["country_code"], role["party_id"])) for role in theirs["roles"]]
    keys = [(role, party.key) for role, party in named]
    if len(set(keys)) != len(keys):
        raise invalid("$.roles: a role, party_id and country_code stand there twice (7.3.1)")
    for _, party in named:
        if directory.is_ours(party):
            raise invalid(f"$.roles: {party} is a party of this platform")
    hub = theirs.get("hub_party_id")
    if hub is not None and directory.is_ours(Party(hub[:2], hub[2:])):
        raise invalid(f"$.hub_party_id: {hub} is a party of this platform")
