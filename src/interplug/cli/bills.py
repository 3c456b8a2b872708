"""`interplug cdr hold`, `release`, `credit`, `correct` and `dispute`: what people decide about a CDR.

Each leaves a note with name and reason.
"""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.charges import corrections, holding
from interplug.modules.node import Node
from interplug.store.keys import Stored

from . import reading
from .ending import end, show
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
        return f"credited by {name}{_untold(node, cdr)}"

    _decided(common, id, OWN_CDRS, by, work)


def correct(id: str, file: Path, /, *, reason: Reason = "", by: By = None, common: Reporting = REPORTING) -> None:
    """Take a CDR of ours back by a credit CDR and put the right one in its place, with an id of its own and totals worked out anew.

    A partner of OCPI 2.1.1 cannot be told: settle with it by hand.

    Parameters
    ----------
    id
        The id of the CDR.
    file
        The right one, whole, as `interplug cdr show --json` or `export` writes it (`-`: standard input). Its id and totals do not count.
    """
    right = list(reading.documents([file]))
    if len(right) != 1:
        end(f"{reading.name_of(file)} has to hold one CDR, and holds {len(right)}")
    if "unreadable" in right[0]:
        end(f"{reading.name_of(file)} cannot be read: {right[0]['unreadable']}")
    document = {name: value for name, value in right[0].items() if name != "interplug"}

    async def work(node: Node, cdr: Stored, who: str) -> str:
        name = await corrections.correct(node, cdr.key.id, document, reason, who)
        return f"taken back, {name} stands in its place{_untold(node, cdr)}"

    _decided(common, id, OWN_CDRS, by, work)


def _untold(node: Node, cdr: Stored) -> str:
    partner = node.directory.by_id(cdr.audience)
    if partner is None or partner.version is None or partner.speaks.credit_cdrs:
        return ""
    return f"; {partner.partner} speaks OCPI {partner.version} and cannot be told"


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
