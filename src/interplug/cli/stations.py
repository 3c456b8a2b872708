"""`interplug station`: how our stations are, what they said, and a call to one of them; which are ours is decided in `provisioning.py`."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.model.types import BadJson, decode_json, encode_json, format_time
from interplug.modules.node import Node
from interplug.stations.csms.hall import BEAT_LOST
from interplug.stations.csms.lines import Lines
from interplug.stations.ocpp.link import Gone, Refused, Silent
from interplug.store.charging_stations import StationRow
from interplug.store.ocpp import Frame
from interplug.store.tx import Tx

from .ending import FAILED, NETWORK, USAGE, cell, columns, end, show
from .messages import MOMENT, moment
from .opening import DASH, REPORTING, Reporting, with_node
from .options import MOST, Limit, Minutes

MINUTE = 60_000_000


def list_(*, common: Reporting = REPORTING) -> None:
    """List stations, those that wait to be adopted, too."""

    async def work(node: Node) -> list[dict[str, Any]]:
        rows = await node.store.read(lambda tx: tx.charging_stations.all())
        return [described(row, node.after(-BEAT_LOST)) for row in rows]

    found = with_node(common, work)
    shown = ("id", "state", "connected", "version", "location", "model", "last_heard")
    rows = [[one[name] for name in shown] for one in found]
    none = "no station yet: interplug station add CS1 --location LOC1"
    show(found, columns([name.replace("_", " ") for name in shown], rows) if rows else [none], json=common.json)


def show_(id: str, /, *, common: Reporting = REPORTING) -> None:
    """Show one station: its outlets with what they last said, what charges there, what is wrong.

    Parameters
    ----------
    id
        Its identity.
    """

    async def work(node: Node) -> dict[str, Any]:
        return await node.store.read(lambda tx: _whole(tx, id, node.after(-BEAT_LOST)))

    document = with_node(common, work)
    show(document, list(_lines(document)), json=common.json)


async def _whole(tx: Tx, id: str, heard_since: int) -> dict[str, Any]:
    row = await tx.charging_stations.get(id)
    if row is None:
        end(f"there is no station {id}")
    said = {(one.evse, one.connector): one for one in await tx.charging_stations.statuses(id)}
    outlets = [
        {
            "evse": one.evse,
            "connector": one.connector,
            "evse_uid": one.evse_uid,
            "connector_id": one.connector_id,
            "status": said[one.evse, one.connector].status if (one.evse, one.connector) in said else None,
        }
        for one in row.outlets
    ]
    charging = [
        {"transaction": one.number, "evse": one.evse, "session": one.session or None, "since": format_time(one.begun_at)}
        for one in await tx.ocpp.open(id)
    ]
    faults = [
        {
            "code": one.code,
            "severity": one.severity,
            "evse": one.evse or None,
            "vendor_code": one.vendor_code or None,
            "info": one.info or None,
            "since": format_time(one.opened_at),
        }
        for one in await tx.faults.of_station(id)
    ]
    return {**described(row, heard_since), "about": row.about, "outlets": outlets, "transactions": charging, "faults": faults}


def _lines(document: dict[str, Any]) -> list[str]:
    names = ("state", "connected", "version", "security_profile", "location", "model", "last_heard")
    lines = [f"{name.replace('_', ' '):18}{cell(document[name])}" for name in names if document[name] is not None]
    for title, shown in (
        ("outlets", ("evse", "connector", "evse_uid", "connector_id", "status")),
        ("transactions", ("transaction", "evse", "session", "since")),
        ("faults", ("code", "severity", "evse", "vendor_code", "info", "since")),
    ):
        if rows := document[title]:
            lines += ["", title, *columns(shown, [[row[name] for name in shown] for row in rows])]
    return lines


def messages(
    id: str,
    /,
    *,
    minutes: Annotated[Minutes, Parameter(help="How far back.")] = 60.0,
    until: Annotated[str | None, Parameter(help=f"Only what was said by then, and how far back from there: {MOMENT}.")] = None,
    limit: Limit = MOST,
    common: Reporting = REPORTING,
) -> None:
    """Show what a station said and was told, as it was said, the oldest first.

    What is older than the first that is shown is shown with its time as --until.

    Parameters
    ----------
    id
        Its identity.
    """

    async def work(node: Node) -> list[Frame]:
        then = node.clock() if until is None else moment(until, node.clock())
        return await node.store.read(lambda tx: _said(tx, id, then - int(minutes * MINUTE), then, limit))

    found = with_node(common, work)
    document = [{"at": format_time(one.at), "direction": "in" if one.incoming else "out", "message": one.text} for one in found]
    show(document, [f"{one['at']} {one['direction']:3} {one['message']}" for one in document], json=common.json)


async def _said(tx: Tx, id: str, since: int, until: int, limit: int) -> list[Frame]:
    stored = [Frame(one.message.at, True, one.message.raw) for one in await tx.ocpp.received(id, since, limit, until)]
    others = await tx.ocpp.frames(id, since, limit, until)
    if not stored and not others and await tx.charging_stations.get(id) is None:
        end(f"there is no station {id}")
    return sorted([*stored, *others], key=lambda one: one.at)[-limit:]


def call(
    id: str,
    action: str,
    payload: Annotated[str, DASH] = "{}",
    /,
    *,
    common: Reporting = REPORTING,
) -> None:
    """Make any call of OCPP to a station that is connected, and show its answer.

    Parameters
    ----------
    id
        Its identity.
    action
        As OCPP names it in the version that the station speaks, as TriggerMessage.
    payload
        JSON; - is standard input.
    """
    try:
        said = decode_json((sys.stdin.read() if payload == "-" else payload).encode())
    except BadJson as error:
        end(f"the payload is no JSON: {error}", USAGE)
    if not isinstance(said, dict):
        end("the payload is an object", USAGE)

    async def work(node: Node) -> dict[str, Any]:
        try:
            return await Lines(node).call(id, action, said)
        except Refused as error:
            end(f"{id} refuses {action}: {error}", FAILED)
        except (Silent, Gone) as error:
            end(f"{id}: {error}", NETWORK)

    answer = with_node(common, work)
    show(answer, [encode_json(answer).decode()], json=common.json)


def described(row: StationRow, heard_since: int = 0) -> dict[str, Any]:
    about = " ".join(row.about[name] for name in ("vendor", "model") if name in row.about)
    return {
        "id": row.id,
        "state": row.state,
        "connected": row.connected(heard_since),
        "version": row.version or None,
        "security_profile": row.profile,
        "location": row.place or None,
        "evses": list(dict.fromkeys(one.evse_uid for one in row.outlets)),
        "model": about or None,
        "last_heard": format_time(row.heard_at) if row.heard_at else None,
    }
