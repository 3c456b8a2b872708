"""`interplug audience`: Locations, Tariffs and Tokens that are not for every partner, and who sees them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from interplug.model.types import fold
from interplug.modules.node import Node
from interplug.partners import audiences
from interplug.store.keys import OWN

from .ending import USAGE, columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import CALLED, Partner
from .parties import party
from .partners import named

Shown = Literal["locations", "tariffs", "tokens"]


def list_(*, common: Reporting = REPORTING) -> None:
    """List the audiences, with the partners in them and what is for them alone."""

    async def work(node: Node) -> list[dict[str, Any]]:
        names = {one.id: one.partner for one in node.directory.all()}
        counts = await node.store.read(lambda tx: tx.objects.audience_counts())
        return [
            {"audience": one.name, "partners": [names[member] for member in one.members], "objects": counts.get(one.id, {})}
            for one in await audiences.classes(node.directory)
        ]

    found = with_node(common, work)
    rows = [
        (one["audience"], ", ".join(one["partners"]) or "-", ", ".join(f"{n} {module}" for module, n in one["objects"].items()) or "-")
        for one in found
    ]
    show(found, columns(("audience", "partners", "objects"), rows) if rows else ["everything is for everybody"], json=common.json)


def join(audience: Annotated[str, CALLED], partner: Partner, /, *, common: Reporting = REPORTING) -> None:
    """Let a partner see what is for this audience.

    Parameters
    ----------
    audience
        Its name; a new one is made.
    """

    async def work(node: Node) -> None:
        await audiences.join(node.directory, audience, named(node, partner))

    with_node(common, work)
    show({"audience": audience, "partner": partner, "member": True}, [f"{partner} sees what is for {audience}"], json=common.json)


def leave(audience: str, partner: Partner, /, *, common: Reporting = REPORTING) -> None:
    """Take a partner out of an audience; a running node tells it that what it saw is gone.

    Parameters
    ----------
    audience
        Its name.
    """

    async def work(node: Node) -> None:
        await audiences.leave(node.directory, audience, named(node, partner))

    with_node(common, work)
    said = f"{partner} no longer sees what is for {audience}"
    show({"audience": audience, "partner": partner, "member": False}, [said], json=common.json)


def set_(
    audience: Annotated[str, CALLED],
    module: Shown,
    /,
    *ids: str,
    all: Annotated[bool, Parameter(negative=(), help="All of the module, instead of those named.")] = False,
    party_: Annotated[str | None, Parameter(name="--party", help="Only objects of this party, as NL-TNM.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Show own objects to this audience and to nobody else; `everybody` ends that.

    Parameters
    ----------
    audience
        Its name; a new one is made. `everybody` is all partners.
    module
        locations, tariffs or tokens.
    ids
        The ids of the objects.
    """
    if bool(ids) is all:
        end("name the objects, or all of them with --all", USAGE)
    wanted = None if all else frozenset(fold(one) for one in ids)
    owner = None if party_ is None else party(party_).key

    async def work(node: Node) -> int:
        if absent := [one for one in ids if not await _ours(node, module, one, owner)]:
            end(f"none of ours is {', '.join(absent)} among the {module}{f' of {party_}' if party_ else ''}; nothing was changed")
        return await audiences.show_to(node.directory, module, audience, wanted, owner)

    changed = with_node(common, work)
    document = {"audience": audience, "module": module, "changed": changed}
    show(document, [f"{changed} {module} are now for {audience}"], json=common.json)


async def _ours(node: Node, module: Shown, id: str, owner: tuple[str, str] | None) -> bool:
    found = await node.store.read(lambda tx: tx.objects.find_id(module, fold(id), OWN))
    return any(owner in (None, (one.key.country.upper(), one.key.party.upper())) for one in found)
