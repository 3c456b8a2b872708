"""A reservation: a driver asks for a plug to be kept, and starts there in time, lets it go, or is late.

It becomes a drive under the same id, so the operator, who was told that id as authorization_reference with the reservation, says with
the same one that charging has begun. A reservation that costs money is for drivers who pay by invoice: without a drive nothing is held that
it could be taken from.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import msgspec

from interplug.model.said import said
from interplug.model.types import format_time
from interplug.modules import asking
from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.commands import Command
from interplug.store.drivers import Driver
from interplug.store.reservations import Reservation
from interplug.store.tx import Tx
from interplug.tariffs import TariffError, words

from .answers import in_words
from .at_plug import Overtaken, ask, choose
from .deals import Deal, deal
from .drives import Paying
from .estimate import tariffs_of
from .plugs import NotPossible, Plug, startable
from .reservation_states import ASKED, CANCELLING, OPEN, RESERVATIONS
from .states import CHARGING, FINISHED

Document = dict[str, Any]
MINUTES = (15, 30, 60)
FINAL = ("succeeded", "failed", "refused", "timed_out", "canceled")
"""States of a command in which nothing more is awaited."""
TAKEN_BACK = said("The operator has cancelled the reservation.")


def possible(node: Node, plug: Plug) -> bool:
    """Whether the operator says that this EVSE can be reserved, and can be asked for it."""
    try:
        connection = startable(node, plug)
    except NotPossible:
        return False
    return "RESERVABLE" in (plug.evse.get("capabilities") or ()) and connection.endpoint("commands", "RECEIVER") is not None


def costs(deal: Deal) -> Document | None:
    """What of the price is for the reservation, as a tariff; None where nothing is."""
    for tariff in tariffs_of(deal):
        elements = [one for one in tariff.get("elements") or () if (one.get("restrictions") or {}).get("reservation")]
        if elements:
            return {**tariff, "elements": elements, "min_price": None, "max_price": None}
    return None


def price(deal: Deal) -> str:
    """In words; empty where the price says nothing of reserving."""
    named = costs(deal)
    try:
        return "" if named is None else words(named)
    except TariffError:
        return ""


async def reserve(node: Node, driver: Driver, plug: Plug, minutes: int, paying: Paying | None = None) -> Reservation:
    """Asks the operator; raises `NotPossible` before anything is sent."""
    connection = startable(node, plug)
    if not possible(node, plug):
        raise NotPossible(said("This station cannot be reserved."))
    choice, now = await choose(node, driver, plug), node.clock()
    if costs(deal(choice.offer, choice.shown, now)) is not None and paying is not None and paying.by_card(choice.token):
        raise NotPossible(said("Reserving costs money at this station, and that cannot be paid by card."))
    one = Reservation(
        id=secrets.token_hex(16),
        **choice.columns(),
        state=ASKED,
        until=now + minutes * 60 * 1_000_000,
        created_at=now,
        deadline=node.after(node.settings.network.timeout + node.settings.ocpi.command_timeout),
    )

    async def work(tx: Tx) -> None:
        if any(other.state in OPEN for other in await tx.reservations.of_driver(driver.id)):
            raise NotPossible(said("You have a reservation already; let it go first."))
        await tx.reservations.add(one)

    await node.store.write(work)
    document = {
        "token": choice.token,
        "expiry_date": format_time(one.until, whole_seconds=True),
        "reservation_id": one.id,
        "location_id": one.place,
        "evse_uid": one.evse,
        "authorization_reference": one.id,
    }
    return await _send(node, connection, one, "RESERVE_NOW", document)


async def cancel(node: Node, one: Reservation) -> Reservation:
    """Who asks while it is being cancelled has what he wants."""
    connection = node.directory.by_id(one.connection)
    if one.state == CANCELLING:
        return one
    if (one.state, "cancel") not in RESERVATIONS:
        raise NotPossible(said("There is nothing to cancel now."))
    if connection is None or not connection.registered:
        raise NotPossible(said("There is no connection to this operator any more; the reservation ends by itself."))
    return await _send(node, connection, one, "CANCEL_RESERVATION", {"reservation_id": one.id})


async def _send(node: Node, connection: Connection, one: Reservation, command: str, document: Document) -> Reservation:
    reserves = command == "RESERVE_NOW"

    async def noting(tx: Tx, row: Command) -> None:
        """In one with the row of the command: a reservation is never seen to end by a command from before."""
        if reserves:
            await _move(tx, one.id, "", "", command=row.id)
            return
        found = await tx.reservations.get(one.id)
        if found is None or (found.state, "cancel") not in RESERVATIONS:
            raise Overtaken
        await _move(tx, one.id, "cancel", "", cancel_command=row.id)

    party, told = Party(one.country, one.party), (partial(happened, node, one.id), partial(_answered, node, one.id))
    return await ask(node, connection, command, document, party, noting, *told, unsent="failed" if reserves else "not asked")


async def _answered(node: Node, id: str, row: Command) -> Reservation:
    """What the state of one of its commands means; nothing any more where a newer one has taken its place."""
    event = _event(row) if row.state in FINAL else ""
    reason = "" if event in ("", "succeeded", "let go") else TAKEN_BACK if event == "taken back" else in_words(row)

    async def work(tx: Tx) -> Reservation:
        found = await tx.reservations.get(id)
        assert found is not None
        return await _move(tx, id, event if row.id in (found.command, found.cancel_command) else "", reason)

    return await node.store.write(work)


def _event(row: Command) -> str:
    if row.command == "RESERVE_NOW":
        return {"succeeded": "succeeded", "canceled": "taken back"}.get(row.state, "failed")
    return "let go" if row.state == "succeeded" or row.result == "UNKNOWN_RESERVATION" else "kept"


async def happened(node: Node, id: str, event: str, reason: str = "", **columns: Any) -> Reservation:
    return await node.store.write(lambda tx: _move(tx, id, event, reason, **columns))


async def _move(tx: Tx, id: str, event: str, reason: str, **columns: Any) -> Reservation:
    one = await tx.reservations.get(id)
    assert one is not None
    before = msgspec.structs.replace(one)
    state = RESERVATIONS.get((one.state, event))
    if state is not None:
        one.state, one.reason = state, reason
    for name, value in columns.items():
        setattr(one, name, value)
    if one != before:
        await tx.reservations.update(one)
    return one


# --- the loop


async def run(node: Node) -> None:
    """Until cancelled: what commands, drives and the clock say about reservations."""
    while True:
        head = await node.store.look()
        await tick(node)
        await node.store.changed(head, 1.0)


async def tick(node: Node) -> None:
    for one in await node.store.read(lambda tx: tx.reservations.in_states(OPEN)):
        for name in (one.command, one.cancel_command):
            row = await asking.status(node, name) if name else None
            if row is not None and (one.state, _event(row)) in RESERVATIONS:
                one = await _answered(node, one.id, row)
        drive = await node.store.read(lambda tx, name=one.id: tx.drivers.get(name))  # type: ignore[misc]
        if drive is not None and (drive.session or drive.state in (CHARGING, FINISHED)):
            await happened(node, one.id, "used")
        elif node.clock() >= one.until:
            await happened(node, one.id, "over")
