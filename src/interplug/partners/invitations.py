"""What an operator does with partners: invite, suspend, resume, remove, and say what they may do.

An invitation is a registration token for one connection. It can be used once, a newer one replaces it, and until it is used the connection
that it belongs to stays as it is: so inviting again is the cure when the answer to a registration was lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from interplug.protocol.headers import Party
from interplug.store.partners import ConnectionRow
from interplug.store.tx import Tx
from interplug.versions.table import VERSIONS

from . import states
from .directory import Directory
from .keys import new_token
from .presentation import versions_url

ANY_SIDE = (None, None, None)


@dataclass(slots=True, frozen=True)
class Invitation:
    """What the partner is told on a safe way: the token (shown once, never stored) and where to begin."""

    token: str = field(repr=False)
    versions_url: str
    connection: int


async def invite(
    directory: Directory,
    name: str,
    role: str | None = None,
    party: Party | None = None,
    version: str | None = None,
    *,
    hosts: Iterable[str] = (),
    allow: Iterable[str] | None = None,
) -> Invitation:
    """A registration token for the partner `name`. `role` and `party` are ours, as it shall see us; `version` pins one.

    `hosts` binds it to these places, `allow` (as `NL-ABC`) to these parties.
    """
    if version is not None and version not in VERSIONS:
        raise ValueError(f"unknown version {version}")
    token = new_token()
    wanted = ConnectionRow(
        partner=0,
        name=name,
        state=states.NEW,
        pinned=version,
        our_role=role,
        our_country=party.country_code if party else None,
        our_party=party.party_id if party else None,
        hosts=sorted(hosts),
        allow=None if allow is None else sorted(allow),
        created_at=directory.clock(),
    )

    async def work(tx: Tx) -> int:
        number = await _connection(tx, wanted)
        await tx.partners.drop_tokens(number, states.REGISTRATION)
        await tx.partners.issue(directory.key.hash_token(token), number, states.REGISTRATION, tx.clock())
        return number

    number = await directory.write(work)
    return Invitation(token, versions_url(directory.settings, role), number)


async def _connection(tx: Tx, wanted: ConnectionRow) -> int:
    """The partner's connection of that side of ours, or a new one. Who names no side means the only connection that there is."""
    known = [row for row in await tx.partners.all() if row.name == wanted.name and row.state != states.REMOVED]
    same = [row for row in known if _side(row) == _side(wanted)] or (known if _side(wanted) == ANY_SIDE and len(known) == 1 else [])
    if same:
        await tx.partners.change(same[0].id, state=states.after(same[0].state, "invite"), **_named(wanted))
        return same[0].id
    wanted.partner = await tx.partners.partner(wanted.name, wanted.created_at)
    wanted.state = states.after(states.NEW, "invite")
    return await tx.partners.add(wanted)


def _side(row: ConnectionRow) -> tuple[str | None, str | None, str | None]:
    return row.our_role, row.our_country, row.our_party


def _named(wanted: ConnectionRow) -> dict[str, object]:
    """What inviting again changes: only what it names."""
    columns: dict[str, object] = {"pinned": wanted.pinned, "hosts": wanted.hosts or None, "allow": wanted.allow}
    return {name: value for name, value in columns.items() if value is not None}


async def suspend(directory: Directory, connection: int) -> None:
    """Its tokens are not accepted and nothing is sent, until `resume`."""
    await _event(directory, connection, "suspend")


async def resume(directory: Directory, connection: int) -> None:
    await _event(directory, connection, "resume")


async def remove(directory: Directory, connection: int) -> None:
    """Ends it for good without telling the partner (see `registration.unregister`); what was exchanged stays as evidence."""
    await _event(directory, connection, "remove")


async def permit(directory: Directory, connection: int, *, hosts: Iterable[str] | None = None, allow: Iterable[str] | None = None) -> None:
    """Sets where a connection may be called, and for which parties (as `NL-ABC`) it may write; None leaves it as it is."""
    columns = {"hosts": None if hosts is None else sorted(hosts), "allow": None if allow is None else sorted(allow)}
    named = {name: value for name, value in columns.items() if value is not None}
    if named:
        await directory.write(lambda tx: tx.partners.change(connection, **named))


async def _event(directory: Directory, connection: int, event: str) -> None:
    async def work(tx: Tx) -> None:
        row = await tx.partners.get(connection)
        if row is None:
            raise LookupError(f"there is no connection {connection}")
        ends = {"token_out": None} if event == "remove" else {}
        await tx.partners.change(connection, state=states.after(row.state, event), **ends)
        if event == "remove":
            await tx.partners.drop_tokens(connection)

    await directory.write(work)
