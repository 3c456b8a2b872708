"""`interplug problem`: what drivers report at stations of partners; and `interplug reference`, what a driver quotes on the telephone."""

from __future__ import annotations

import getpass
import re
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.backend import reports
from interplug.backend.reports import reference
from interplug.backend.words import words
from interplug.model.types import decode_json, format_time
from interplug.modules.node import Node
from interplug.store.at_plug import AtPlug
from interplug.store.commands import Command
from interplug.store.drivers import Drive
from interplug.store.problems import Problem
from interplug.store.reservations import Reservation
from interplug.store.tx import Tx

from .ending import USAGE, columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import Limit

Document = dict[str, Any]
HEADS = ("reference", "when", "partner", "place", "EVSE", "what", "said", "closed by")
LOOKED_AT = 100_000
"""Commands of partners among which a reference is looked for."""


def list_(
    *, all: Annotated[bool, Parameter(name="--all", negative=(), help="Those that are closed, too.")] = False, limit: Limit = 200,
    common: Reporting = REPORTING,
) -> None:  # fmt: skip
    """List the problems that drivers have reported, newest first."""

    async def work(node: Node) -> list[Document]:
        found = await node.store.read(lambda tx: tx.problems.list(closed=all, limit=limit))
        return [described(node, one) for one in found]

    found = with_node(common, work)
    rows = [[one["reference"], one["created_at"], one["partner"], one["name"], one["evse_id"] or one["evse_uid"], one["text"], one["said"],
             one["closed_by"]] for one in found]  # fmt: skip
    show(found, columns(HEADS, rows) if rows else ["no problem is open" if not all else "no problem was reported"], json=common.json)


def show_(name: str, /, *, common: Reporting = REPORTING) -> None:
    """Show one problem.

    Parameters
    ----------
    name
        Its reference.
    """

    async def work(node: Node) -> Document:
        return described(node, await _found(node, name))

    found = with_node(common, work)
    show(found, _lines(found), json=common.json)


def close(
    name: str,
    /,
    *,
    by: Annotated[str | None, Parameter(help="Who that is; without it, who is logged in on this machine.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Say that a problem is over. With the last one of its kind at a plug its alert closes.

    Parameters
    ----------
    name
        Its reference.
    """
    who = by or getpass.getuser()

    async def work(node: Node) -> Document:
        problem = await _found(node, name)
        if not await node.store.write(lambda tx: reports.close(tx, node, problem, who)):
            end(f"{name} is closed already, by {problem.closed_by}")
        return described(node, await _found(node, name))

    found = with_node(common, work)
    show(found, [f"{found['reference']} is closed"], json=common.json)


def reference_(name: str, /, *, common: Reporting = REPORTING) -> None:
    """Find what a driver quotes: a drive, a reservation, a problem; at an operator what a provider asked for it.

    Parameters
    ----------
    name
        As the page shows it, as 1A2B-3C4D; more of the id is as good.
    """
    beginning = _beginning(name)

    async def work(node: Node) -> list[Document]:
        return await node.store.read(lambda tx: _named(tx, node, beginning))

    found = with_node(common, work)
    if not found:
        end(f"nothing here is called {name}")
    lines = [line for one in found for line in ("", *_lines(one))][1:]
    show(found, lines, json=common.json)


async def _named(tx: Tx, node: Node, beginning: str) -> list[Document]:
    found = [await _drive(tx, node, one) for one in await tx.drivers.like(beginning)]
    found += [await _reservation(tx, node, one) for one in await tx.reservations.like(beginning)]
    problems = await tx.problems.list(closed=True, limit=LOOKED_AT)
    found += [described(node, one) for one in problems if one.id.startswith(beginning)]
    for one in await tx.commands.newest(None, LOOKED_AT):
        document = decode_json(one.document)
        quoted = str(document.get("authorization_reference") or "").lower()
        if one.direction == "in" and quoted.startswith(beginning):
            found.append({"kind": "command of a partner", **_command(one), "partner": _partner(node, one.connection),
                          "place": document.get("location_id"), "evse_uid": document.get("evse_uid") or None,
                          "authorization_reference": quoted})  # fmt: skip
    return found


async def _drive(tx: Tx, node: Node, one: Drive) -> Document:
    session = await tx.objects.get_pk(one.session) if one.session else None
    cdr = await tx.objects.get_pk(one.cdr) if one.cdr else None
    payment = await tx.payments.of_drive(one.id)
    return {
        "kind": "drive",
        **await _at_plug(tx, node, one, one.stop_command),
        "session": None if session is None else session.key.id,
        "cdr": None if cdr is None else cdr.key.id,
        "payment": None if payment is None else payment.id,
    }


async def _reservation(tx: Tx, node: Node, one: Reservation) -> Document:
    return {
        "kind": "reservation",
        **await _at_plug(tx, node, one, one.cancel_command),
        "until": format_time(one.until),
        "drive": one.drive or None,
    }


async def _at_plug(tx: Tx, node: Node, one: AtPlug, ending: str) -> Document:
    """`ending`: the command by which it was to end."""
    commands = [row for name in (one.command, ending) if name and (row := await tx.commands.get(name)) is not None]
    return {
        "reference": reference(one.id),
        "id": one.id,
        "partner": _partner(node, one.connection),
        "party": f"{one.country}-{one.party}",
        "place": one.place,
        "evse_uid": one.evse,
        "connector": one.connector,
        "state": one.state,
        "reason": one.reason or None,
        "created_at": format_time(one.created_at),
        "commands": [_command(row) for row in commands],
    }


def _command(row: Command) -> Document:
    return {
        "command": row.command,
        "state": row.state,
        "answered": row.answered or None,
        "result": row.result or None,
        "message": row.message or None,
        "at": format_time(row.created_at),
    }


def described(node: Node, one: Problem) -> Document:
    return {
        "kind": "problem",
        "reference": reference(one.id),
        "partner": _partner(node, one.connection),
        "party": f"{one.country}-{one.party}",
        "place": one.place,
        "name": one.name,
        "evse_uid": one.evse or None,
        "evse_id": one.evse_id or None,
        "code": one.kind,
        "text": words(reports.code_of(one)),
        "said": one.said or None,
        "drive": reference(one.drive) if one.drive else None,
        "alert": one.alert,
        "created_at": format_time(one.created_at),
        "closed_at": format_time(one.closed_at) if one.closed_at else None,
        "closed_by": one.closed_by or None,
    }


async def _found(node: Node, name: str) -> Problem:
    found = await node.store.read(lambda tx: tx.problems.get(_beginning(name)))
    if found is None:
        end(f"there is no problem {name}")
    return found


def _beginning(name: str) -> str:
    plain = name.replace("-", "").replace(" ", "").lower()
    if not re.fullmatch("[0-9a-f]{8,32}", plain):
        end(f"{name!r} is no reference; one looks as 1A2B-3C4D", USAGE)
    return plain


def _partner(node: Node, connection: int) -> str:
    found = node.directory.by_id(connection)
    return "a former partner" if found is None else found.partner


def _lines(document: Document) -> list[str]:
    lines = [f"{name.replace('_', ' '):24}{value}" for name, value in document.items() if value and not isinstance(value, list)]
    if rows := document.get("commands"):
        lines += columns(list(rows[0]), [list(row.values()) for row in rows])
    return lines
