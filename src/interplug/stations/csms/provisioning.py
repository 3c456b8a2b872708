"""Which stations are ours, where they stand, and how they prove who they are. A running node hears of a change within seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from interplug.charges import charging
from interplug.model.types import fold
from interplug.modules.node import Node
from interplug.store.charging_stations import Outlet, StationRow
from interplug.store.keys import OWN
from interplug.store.ocpp import Transaction
from interplug.store.tx import Tx

from . import keys, readers
from .server import LONGEST_IDENTITY
from .tokens import Admissions
from .transactions import Transactions

Document = dict[str, Any]
_OUTLET = re.compile(r"(?P<evse>\d{1,3})(?:\.(?P<connector>\d{1,2}))?=(?P<uid>[^/=]+)(?:/(?P<id>[^/=]+))?")
_IDENTITY = re.compile(r"[^\x00-\x20:/\x7f]+")


class NotPossible(ValueError):
    """Why a station cannot be added, adopted or changed, in words for a person."""


async def add(
    node: Node, id: str, location_id: str, *, outlets: Sequence[str], profile: int, password: str | None
) -> tuple[StationRow, str | None]:
    """A station that has not connected yet; the password is the one to give it where it was made here."""
    if not _IDENTITY.fullmatch(id) or len(id) > LONGEST_IDENTITY:
        raise NotPossible(f"{id!r} cannot be the identity of a station: 1 to {LONGEST_IDENTITY} characters without spaces, : and /")
    made = keys.new_password() if password is None and profile in (1, 2) else None
    row = StationRow(id=id, profile=profile, password=_hashed(password, made) or "", created_at=node.clock())

    async def work(tx: Tx) -> StationRow:
        await _place(tx, row, location_id, outlets)
        if not await tx.charging_stations.add(row):
            raise NotPossible(f"there is a station {id} already")
        return row

    return await node.store.write(work), made


async def adopt(
    node: Node, id: str, location_id: str, *, outlets: Sequence[str], profile: int | None, password: str | None
) -> tuple[StationRow, str | None]:
    """A station that waits becomes ours. It keeps the password that it has come with, unless it gets another one; one that has come with
    nothing could be anybody, so a person says whether that may be."""

    async def look(tx: Tx) -> StationRow:
        return await _get(tx, id)

    offered = await node.store.read(look)
    if profile is None and password is None and not offered.profile:
        raise NotPossible(f"{id} has come without a password and without a certificate: --profile 1 makes it a password, 0 lets it be")
    needed = max(offered.profile, 1 if password else 0) if profile is None else profile
    has_one = bool(offered.password) or needed not in (1, 2)
    made = None if password is not None or has_one else keys.new_password()
    hashed = _hashed(password, made)

    async def work(tx: Tx) -> StationRow:
        row = await _get(tx, id)
        if row.state != "offered":
            raise NotPossible(f"{id} is ours already")
        row.state, row.profile = "adopted", needed
        row.password = row.password if hashed is None else hashed
        await _place(tx, row, location_id, outlets)
        await tx.charging_stations.change(row)
        return row

    return await node.store.write(work), made


async def change(node: Node, id: str, *, profile: int | None, password: str | None) -> tuple[StationRow, str | None]:
    """How a station of ours proves who it is from now on; what charges there goes on. Without a password one is made where it needs one
    and has none, or where nothing else is asked for."""

    async def look(tx: Tx) -> StationRow:
        return await _get(tx, id)

    known = await node.store.read(look)
    needed = known.profile if profile is None else profile
    makes = password is None and needed in (1, 2) and (profile is None or not known.password)
    if profile is None and password is None and not makes:
        raise NotPossible(f"{id} has security profile {needed} and needs no password: say which --profile it shall have")
    made = keys.new_password() if makes else None
    hashed = _hashed(password, made)

    async def work(tx: Tx) -> StationRow:
        row = await _get(tx, id)
        if row.state != "adopted":
            raise NotPossible(f"{id} waits to be adopted: interplug station adopt {id}")
        row.profile = needed
        row.password = hashed or (row.password if needed in (1, 2) else "")
        await tx.charging_stations.change(row)
        return row

    return await node.store.write(work), made


def _hashed(chosen: str | None, made: str | None) -> str | None:
    return keys.hashed(chosen) if chosen else keys.hashed_quickly(made) if made else None


async def remove(node: Node, id: str) -> None:
    """It is let in no longer; what it has said is kept as long as everything else. What charges there ends with what was last known, for
    nobody will tell of the end, and what its EVSEs do is not known any more."""

    async def work(tx: Tx) -> tuple[StationRow, list[Transaction]]:
        row, running = await _get(tx, id), await tx.ocpp.open(id)
        await tx.charging_stations.remove(id)
        await tx.faults.gone(id, node.clock())
        return row, running

    row, running = await node.store.write(work)
    transactions = Transactions(node, Admissions(node))
    for one in running:
        await transactions.lost(one)
    for uid in dict.fromkeys(outlet.evse_uid for outlet in row.outlets):
        await readers.level(node, row, uid, broken=False)
        await charging.evse_status(node, row.place, uid, "UNKNOWN", node.clock())


async def _get(tx: Tx, id: str) -> StationRow:
    row = await tx.charging_stations.get(id)
    if row is None:
        raise NotPossible(f"there is no station {id}")
    return row


async def _place(tx: Tx, row: StationRow, location_id: str, named: Sequence[str]) -> None:
    """Where it stands; without names its EVSEs are those of the Location that no other station has, in their order."""
    stored = next(iter(await tx.objects.find_id("locations", location_id, OWN)), None)
    if stored is None:
        raise NotPossible(f"there is no Location {location_id} of ours")
    row.place, row.country, row.party = stored.key.id, stored.key.country, stored.key.party
    taken = {fold(one.evse_uid) for other in await tx.charging_stations.at(location_id) if other.id != row.id for one in other.outlets}
    evses = [evse for evse in stored.document.get("evses") or () if evse["status"] != "REMOVED"]
    free = [evse for evse in evses if fold(evse["uid"]) not in taken]
    row.outlets = [_outlet(text, evses) for text in named] if named else _in_order(free)
    if not row.outlets:
        raise NotPossible(f"every EVSE of Location {location_id} belongs to another station")
    places = [(one.evse, one.connector) for one in row.outlets]
    if twice := next((one for one in places if places.count(one) > 1), None):
        raise NotPossible(f"{twice[0]}.{twice[1]} is named twice")
    if doubled := next((one.evse_uid for one in row.outlets if fold(one.evse_uid) in taken), None):
        raise NotPossible(f"EVSE {doubled} belongs to another station")


def _in_order(evses: Sequence[Document]) -> list[Outlet]:
    return [
        Outlet(number, place, evse["uid"], connector["id"])
        for number, evse in enumerate(evses, 1)
        for place, connector in enumerate(evse["connectors"], 1)
    ]


def _outlet(text: str, evses: Sequence[Document]) -> Outlet:
    """`1=UID`, `1=UID/CONNECTOR`, `1.2=UID/CONNECTOR`: the EVSE (and connector) as the station numbers them, and ours."""
    match = _OUTLET.fullmatch(text)
    if match is None:
        raise NotPossible(f"{text!r} names no outlet; write 1=EVSE, 1=EVSE/CONNECTOR or 1.2=EVSE/CONNECTOR")
    evse = next((one for one in evses if fold(one["uid"]) == fold(match["uid"])), None)
    if evse is None:
        raise NotPossible(f"there is no EVSE {match['uid']} at that Location")
    wanted = match["id"]
    connector = next((one for one in evse["connectors"] if wanted is None or fold(one["id"]) == fold(wanted)), None)
    if connector is None:
        raise NotPossible(f"EVSE {evse['uid']} has no Connector {wanted}")
    return Outlet(int(match["evse"]), int(match["connector"] or 1), evse["uid"], connector["id"])
