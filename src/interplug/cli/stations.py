"""`interplug station`: which charging stations are ours, how they are, what they said, and a call to one of them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from interplug.model.types import BadJson, decode_json, encode_json, format_time
from interplug.modules.node import Node
from interplug.stations.csms import provisioning
from interplug.stations.csms.lines import Lines
from interplug.stations.ocpp.link import Gone, Refused, Silent
from interplug.store.charging_stations import StationRow
from interplug.store.ocpp import Frame
from interplug.store.tx import Tx

from .ending import FAILED, NETWORK, USAGE, columns, end, show
from .opening import DASH, REPORTING, Reporting, with_node
from .options import FILES, Minutes

T = TypeVar("T")
Location = Annotated[str, Parameter(help="Id of the Location where it stands.")]
Outlets = Annotated[
    list[str] | None,
    Parameter(
        name="--outlet",
        negative=(),
        help="Which EVSE (and Connector) of ours one of the station is: 1=EVSE, 1=EVSE/CONNECTOR, 1.2=EVSE/CONNECTOR. "
        "Without any: the EVSEs of the Location in their order.",
    ),
]
PasswordFile = Annotated[
    str | None, DASH, Parameter(help="File with the password of the station; - is standard input. Without it, one is made.")
]
Profile = Annotated[int, Parameter(validator=Number(gte=0, lte=3))]
PROFILE = "Security profile: 1 password, 2 password and TLS, 3 certificate of its own; 0 nothing at all."
MINUTE = 60_000_000


def add(
    id: str,
    /,
    *,
    location: Location,
    outlet: Outlets = None,
    profile: Annotated[Profile, Parameter(help=PROFILE)] = 1,
    password_file: PasswordFile = None,
    common: Reporting = REPORTING,
) -> None:
    """Add a station that may connect from now on; a password that was made is printed once.

    Parameters
    ----------
    id
        Its identity, which stands at the end of the URL that it calls.
    """
    password = _password(password_file)

    async def work(node: Node) -> tuple[StationRow, str | None]:
        return await provisioning.add(node, id, location, outlets=outlet or (), profile=profile, password=password)

    _added(*_decided(common, work), "added", common)


def adopt(
    id: str,
    /,
    *,
    location: Location,
    outlet: Outlets = None,
    profile: Annotated[Profile | None, Parameter(help=f"{PROFILE} Without it, what it has come with.")] = None,
    password_file: PasswordFile = None,
    common: Reporting = REPORTING,
) -> None:
    """Adopt a station that has connected and waits; it keeps the password that it has come with, unless it gets another.

    Parameters
    ----------
    id
        Its identity, as `interplug station list` shows it.
    """
    password = _password(password_file)

    async def work(node: Node) -> tuple[StationRow, str | None]:
        return await provisioning.adopt(node, id, location, outlets=outlet or (), profile=profile, password=password)

    _added(*_decided(common, work), "adopted", common)


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A station in a file of many."""

    id: str
    location: str
    outlets: list[str] = []
    profile: Annotated[int, msgspec.Meta(ge=0, le=3)] = 1
    password: str | None = None


def import_(
    file: Annotated[Path, FILES],
    /,
    *,
    common: Reporting = REPORTING,
) -> None:
    """Add many stations from a file; passwords that were made are printed once. One that cannot be added keeps no other out.

    Parameters
    ----------
    file
        A JSON list of `{"id", "location", "outlets", "profile", "password"}`, of which the last three may be missing; - is standard input.
    """
    try:
        wanted = msgspec.json.decode(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes(), type=list[Wanted])
    except msgspec.DecodeError as error:
        end(f"{file}: {error}", USAGE)

    async def work(node: Node) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        added: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        for one in wanted:
            try:
                row, made = await provisioning.add(
                    node, one.id, one.location, outlets=one.outlets, profile=one.profile, password=one.password
                )
                added.append(_described(row) | ({"password": made} if made else {}))
            except provisioning.NotPossible as error:
                refused.append({"id": one.id, "reason": str(error)})
        return added, refused

    added, refused = with_node(common, work)
    lines = [f"{one['id']} added" + (f", password (shown this once): {one['password']}" if "password" in one else "") for one in added]
    lines += [f"{one['id']} refused: {one['reason']}" for one in refused]
    show({"added": added, "refused": refused}, lines, json=common.json)


def _decided(common: Reporting, work: Callable[[Node], Awaitable[T]]) -> T:
    try:
        return with_node(common, work)
    except provisioning.NotPossible as error:
        end(str(error))


def _added(row: StationRow, made: str | None, done: str, common: Reporting) -> None:
    document = _described(row) | ({"password": made} if made else {})
    lines = [f"{row.id} {done}: {', '.join(f'{one.evse}.{one.connector} is {one.evse_uid}' for one in row.outlets)}"]
    if made:
        lines.append(f"password (shown this once): {made}")
    show(document, lines, json=common.json)


def remove(id: str, /, *, common: Reporting = REPORTING) -> None:
    """Let a station in no longer; what it has said is kept.

    Parameters
    ----------
    id
        Its identity.
    """

    async def work(node: Node) -> None:
        await provisioning.remove(node, id)

    _decided(common, work)
    show({"id": id, "removed": True}, [f"{id} removed"], json=common.json)


def list_(*, common: Reporting = REPORTING) -> None:
    """List stations, those that wait to be adopted, too."""

    async def work(node: Node) -> list[StationRow]:
        return await node.store.read(lambda tx: tx.charging_stations.all())

    found = [_described(row) for row in with_node(common, work)]
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
        return await node.store.read(lambda tx: _whole(tx, id))

    document = with_node(common, work)
    show(document, list(_lines(document)), json=common.json)


async def _whole(tx: Tx, id: str) -> dict[str, Any]:
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
    return {**_described(row), "about": row.about, "outlets": outlets, "transactions": charging, "faults": faults}


def _lines(document: dict[str, Any]) -> list[str]:
    names = ("state", "connected", "version", "security_profile", "location", "model", "last_heard")
    lines = [f"{name.replace('_', ' '):18}{document[name]}" for name in names if document[name] is not None]
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
    common: Reporting = REPORTING,
) -> None:
    """Show what a station said and was told, as it was said, the oldest first.

    Parameters
    ----------
    id
        Its identity.
    """

    async def work(node: Node) -> list[Frame]:
        since = node.clock() - int(minutes * MINUTE)
        return await node.store.read(lambda tx: _said(tx, id, since))

    found = with_node(common, work)
    document = [{"at": format_time(one.at), "direction": "in" if one.incoming else "out", "message": one.text} for one in found]
    show(document, [f"{one['at']} {one['direction']:3} {one['message']}" for one in document], json=common.json)


async def _said(tx: Tx, id: str, since: int) -> list[Frame]:
    stored = [Frame(one.message.at, True, one.message.raw) for one in await tx.ocpp.received(id, since, 10_000)]
    others = [one for one in await tx.ocpp.frames(id, since, 1000) if one.at >= since]
    if not stored and not others and await tx.charging_stations.get(id) is None:
        end(f"there is no station {id}")
    return sorted([*stored, *others], key=lambda one: one.at)


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


def _password(source: str | None) -> str | None:
    if source is None:
        return None
    text = (sys.stdin.readline() if source == "-" else Path(source).read_text(encoding="utf-8")).strip()
    if not text:
        end("the password is empty; it is read from --password-file or standard input", USAGE)
    return text


def _described(row: StationRow) -> dict[str, Any]:
    about = " ".join(row.about[name] for name in ("vendor", "model") if name in row.about)
    return {
        "id": row.id,
        "state": row.state,
        "connected": bool(row.holder),
        "version": row.version or None,
        "security_profile": row.profile,
        "location": row.place or None,
        "evses": list(dict.fromkeys(one.evse_uid for one in row.outlets)),
        "model": about or None,
        "last_heard": format_time(row.heard_at) if row.heard_at else None,
    }
