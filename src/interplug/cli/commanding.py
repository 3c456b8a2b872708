"""`interplug command`: a help desk asks a partner's station to start, stop, reserve, cancel or unlock, and sees how it went.

The command is a row before it is sent, so the running node takes its result and this process only looks at the row. Nothing is said
to have happened before the station has said so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Annotated, Any, Literal, TypeVar

from cyclopts import Parameter

from interplug.model.types import fold, format_time
from interplug.model.validate import Invalid
from interplug.modules import asking, commands
from interplug.modules.node import Node
from interplug.store.commands import Command
from interplug.store.keys import OWN

from .ending import FAILED, NETWORK, USAGE, columns, end, show
from .messages import MOMENT, moment
from .opening import REPORTING, Reporting, with_node
from .options import Limit, Minutes, Partner
from .parties import party
from .partners import named
from .standing import answers

Name = Literal["START_SESSION", "STOP_SESSION", "RESERVE_NOW", "CANCEL_RESERVATION", "UNLOCK_CONNECTOR"]
LOOK = 0.2
"""Seconds between looks at the row."""
NEEDED = {
    "START_SESSION": ("location", "token"),
    "STOP_SESSION": ("session",),
    "RESERVE_NOW": ("location", "token", "reservation"),
    "CANCEL_RESERVATION": ("reservation",),
    "UNLOCK_CONNECTOR": ("location", "evse", "connector"),
}
FIELDS = {
    "location": "location_id", "evse": "evse_uid", "connector": "connector_id", "session": "session_id", "reservation": "reservation_id",
}  # fmt: skip
MINUTE = 60_000_000
T = TypeVar("T")


def send(
    command: Name,
    partner: Partner,
    /,
    *,
    location: Annotated[str | None, Parameter(help="Id of the partner's Location.")] = None,
    evse: Annotated[str | None, Parameter(help="uid of the EVSE.")] = None,
    connector: Annotated[str | None, Parameter(help="Id of the Connector.")] = None,
    token: Annotated[str | None, Parameter(help="uid of a Token of ours, for whom it is.")] = None,
    session: Annotated[str | None, Parameter(help="Id of the Session to stop.")] = None,
    reservation: Annotated[str | None, Parameter(help="Id of the reservation, made or to be made.")] = None,
    party_: Annotated[str | None, Parameter(name="--party", help="Whose it is, as NL-TNM, where several parties use one id.")] = None,
    minutes: Annotated[Minutes, Parameter(help="How long a reservation lasts.")] = 30.0,
    common: Reporting = REPORTING,
) -> None:
    """Send a command to a partner and wait for its result; the node has to be running to be told.

    Parameters
    ----------
    command
        START_SESSION, STOP_SESSION, RESERVE_NOW, CANCEL_RESERVATION or UNLOCK_CONNECTOR.
    """
    given = {"location": location, "evse": evse, "connector": connector, "token": token, "session": session, "reservation": reservation}
    missing = [f"--{name}" for name in NEEDED[command] if not given[name]]
    if missing:
        end(f"{command} needs {', '.join(missing)}", USAGE)
    document: dict[str, Any] = {FIELDS[name]: value for name, value in given.items() if value and name in FIELDS}

    async def work(node: Node) -> Command:
        connection = named(node, partner)
        await check_running(node)
        if token is not None:
            document["token"] = await _token(node, token)
        if command == "RESERVE_NOW":
            document["expiry_date"] = format_time(node.clock() + int(minutes * MINUTE), whole_seconds=True)
        whose = None if party_ is None else party(party_)
        return await result_of(node, commands.send(node, connection, command, document, party=whose))

    report(with_node(common, work), json=common.json)


async def check_running(node: Node) -> None:
    if not await answers(node.settings):
        end(f"no node answers at {node.settings.server.host}:{node.settings.server.port}, so the result could not arrive")


async def result_of(node: Node, sending: Awaitable[asking.Sent]) -> Command:
    """Sends something that has a result, and waits for that."""
    return await _finished(node, (await sent(sending)).id)


async def sent(sending: Awaitable[T]) -> T:
    """Sends something, unless it is not to be sent."""
    try:
        return await sending
    except asking.NotSent as error:
        end(str(error))
    except Invalid as error:
        end(f"{error.path}: {error.reason}", USAGE)


def report(row: Command, more: dict[str, Any] | None = None, lines: Iterable[str] = (), *, json: bool) -> None:
    """How it went; the exit code says whether it was carried out."""
    first = f"{row.command}: {row.result}{f' ({row.message})' if row.message else ''}"
    show({**_described(row), **(more or {})}, [first, *lines], json=json)
    if row.state != "succeeded":
        unreached = row.state in ("timed_out", "failed") and not row.answered
        unknown = row.result == "TIMEOUT" or row.state in ("timed_out", "unanswered")
        said = f"whether {row.command} was carried out is not known" if unknown else f"{row.command} was not carried out"
        end(f"{said}: {row.state.replace('_', ' ')}", NETWORK if unreached else FAILED)


async def _token(node: Node, uid: str) -> dict[str, Any]:
    found = await node.store.read(lambda tx: tx.objects.find_id("tokens", fold(uid), OWN))
    if not found:
        end(f"there is no Token {uid!r} of ours")
    document: dict[str, Any] = found[0].document
    return document


async def _finished(node: Node, id: str) -> Command:
    """The row once its result is there; a result that does not come in time is one, too."""
    while True:
        row = await asking.status(node, id)
        assert row is not None
        if row.finished_at:
            return row
        await asyncio.sleep(LOOK)


def list_(
    *,
    partner: Annotated[str | None, Parameter(help="Only those to and from this partner.")] = None,
    until: Annotated[str | None, Parameter(help=f"Only what was commanded by then: {MOMENT}.")] = None,
    limit: Limit = 50,
    common: Reporting = REPORTING,
) -> None:
    """List commands that were sent and received, newest first.

    What is older than the last that is shown is shown with its time as --until.
    """

    async def work(node: Node) -> list[dict[str, Any]]:
        connection = None if partner is None else named(node, partner).id
        names = {one.id: one.partner for one in node.directory.all()}
        then = node.clock() if until is None else moment(until, node.clock())
        rows = await node.store.read(lambda tx: tx.commands.newest(connection, limit, then))
        return [{**_described(row), "partner": names.get(row.connection, str(row.connection))} for row in rows]

    found = with_node(common, work)
    shown = ("at", "direction", "partner", "command", "state", "result", "message")
    rows = [[one[name] for name in shown] for one in found]
    show(found, columns(shown, rows) if rows else ["no command yet"], json=common.json)


def _described(row: Command) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": format_time(row.created_at),
        "direction": row.direction,
        "command": row.command,
        "state": row.state,
        "answered": row.answered,
        "result": row.result,
        "message": row.message,
        "finished_at": format_time(row.finished_at) if row.finished_at else None,
    }
