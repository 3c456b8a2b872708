"""`interplug partner`: whom we work with, and how that goes on and ends; how it begins stands in `inviting.py`.

`rotate` needs a running node, because the partner calls back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.partners import audiences, invitations, registration, states
from interplug.partners.directory import Connection
from interplug.store.tx import Tx
from interplug.sync.health import health

from . import conditions, lists
from .ending import USAGE, columns, end, show
from .opening import REPORTING, Reporting, check_version, with_node
from .options import Partner

Pinned = Annotated[str | None, Parameter(help="OCPI version to agree on; without it, the highest that both speak.")]


def list_(
    *, all: Annotated[bool, Parameter(negative=(), help="Also those that were removed.")] = False, common: Reporting = REPORTING
) -> None:
    """List partners and their connections."""

    async def work(node: Node) -> list[dict[str, Any]]:
        return [described(one) for one in node.directory.all(removed=all)]

    found = with_node(common, work)
    names = ("id", "partner", "state", "version", "hub", "parties", "versions_url")
    rows = [[" ".join(one[name]) if name == "parties" else one[name] for name in names] for one in found]
    lines = columns(("id", "partner", "state", "OCPI", "hub", "parties", "versions URL"), rows) if rows else ["no partner yet"]
    show(found, lines, json=common.json)


def show_partner(node: Node, connection: Connection) -> dict[str, Any]:
    ours = [f"{one.role} {one.country_code}-{one.party_id}" for one in node.directory.shown(connection)]
    return {
        **described(connection),
        "sees": ours,
        "endpoints": [{"identifier": one.identifier, "role": one.role, "url": one.url} for one in connection.endpoints],
        "hosts": sorted(connection.hosts),
        "writes_for": sorted("-".join(key) for key in connection.writable),
        "left_out": sorted("-".join(key) for key in connection.left_out),
        "pinned": connection.pinned,
    }


def show_(partner: Partner, /, *, common: Reporting = REPORTING) -> None:
    """Show one partner: how it is, endpoints, parties, what it may write, what stands in its way."""

    async def work(node: Node) -> dict[str, Any]:
        connection = named(node, partner)
        known = await health(node, connection)
        read = await lists.described(node, connection)
        told = {"health": conditions.described(known), "lists": read, "refused": conditions.refusals(known)}
        return {**show_partner(node, connection), **told}

    document = with_node(common, work)
    show(document, _lines(document), json=common.json)


def rotate(partner: Partner, /, *, version: Pinned = None, common: Reporting = REPORTING) -> None:
    """Renew the tokens of both sides (and the version, if one is named)."""
    check_version(version)

    async def work(node: Node) -> dict[str, Any]:
        return described(await registration.rotate(node.directory, node.client, named(node, partner), version))

    document = with_node(common, work)
    show(document, [f"new tokens with {document['partner']}: OCPI {document['version']}"], json=common.json)


def suspend(partner: Partner, /, *, common: Reporting = REPORTING) -> None:
    """Take no requests from a partner and send none, until `resume`."""
    _moved(common, partner, lambda node, one: invitations.suspend(node.directory, one.id))


def resume(partner: Partner, /, *, common: Reporting = REPORTING) -> None:
    """End a suspension."""
    _moved(common, partner, lambda node, one: invitations.resume(node.directory, one.id))


def retry(
    partner: Partner,
    /,
    *,
    all: Annotated[bool, Parameter(negative=(), help="Tell it of everything that it may see, as if it had lost all.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """Try again at once what a partner did not take, also when it is left alone for a while.

    A running node does it within a second or two; another one when it starts.
    """

    async def work(node: Node) -> dict[str, Any]:
        one = named(node, partner)

        async def again(tx: Tx) -> int:
            await tx.cursors.hasten(one.id)
            if all:
                await audiences.all_again(tx, one)
            return len(await tx.cursors.refused(one.id))

        return {**described(one), "refused": await node.store.write(again), "all": all}

    document = with_node(common, work)
    told = ", and it is told of everything" if all else ""
    show(document, [f"{document['refused']} refused objects of {document['partner']} are tried again{told}"], json=common.json)


def remove(
    partner: Partner,
    /,
    *,
    untold: Annotated[bool, Parameter(negative=(), help="Do not tell the partner, or go on when it cannot be told.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """End the work with a partner: it is told, all tokens are forgotten, what was exchanged stays as evidence."""

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
        return described(after)

    document = with_node(common, work)
    show(document, [f"{document['partner']} is {document['state'].lower()}"], json=common.json)


def described(one: Connection) -> dict[str, Any]:
    return {
        "id": one.id,
        "partner": one.partner,
        "state": one.state,
        "version": one.version,
        "versions_url": one.versions_url,
        "hub": None if one.hub is None else str(one.hub),
        "parties": [f"{party.role} {party.country_code}-{party.party_id}" for party in one.parties],
        "registered_at": None if one.registered_at is None else format_time(one.registered_at),
    }


def _lines(document: dict[str, Any]) -> list[str]:
    plain = {name: value for name, value in document.items() if not isinstance(value, list | dict)}
    lines = [f"{name:14} {value}" for name, value in plain.items() if value is not None]
    lines += [f"{name:14} {' '.join(document[name]) or '-'}" for name in ("parties", "sees", "hosts", "writes_for")]
    if document["left_out"]:
        lines.append(f"{'left_out':14} {' '.join(document['left_out'])} (registered with us themselves, so not the hub's)")
    lines += ["", *conditions.lines(document["health"])]
    lines += ["", *columns(("endpoint", "side", "URL"), [one.values() for one in document["endpoints"]])]
    lines += ["", *lists.lines(document["lists"])] if document["lists"] else []
    return lines + conditions.refused_lines(document["refused"])
