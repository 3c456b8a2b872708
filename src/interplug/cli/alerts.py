"""`interplug alert`: what is wrong with our own stations, since when, who knows of it."""

from __future__ import annotations

import getpass
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

from cyclopts import Parameter

from interplug.backend.alerts import name_of
from interplug.backend.words import described
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.store.alerts import Message
from interplug.store.tx import Tx

from .ending import columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import Limit, Place

SHOWN = ("number", "severity", "code", "station", "evse", "location", "times", "opened", "closed", "acknowledged by")
COMINGS = 50


def list_(
    *,
    all: Annotated[bool, Parameter(name="--all", negative=(), help="Those that are over, too.")] = False,
    station: Annotated[str, Parameter(help="Only those of this station.")] = "",
    location: Annotated[str, Parameter(help="Only those at this Location (its id).")] = "",
    limit: Limit = 200,
    common: Reporting = REPORTING,
) -> None:
    """List what is wrong with our stations now, newest first."""

    async def work(node: Node) -> list[dict[str, Any]]:
        return await node.store.read(look)

    async def look(tx: Tx) -> list[dict[str, Any]]:
        found = await tx.alerts.list(closed=all, station=station, place=location, limit=limit)
        return [described(one, await name_of(tx, one)) for one in found]

    found = with_node(common, work)
    rows = [
        (
            one["number"], one["severity"], one["code"], one["station"], one["evse_uid"], _place(one), one["times"],
            one["opened_at"], one["closed_at"], one["acknowledged_by"],
        )
        for one in found
    ]  # fmt: skip
    show(found, columns(SHOWN, rows) if rows else ["no alert" if all else "no alert is open"], json=common.json)


def show_(number: Place, /, *, common: Reporting = REPORTING) -> None:
    """Show one alert: how often it came, and who was told.

    Parameters
    ----------
    number
        Its number in the list.
    """

    async def look(tx: Tx) -> dict[str, Any] | None:
        alert = await tx.alerts.get(number)
        if alert is None:
            return None
        faults = [
            {"opened_at": format_time(one.opened_at), "closed_at": format_time(one.closed_at) if one.closed_at else None}
            for one in await tx.faults.of_alert(number, COMINGS)
        ]
        told = [_message(one) for one in await tx.alerts.messages(number)]
        return {**described(alert, await name_of(tx, alert)), "faults": faults, "told": told}

    document = with_node(common, lambda node: node.store.read(look))
    if document is None:
        _none(number)
    show(document, _lines(document), json=common.json)


def ack(
    number: Place,
    /,
    *,
    by: Annotated[str | None, Parameter(help="Who that is; without it, who is logged in on this machine.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Say that somebody looks after an alert. It closes when what is wrong is over, and not by this.

    Parameters
    ----------
    number
        Its number in the list.
    """
    who = by or getpass.getuser()

    async def work(tx: Tx) -> str | None:
        alert = await tx.alerts.get(number)
        if alert is None:
            return None
        await tx.alerts.acknowledge(number, who, tx.clock())
        return alert.acked_by or who

    found = with_node(common, lambda node: node.store.write(work))
    if found is None:
        _none(number)
    show({"number": number, "acknowledged_by": found}, [f"alert {number} is acknowledged by {found}"], json=common.json)


def _none(number: int) -> NoReturn:
    end(f"there is no alert {number}")


def _place(one: dict[str, Any]) -> str | None:
    return one["location"]["name"] if one["location"] else None


def _message(one: Message) -> dict[str, Any]:
    return {
        "event": one.event,
        "target": plain(one.target),
        "sent_at": format_time(one.sent_at) if one.sent_at else None,
        "tries": one.tries,
        "error": one.error or None,
    }


def plain(target: str) -> str:
    """A URL without what may be secret in it."""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}" if parts.scheme else target


def _lines(document: dict[str, Any]) -> list[str]:
    tables = ("faults", "told")
    lines = [f"{name.replace('_', ' '):18}{value}" for name, value in document.items() if name not in (*tables, "location") and value]
    if document["location"]:
        lines.append(f"{'location':18}{document['location']['name']} ({document['location']['id']})")
    for title in tables:
        if rows := document[title]:
            names = list(rows[0])
            lines += ["", title, *columns([name.replace("_", " ") for name in names], [[row[name] for name in names] for row in rows])]
    return lines
