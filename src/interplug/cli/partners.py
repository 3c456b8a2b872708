"""`interplug partner`: who we work with, and the handshakes of chapter 7.

A token is printed once, when it is made, and read from a file or from standard input, never from an argument: arguments are seen by
everybody on the machine. `register` and `rotate` need a running node, because the partner calls back.
"""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.partners import audiences, invitations, registration, states
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.tx import Tx
from interplug.sync.health import health

from . import conditions, lists
from .ending import CONFIGURATION, USAGE, columns, end, show
from .opening import DASH, REPORTING, Reporting, check_version, with_node
from .options import CALLED, called
from .parties import Role, party

HOST = re.compile(r"([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def _partner(kind: Any, name: str | None) -> None:
    called(kind, name)
    if name is not None and (name == "-" or name.isdigit()):
        raise ValueError("a number or - means something else where partners are named")


def _hosts(_: Any, hosts: list[str] | None) -> None:
    if wrong := [host for host in hosts or () if not HOST.fullmatch(host)]:
        raise ValueError(f"{wrong[0]!r} is no host; write one as ocpi.example.com or ocpi.example.com:8443")


AsRole = Annotated[Role | None, Parameter(help="Our role that the partner shall see; without it, all.")]
AsParty = Annotated[str | None, Parameter(help="Our party that the partner shall see, as NL-TNM.")]
Pinned = Annotated[str | None, Parameter(help="OCPI version to agree on; without it, the highest that both speak.")]
Hosts = Annotated[
    list[str] | None, Parameter(validator=_hosts, help="Host (or host:port) at which the partner may be called; may be repeated.")
]
Allowed = Annotated[list[str] | None, Parameter(help="Party, as NL-TNM, for which the partner may write; may be repeated.")]

Audiences = Annotated[list[str] | None, CALLED, Parameter(name="--audience", help="Audience that the partner joins; may be repeated.")]


def invite(
    name: Annotated[str, Parameter(validator=_partner)],
    /,
    *,
    role: AsRole = None,
    as_party: Annotated[AsParty, Parameter(name="--party")] = None,
    version: Pinned = None,
    host: Hosts = None,
    allow: Allowed = None,
    audience: Audiences = None,
    common: Reporting = REPORTING,
) -> None:
    """Make a registration token for a partner, who then registers with us.

    Parameters
    ----------
    name
        What we call the partner.
    """
    check_version(version)
    ours = None if as_party is None else party(as_party)

    async def work(node: Node) -> invitations.Invitation:
        _check_address(node)
        _check_ours(node, role, ours)
        made = await invitations.invite(
            node.directory, name, role, ours, version, hosts=host or (), allow=None if allow is None else _parties(allow)
        )
        await _joins(node, made.connection, audience)
        return made

    made = with_node(common, work, makes=True)
    document = {"token": made.token, "versions_url": made.versions_url, "connection": made.connection}
    lines = [f"token          {made.token}", f"versions URL   {made.versions_url}", "The token is shown once and serves once."]
    show(document, lines, json=common.json)


def register(
    versions_url: str,
    /,
    *,
    token_file: Annotated[str, DASH, Parameter(help="File with the token that the partner gave us; - is standard input.")] = "-",
    name: Annotated[str | None, Parameter(validator=_partner, help="What we call the partner; without it, its host.")] = None,
    version: Pinned = None,
    role: AsRole = None,
    as_party: Annotated[AsParty, Parameter(name="--party")] = None,
    host: Hosts = None,
    allow: Allowed = None,
    audience: Audiences = None,
    common: Reporting = REPORTING,
) -> None:
    """Register with a partner who has invited us.

    Parameters
    ----------
    versions_url
        Where the partner's versions are.
    """
    check_version(version)
    wish = registration.Wish(
        name,
        version,
        role,
        None if as_party is None else party(as_party),
        tuple(host or ()),
        None if allow is None else tuple(_parties(allow)),
    )
    token = _token(token_file)

    async def work(node: Node) -> dict[str, Any]:
        _check_address(node)
        _check_ours(node, role, wish.party)
        made = await registration.register(node.directory, node.client, versions_url, token, wish)
        await _joins(node, made.id, audience)
        return _described(made)

    document = with_node(common, work)
    show(document, [f"registered with {document['partner']}: OCPI {document['version']}"], json=common.json)


async def _joins(node: Node, connection: int, names: list[str] | None) -> None:
    for name in names or ():
        one = node.directory.by_id(connection)
        assert one is not None
        await audiences.join(node.directory, name, one)


def list_(
    *, all: Annotated[bool, Parameter(negative=(), help="Also those that were removed.")] = False, common: Reporting = REPORTING
) -> None:
    """List partners and their connections."""

    async def work(node: Node) -> list[dict[str, Any]]:
        return [_described(one) for one in node.directory.all(removed=all)]

    found = with_node(common, work)
    rows = [(one["id"], one["partner"], one["state"], one["version"], " ".join(one["parties"]), one["versions_url"]) for one in found]
    lines = columns(("id", "partner", "state", "OCPI", "parties", "versions URL"), rows) if rows else ["no partner yet"]
    show(found, lines, json=common.json)


def show_partner(node: Node, connection: Connection) -> dict[str, Any]:
    ours = [f"{one.role} {one.country_code}-{one.party_id}" for one in node.directory.shown(connection)]
    return {
        **_described(connection),
        "sees": ours,
        "endpoints": [{"identifier": one.identifier, "role": one.role, "url": one.url} for one in connection.endpoints],
        "hosts": sorted(connection.hosts),
        "writes_for": sorted("-".join(key) for key in connection.writable),
        "pinned": connection.pinned,
    }


def show_(partner: str, /, *, common: Reporting = REPORTING) -> None:
    """Show one partner: how it is, endpoints, parties, what it may write, what stands in its way.

    Parameters
    ----------
    partner
        Its name, or the number of the connection.
    """

    async def work(node: Node) -> dict[str, Any]:
        connection = named(node, partner)
        known = await health(node, connection)
        read = await lists.described(node, connection)
        told = {"health": conditions.described(known), "lists": read, "refused": conditions.refusals(known)}
        return {**show_partner(node, connection), **told}

    document = with_node(common, work)
    show(document, _lines(document), json=common.json)


def rotate(partner: str, /, *, version: Pinned = None, common: Reporting = REPORTING) -> None:
    """Renew the tokens of both sides (and the version, if one is named).

    Parameters
    ----------
    partner
        Its name, or the number of the connection.
    """
    check_version(version)

    async def work(node: Node) -> dict[str, Any]:
        return _described(await registration.rotate(node.directory, node.client, named(node, partner), version))

    document = with_node(common, work)
    show(document, [f"new tokens with {document['partner']}: OCPI {document['version']}"], json=common.json)


def suspend(partner: str, /, *, common: Reporting = REPORTING) -> None:
    """Take no requests from a partner and send none, until `resume`.

    Parameters
    ----------
    partner
        Its name, or the number of the connection.
    """
    _moved(common, partner, lambda node, one: invitations.suspend(node.directory, one.id))


def resume(partner: str, /, *, common: Reporting = REPORTING) -> None:
    """End a suspension.

    Parameters
    ----------
    partner
        Its name, or the number of the connection.
    """
    _moved(common, partner, lambda node, one: invitations.resume(node.directory, one.id))


def retry(
    partner: str,
    /,
    *,
    all: Annotated[bool, Parameter(negative=(), help="Tell it of everything that it may see, as if it had lost all.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """Try again at once what a partner did not take, also when it is left alone for a while.

    A running node does it within a second or two; another one when it starts.

    Parameters
    ----------
    partner
        Its name, or the number of the connection.
    """

    async def work(node: Node) -> dict[str, Any]:
        one = named(node, partner)

        async def again(tx: Tx) -> int:
            await tx.cursors.hasten(one.id)
            if all:
                await audiences.all_again(tx, one)
            return len(await tx.cursors.refused(one.id))

        return {**_described(one), "refused": await node.store.write(again), "all": all}

    document = with_node(common, work)
    told = ", and it is told of everything" if all else ""
    show(document, [f"{document['refused']} refused objects of {document['partner']} are tried again{told}"], json=common.json)


def remove(
    partner: str,
    /,
    *,
    untold: Annotated[bool, Parameter(negative=(), help="Do not tell the partner, or go on when it cannot be told.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """End the work with a partner: it is told, all tokens are forgotten, what was exchanged stays as evidence.

    Parameters
    ----------
    partner
        Its name, or the number of the connection.
    """

    async def work(node: Node, one: Connection) -> None:
        if one.registered:
            await registration.unregister(node.directory, node.client, one, force=untold)
        await invitations.remove(node.directory, one.id)

    _moved(common, partner, work)


def named(node: Node, text: str) -> Connection:
    """The one connection that is meant."""
    found = [one for one in node.directory.all() if str(one.id) == text]
    found = found or [one for one in node.directory.all() if one.partner == text and one.state != states.REMOVED]
    if not found:
        end(f"there is no partner {text!r}")
    if len(found) > 1:
        end(f"{text!r} has several connections; name one by its number: {', '.join(str(one.id) for one in found)}", USAGE)
    return found[0]


def _moved(common: Reporting, partner: str, step: Callable[[Node, Connection], Awaitable[None]]) -> None:
    async def work(node: Node) -> dict[str, Any]:
        before = named(node, partner)
        await step(node, before)
        after = node.directory.by_id(before.id)
        assert after is not None
        return _described(after)

    document = with_node(common, work)
    show(document, [f"{document['partner']} is {document['state'].lower()}"], json=common.json)


def _described(one: Connection) -> dict[str, Any]:
    return {
        "id": one.id,
        "partner": one.partner,
        "state": one.state,
        "version": one.version,
        "versions_url": one.versions_url,
        "parties": [f"{party.role} {party.country_code}-{party.party_id}" for party in one.parties],
        "registered_at": None if one.registered_at is None else format_time(one.registered_at),
    }


def _lines(document: dict[str, Any]) -> list[str]:
    plain = {name: value for name, value in document.items() if not isinstance(value, list | dict)}
    lines = [f"{name:14} {value}" for name, value in plain.items() if value is not None]
    lines += [f"{name:14} {' '.join(document[name]) or '-'}" for name in ("parties", "sees", "hosts", "writes_for")]
    lines += ["", *conditions.lines(document["health"])]
    lines += ["", *columns(("endpoint", "side", "URL"), [one.values() for one in document["endpoints"]])]
    lines += ["", *lists.lines(document["lists"])] if document["lists"] else []
    return lines + conditions.refused_lines(document["refused"])


def _token(source: str) -> str:
    if source == "-" and sys.stdin.isatty():
        text = getpass.getpass("token of the partner: ")
    else:
        text = sys.stdin.readline() if source == "-" else Path(source).read_text(encoding="utf-8")
    token = text.strip()
    if not token:
        end("the token is empty; it is read from standard input or from --token-file", USAGE)
    return token


def _parties(texts: list[str]) -> list[str]:
    return [str(party(text)) for text in texts]


def _check_ours(node: Node, role: Role | None, wanted: Party | None) -> None:
    """A partner that is to see one of our parties has to find one."""
    if role is None and wanted is None:
        return
    for one in node.directory.our_parties():
        if role in (None, one.role) and (wanted is None or wanted.key == (one.country_code, one.party_id)):
            return
    end(f"we have no party {' '.join(str(one) for one in (role, wanted) if one is not None)}; see: interplug party list", USAGE)


def _check_address(node: Node) -> None:
    """Partners call us at this address, so it must be one that stays."""
    server = node.settings.server
    if not server.public_url and server.port == 0:
        end("server.public_url is not set and server.port is 0: a partner could not find us again", CONFIGURATION)
