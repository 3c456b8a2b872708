"""A drive: a driver starts and stops at a partner's station, through commands, and what it becomes is followed.

What could not succeed is refused before anything is sent (`plugs.py`), a second drive of one driver too. The drive is a row before the
command leaves, and its id is the authorization_reference by which a CPO of 2.2.1 and later says which Session is ours; 2.1.1 is matched
by Token, EVSE and time.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any, Protocol

from interplug.model.said import said
from interplug.model.types import fold, format_time
from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.commands import Command
from interplug.store.drivers import Drive, Driver
from interplug.store.tx import Tx

from .answers import TAKEN, in_words
from .at_plug import Overtaken, ask, choose
from .deals import deal
from .plugs import NotPossible, Plug, startable
from .states import ASKED, CHARGING, OPEN, STARTING, STOPPING, advance
from .tokens import card_token, token_key, token_of

Document = dict[str, Any]
SESSION_WITHIN = 90.0
"""Seconds after the station said yes within which a Session is expected, or its end."""
STOP_WITHIN = 180.0
"""Seconds for which a driver waits at most for the result of a stop, whatever the operator has promised."""
OTHER_PRICE = said("The price has just changed. Look at the new one before you start.")
PATIENCE = 15 * 60.0
"""Seconds after which a start that nobody confirmed is over."""


class Paying(Protocol):
    """What a start asks of those who take the driver's money (`paying.py`)."""

    def by_card(self, token: Document) -> bool:
        """Whether nothing may start for this driver before money is held."""

    async def first(self, drive: Drive, token: Document, plug: Plug, *, method: str = "") -> Drive:
        """Writes the drive with its payment, and asks for the hold; `method`: on what the driver has saved."""


async def new_driver(node: Node, name: str = "") -> Driver:
    """A guest: an own Token of type APP_USER, which push brings to the CPOs. Never whitelisted: each start is ours to allow.

    `name`: the id; who asks for one twice is one driver.
    """
    parties = node.directory.our_parties("EMSP")
    if not parties:
        raise NotPossible(said("this node is no service provider"))
    party, now = parties[0], node.clock()
    contract = f"{party.country_code}{party.party_id}C{secrets.token_hex(4).upper()}"
    driver = Driver(name or secrets.token_hex(16), secrets.token_hex(10).upper(), contract, now)
    token = {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "uid": driver.token_uid,
        "type": "APP_USER",
        "contract_id": contract,
        "issuer": (party.business_details or {}).get("name") or f"{party.country_code}-{party.party_id}",
        "valid": True,
        "whitelist": "NEVER",
    }

    async def work(tx: Tx) -> Driver:
        known = await tx.drivers.driver(driver.id)
        if known is None:
            await tx.drivers.add_driver(driver)
            await tx.objects.save(token_key(node, driver), {**token, "last_updated": format_time(now)}, last_updated=now)
        return known or driver

    return await node.store.write(work)


async def start(
    node: Node, driver: Driver, plug: Plug, price_key: str = "", paying: Paying | None = None, *, reserved: str = "", method: str = ""
) -> Drive:
    """Asks the CPO to start; raises `NotPossible` before anything is sent. The drive says how it went so far.

    `price_key`: of the price that the driver has seen; nothing is started at another. `paying`: where a driver may have to pay before.
    `reserved`: the id of the driver's own reservation of this plug, which the drive goes on with. `method`: the id of a way to pay that the
    driver has saved.
    """
    connection = startable(node, plug, reserved=bool(reserved))
    choice = await choose(node, driver, plug)
    if price_key and deal(choice.offer, choice.shown, node.clock()).key != price_key:
        raise NotPossible(OTHER_PRICE)
    drive = Drive(id=await _name(node, reserved), **choice.columns(), state=ASKED, created_at=node.clock(), deadline=_deadline(node))
    if paying is not None and paying.by_card(choice.token):
        return await paying.first(drive, choice.token, plug, method=method)
    await node.store.write(lambda tx: add(tx, node, drive))
    return await ask_to_start(node, connection, drive, choice.token)


async def _name(node: Node, reserved: str) -> str:
    """A drive goes on under the id of its reservation; a second one, after a first that failed, has its own."""
    taken = not reserved or await node.store.read(lambda tx: tx.drivers.get(reserved)) is not None
    return secrets.token_hex(16) if taken else reserved


async def paid(node: Node, id: str) -> Drive | None:
    """The hold is there: now the CPO is asked. None where somebody else has asked, or the drive is over."""

    async def work(tx: Tx) -> tuple[Drive, Document | None] | None:
        drive = await tx.drivers.get(id)
        if drive is None or advance(drive.state, "paid") is None:
            return None
        drive = await move(tx, node, drive, "paid", deadline=_deadline(node))
        if drive.terminal:
            return drive, card_token(node, drive.id)
        return drive, await token_of(tx, node, await tx.drivers.driver(drive.driver))

    found = await node.store.write(work)
    if found is None:
        return None
    drive, token = found
    connection = node.directory.by_id(drive.connection)
    if token is None or connection is None or not connection.registered:
        return await happened(node, id, "refused", said("There is no connection to this operator any more."))
    return await ask_to_start(node, connection, drive, token)


async def ask_to_start(node: Node, connection: Connection, drive: Drive, token: Document) -> Drive:
    document = {
        "token": token,
        "location_id": drive.place,
        "evse_uid": drive.evse,
        "connector_id": drive.connector,
        "authorization_reference": drive.id,
    }
    return await _send(node, connection, drive, "START_SESSION", document, Party(drive.country, drive.party))


def _deadline(node: Node) -> int:
    return node.after(node.settings.network.timeout + node.settings.ocpi.command_timeout + SESSION_WITHIN)


def in_the_way(node: Node, drive: Drive) -> bool:
    """Whether its driver begins no other one meanwhile.

    Not where it was to stop and charges on as far as its operator tells, or where nobody is left to ask: the car may have gone long since.
    """
    connection = node.directory.by_id(drive.connection)
    left = drive.state == CHARGING and (bool(drive.stop_command) or connection is None or not connection.registered)
    return drive.state in OPEN and not left


async def add(tx: Tx, node: Node, drive: Drive) -> None:
    if drive.terminal:
        others = await tx.drivers.at_terminals(OPEN, drive.connection)
        if any((fold(one.place), fold(one.evse)) == (fold(drive.place), fold(drive.evse)) for one in others):
            raise NotPossible(said("Somebody has just paid for this station."))
    elif any(in_the_way(node, one) for one in await tx.drivers.of_driver(drive.driver)):
        raise NotPossible(said("You have a charging session already; stop it first."))
    await tx.drivers.add(drive)


async def stop(node: Node, drive: Drive) -> Drive:
    """Asks the CPO to stop; the drive is FINISHED when its Session is. Who asks while it is being stopped has what he wants."""
    if drive.state == STOPPING:
        return drive
    session = await node.store.read(lambda tx: tx.objects.get_pk(drive.session)) if drive.session else None
    connection = node.directory.by_id(drive.connection)
    if session is None or advance(drive.state, "stop") is None:
        raise NotPossible(said("There is nothing to stop now."))
    if connection is None or not connection.registered:
        raise NotPossible(said("There is no connection to this operator any more; end the session at the station."))
    party = Party(session.key.country, session.key.party)
    return await _send(node, connection, drive, "STOP_SESSION", {"session_id": session.key.id}, party)


def end_by(node: Node, row: Command) -> int:
    """When the end of a charge that this command stops is late, so that the driver may ask again."""
    second = node.speed * 1_000_000
    if row.state == "succeeded":
        return row.finished_at + int(SESSION_WITHIN * second)
    return min(row.deadline, row.created_at + int(STOP_WITHIN * second))


async def give_up(node: Node, drive: Drive) -> Drive:
    """OCPI cannot take a start back: who does not want it any more leaves the car unplugged, and what begins all the same is stopped."""
    if drive.state not in STARTING:
        raise NotPossible(said("There is nothing to give up now."))
    return await happened(node, drive.id, "", unwanted=node.clock())


async def _send(node: Node, connection: Connection, drive: Drive, command: str, document: Document, party: Party) -> Drive:
    starts = command == "START_SESSION"

    async def noting(tx: Tx, row: Command) -> None:
        """In one with the row of the command: a drive is never seen to stop by a command from before."""
        found = await tx.drivers.get(drive.id)
        assert found is not None
        if starts:
            await move(tx, node, found, "", command=row.id)
        elif advance(found.state, "stop") is None:
            raise Overtaken
        else:
            await move(tx, node, found, "stop", stop_command=row.id)

    told = partial(happened, node, drive.id), partial(answered, node, drive.id)
    return await ask(node, connection, command, document, party, noting, *told, unsent="refused" if starts else "not asked")


async def answered(node: Node, id: str, row: Command) -> Drive:
    """What a command has come to, for its drive; nothing any more where a newer one has taken its place."""
    event = event_of(node, row)
    reason = in_words(row) if event not in ("", "accepted", "succeeded", "stopping") else ""

    async def work(tx: Tx) -> Drive:
        drive = await tx.drivers.get(id)
        assert drive is not None
        return await move(tx, node, drive, event if row.id in (drive.command, drive.stop_command) else "", reason)

    return await node.store.write(work)


def event_of(node: Node, row: Command) -> str:
    """What the state of a command (`command_states.SENT`) means for its drive; empty: nothing yet."""
    if row.command == "START_SESSION":
        return _STARTS[row.state]
    if row.state in TAKEN and node.clock() >= end_by(node, row):
        return "not over"
    return _STOPS.get(row.state, "")


_STARTS = {
    "posting": "",
    "waiting": "accepted",
    "unanswered": "late",
    "refused": "refused",
    "failed": "failed",
    "succeeded": "succeeded",
    "canceled": "failed",
    "timed_out": "late",
}
_STOPS = {"refused": "stop failed", "failed": "stop failed", "timed_out": "stop failed", "succeeded": "stopping"}


async def happened(node: Node, id: str, event: str, reason: str = "", **columns: Any) -> Drive:
    """Moves a drive on and writes down what came with the event; an event that means nothing keeps the state."""

    async def work(tx: Tx) -> Drive:
        drive = await tx.drivers.get(id)
        assert drive is not None
        return await move(tx, node, drive, event, reason, **columns)

    return await node.store.write(work)


async def move(tx: Tx, node: Node, drive: Drive, event: str, reason: str = "", **columns: Any) -> Drive:
    """Moves a drive on, within a transaction. `event` empty, or one that means nothing now: only the columns change. What has not changed
    is not written."""
    state = advance(drive.state, event) if event else None
    changes: dict[str, Any] = {name: value for name, value in columns.items() if getattr(drive, name) != value}
    if state is not None:
        changes |= {"state": state, "reason": reason}
        if state == "STARTED":
            changes["deadline"] = node.after(SESSION_WITHIN)
        elif state == "UNSURE":
            changes["deadline"] = node.after(PATIENCE)
    for name, value in changes.items():
        setattr(drive, name, value)
    if changes:
        await tx.drivers.update(drive)
        await tx.payments.look(drive.id)
    return drive
