"""`interplug cdr hold`, `release`, `credit` and `dispute`: what people decide about a CDR. Each leaves a note with name and reason."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.charges import corrections, holding
from interplug.modules.node import Node
from interplug.store.keys import Stored

from .ending import show
from .opening import REPORTING, Reporting, with_node
from .records import OF_PARTNER, OWN_CDRS, found

Reason = Annotated[str, Parameter(help="Why, for whoever asks later.")]
By = Annotated[str | None, Parameter(help="Who decides; without it, the user of this machine.")]
Work = Callable[[Node, Stored, str], Awaitable[str]]


def hold(id: str, /, *, reason: Reason = "", by: By = None, common: Reporting = REPORTING) -> None:
    """Keep a CDR of ours from leaving, until it is released. One that has been sent cannot be held.

    Parameters
    ----------
    id
        The id of the CDR.
    """

    async def work(node: Node, cdr: Stored, who: str) -> str:
        await holding.hold(node.directory, cdr, reason, who)
        return "held"

    _decided(common, id, OWN_CDRS, by, work)


def release(id: str, /, *, reason: Reason = "", by: By = None, common: Reporting = REPORTING) -> None:
    """Let a held CDR leave, whatever was found: the partner sees it, and it is sent.

    Parameters
    ----------
    id
        The id of the CDR.
    """

    async def work(node: Node, cdr: Stored, who: str) -> str:
        await holding.release(node.directory, cdr, reason, who)
        return "released"

    _decided(common, id, OWN_CDRS, by, work)


def credit(id: str, /, *, reason: Reason = "", by: By = None, common: Reporting = REPORTING) -> None:
    """Take a CDR of ours back by a credit CDR, which goes where the first one went. A second time changes nothing.

    A partner of OCPI 2.1.1 cannot be told: settle with it by hand.

    Parameters
    ----------
    id
        The id of the CDR.
    """

    async def work(node: Node, cdr: Stored, who: str) -> str:
        name = await corrections.credit(node, cdr.key.id, reason, who)
        partner = node.directory.by_id(cdr.audience)
        if partner is not None and partner.version is not None and not partner.speaks.credit_cdrs:
            return f"credited by {name}; {partner.partner} speaks OCPI {partner.version} and cannot be told"
        return f"credited by {name}"

    _decided(common, id, OWN_CDRS, by, work)


def dispute(
    id: str,
    /,
    *,
    reason: Reason = "",
    settled: Annotated[bool, Parameter(negative=(), help="It is argued about no longer.")] = False,
    partner: OF_PARTNER = None,
    by: By = None,
    common: Reporting = REPORTING,
) -> None:
    """Note that a CDR is argued about, or that this is settled. OCPI has no message for it: the note stays here.

    Parameters
    ----------
    id
        The id of the CDR.
    """

    async def work(node: Node, cdr: Stored, who: str) -> str:
        await holding.dispute(node.directory, cdr, reason, who, settled=settled)
        return "settled" if settled else "disputed"

    _decided(common, id, partner, by, work)


def _decided(common: Reporting, id: str, partner: str | None, by: str | None, work: Work) -> None:
    async def decide(node: Node) -> dict[str, Any]:
        cdr = await found(node, id, partner)
        return {"id": cdr.key.id, "done": await work(node, cdr, by or getpass.getuser())}

    document = with_node(common, decide)
    show(document, [f"CDR {document['id']} is {document['done']}"], json=common.json)
