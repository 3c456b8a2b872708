"""`interplug message`: what was said to and by partners. No token is ever in it (`store.messages`)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from interplug.charges.conversation import described
from interplug.model.types import parse_time
from interplug.modules.node import Node
from interplug.store.messages import NEWEST, Message

from .ending import USAGE, columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import Limit, Place
from .partners import named

MOMENT = "2026-01-31T12:00:00Z, 2026-01-31, or 90s, 15m, 2h, 3d ago"
AGO = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SHOWN = ("number", "at", "direction", "partner", "method", "url", "http", "ocpi", "milliseconds")


def list_(
    *,
    partner: Annotated[str | None, Parameter(help="Only what was said with this partner.")] = None,
    url: Annotated[str | None, Parameter(help="Only where the URL holds this text.")] = None,
    status: Annotated[
        int | None,
        Parameter(validator=Number(gte=0, lte=9999), help="Only what ended with this HTTP or OCPI status; 0: without an answer."),
    ] = None,
    failed: Annotated[bool, Parameter(negative=(), help="Only what did not end with HTTP 2xx and OCPI 1xxx.")] = False,
    direction: Annotated[Literal["in", "out"] | None, Parameter(help="Only requests of partners, or only ours.")] = None,
    since: Annotated[str | None, Parameter(help=f"Only what began then or later: {MOMENT}.")] = None,
    until: Annotated[str | None, Parameter(help="Only what began before then.")] = None,
    correlation: Annotated[str | None, Parameter(help="Only messages with this X-Correlation-ID.")] = None,
    limit: Limit = 50,
    common: Reporting = REPORTING,
) -> None:
    """List requests of partners and our own, newest first."""

    async def work(node: Node) -> list[dict[str, Any]]:
        connection = None if partner is None else named(node, partner).id
        found = await node.store.read(
            lambda tx: tx.messages.search(
                connection=connection,
                url=url,
                status=status,
                failed=failed,
                direction=direction,
                correlation_id=correlation,
                since=0 if since is None else moment(since, node.clock()),
                until=NEWEST if until is None else moment(until, node.clock()),
                limit=limit,
            )
        )
        return [_described(node, one) for one in found]

    found = with_node(common, work)
    rows = [[one[name] for name in SHOWN] for one in found]
    show(found, columns(SHOWN, rows) if rows else ["no such message"], json=common.json)


def show_(number: Place, /, *, common: Reporting = REPORTING) -> None:
    """Show one request and its answer.

    Parameters
    ----------
    number
        Its number in the list.
    """

    async def work(node: Node) -> dict[str, Any] | None:
        found = await node.store.read(lambda tx: tx.messages.search(before=number + 1, limit=1))
        if not found or found[0].number != number:
            return None
        texts = {name: getattr(found[0], name).decode(errors="replace") for name in ("body", "answer")}
        return {**_described(node, found[0]), "headers": found[0].headers, **texts}

    document = with_node(common, work)
    if document is None:
        end(f"there is no message with the number {number}; they are kept for as many days as store.message_days says")
    lines = [f"{name:14} {document[name]}" for name in (*SHOWN, "request_id", "correlation_id")]
    lines += ["", *(f"{name}: {value}" for name, value in document["headers"].items()), "", document["body"], "", document["answer"]]
    show(document, lines, json=common.json)


def moment(text: str, now: int) -> int:
    if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return now - int(ago[1]) * AGO[ago[2]] * 1_000_000
    try:
        return parse_time(f"{text}T00:00:00Z" if len(text) == 10 else text)
    except ValueError:
        end(f"{text!r} is no time; write {MOMENT}", USAGE)


def _described(node: Node, message: Message) -> dict[str, Any]:
    partner = node.directory.by_id(message.connection)
    return {**described(message), "partner": partner.partner if partner else None}
