"""`interplug station`: which charging stations are ours. A password that was made is printed once, and one that is given is read from a
file or from standard input, never from an argument."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from interplug.modules.node import Node
from interplug.stations.csms import provisioning
from interplug.store.charging_stations import StationRow

from .ending import USAGE, end, show
from .opening import DASH, REPORTING, Reporting, with_node
from .options import FILES
from .stations import described

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
    profile: Annotated[Profile | None, Parameter(help=f"{PROFILE} Without it, what it has come with, if that is anything.")] = None,
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


def change(
    id: str,
    /,
    *,
    profile: Annotated[Profile | None, Parameter(help=f"{PROFILE} Without it, what it has.")] = None,
    password_file: PasswordFile = None,
    common: Reporting = REPORTING,
) -> None:
    """Give a station another password, or another security profile. It has to connect again; what charges there goes on.

    Parameters
    ----------
    id
        Its identity.
    """
    password = _password(password_file)
    row, made = _decided(common, lambda node: provisioning.change(node, id, profile=profile, password=password))
    _added(row, made, "changed", common)


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
                added.append(described(row) | ({"password": made} if made else {}))
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
    document = described(row) | ({"password": made} if made else {})
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


def _password(source: str | None) -> str | None:
    if source is None:
        return None
    text = (sys.stdin.readline() if source == "-" else Path(source).read_text(encoding="utf-8")).strip()
    if not text:
        end("the password is empty; it is read from --password-file or standard input", USAGE)
    return text
