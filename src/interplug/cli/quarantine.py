"""`interplug quarantine`: what arrived, from a partner or a file, and could not be taken; the original, and what is wrong with it."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from cyclopts import Parameter

from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.store.keys import OWN
from interplug.store.quarantine import Held

from .ending import columns, end, show
from .lists import check_list
from .opening import DASH, REPORTING, Reporting, with_node
from .options import Limit, Place
from .partners import named


def list_(
    *,
    partner: Annotated[str | None, DASH, Parameter(help="Only what this partner sent; - for what came from files.")] = None,
    module: Annotated[str | None, Parameter(help="Only objects of this module.")] = None,
    limit: Limit = 50,
    common: Reporting = REPORTING,
) -> None:
    """List what could not be taken, newest first."""

    check_list(() if module is None else (module,))

    async def work(node: Node) -> list[dict[str, Any]]:
        source = None if partner is None else OWN if partner == "-" else named(node, partner).id
        held = await node.store.read(lambda tx: tx.quarantine.list(source, module, limit=limit))
        return [_described(node, one) for one in held]

    found = with_node(common, work)
    rows = [[one[name] for name in ("number", "from", "module", "id", "path", "reason", "received_at")] for one in found]
    lines = columns(("number", "from", "module", "id", "path", "reason", "received"), rows)
    show(found, lines if rows else ["nothing is in quarantine"], json=common.json)


def show_(number: Place, /, *, common: Reporting = REPORTING) -> None:
    """Show one object as it came, and the reason.

    Parameters
    ----------
    number
        Its number in the list.
    """

    async def work(node: Node) -> dict[str, Any] | None:
        held = await node.store.read(lambda tx: tx.quarantine.get(number))
        return None if held is None else {**_described(node, held), "original": held.original.decode(errors="replace")}

    document = with_node(common, work)
    if document is None:
        _nothing(number)
    lines = [f"{name:12} {value}" for name, value in document.items() if name != "original"]
    show(document, [*lines, "", document["original"]], json=common.json)


def drop(number: Place, /, *, common: Reporting = REPORTING) -> None:
    """Forget one object.

    Parameters
    ----------
    number
        Its number in the list.
    """
    if not with_node(common, lambda node: node.store.write(lambda tx: tx.quarantine.drop(number))):
        _nothing(number)
    show({"number": number, "dropped": True}, [f"{number} is forgotten"], json=common.json)


def _nothing(number: int) -> NoReturn:
    end(f"there is nothing with the number {number} in quarantine")


def _described(node: Node, held: Held) -> dict[str, Any]:
    partner = node.directory.by_id(held.source)
    return {
        "number": held.pk,
        "from": "file" if held.source == OWN else partner.partner if partner else str(held.source),
        "module": held.module,
        "id": held.id,
        "path": held.path,
        "reason": held.reason,
        "received_at": format_time(held.received_at),
    }
