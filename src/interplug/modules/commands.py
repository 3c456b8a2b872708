"""Commands, as their sender: the eMSP asks a CPO to start, stop, reserve, cancel or unlock, and learns later how it went.

The row is there before the POST, with a response_url of its own that nobody can guess; it outlives the first result, for a
CPO may take a reservation back (CMD-041). Only own Tokens are sent, and only those that we would let charge (CMD-022,
CMD-029). UNLOCK_CONNECTOR is for people at a help desk: no page for drivers may call it (CMD-042).
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import fold
from interplug.model.validate import validate
from interplug.partners.directory import Connection
from interplug.protocol.envelope import Answer
from interplug.protocol.headers import Party
from interplug.protocol.routes import Module, Route
from interplug.store.commands import Command
from interplug.store.keys import Key, Stored
from interplug.store.tx import Tx
from interplug.versions import chain
from interplug.versions.facts import Facts
from interplug.versions.table import VERSIONS

from . import call as receiver
from .asking import Noting, NotSent, Sent, answered, asked, settle, taken
from .command_checks import KINDS, place_of
from .node import Call, Node

Document = dict[str, Any]


# --- asking


async def send(
    node: Node, connection: Connection, command: str, document: Document, noting: Noting | None = None, party: Party | None = None
) -> Sent:
    """Sends a command, given in the newest form without its response_url; raises `NotSent` where we must not. `noting`: what else is
    written down with its row, before anything is sent. `party`: whose Location, Session or reservation it is, where the partner, as a hub,
    speaks for several that may use the same ids."""
    if not connection.registered:
        raise NotSent(f"{connection.partner} is not registered")
    token = document.get("token")
    if token is not None:
        await _check_token(node, token, document)
    place, document = await _placed(node, connection, command, document, party)
    party = Party(place.country, place.party) if place else party or await _whose(node, connection, document)
    row = _row(node, connection, command, document, place, party)
    asked = receiver.party_in(row.theirs)
    if asked is not None and (why := connection.absent(asked, "CPO")):
        raise NotSent(why)
    validate(KINDS[command], {**document, "response_url": row.response_url})
    view = await node.store.write(lambda tx: _write(tx, node, row, document, noting))
    if view is None:
        return await settle(node, row, "refused", "NOT_SUPPORTED", f"OCPI {row.version} cannot say this")
    to, sender = receiver.party_in(row.theirs), receiver.party_in(row.ours)
    reply = await node.client.call(connection, "POST", "commands", "RECEIVER", command, document=view, to=to, sender=sender)
    return await answered(node, row, reply, "command_response")


async def _check_token(node: Node, token: Document, document: Document) -> None:
    party = Party(token["country_code"], token["party_id"])
    if not node.directory.is_ours(party):
        raise NotSent(f"a Token of {party} is not ours to use")
    place = {"location_id": document["location_id"], "evse_uids": [document["evse_uid"]]} if document.get("evse_uid") else None
    allowed = "ALLOWED" if token["valid"] else "BLOCKED"
    if allowed == "ALLOWED" and node.drivers is not None:
        allowed = (await node.drivers.may_charge(token, place or {"location_id": document["location_id"]})).allowed
    if allowed != "ALLOWED":
        raise NotSent(f"this Token may not charge: {allowed}")


async def _placed(node: Node, connection: Connection, command: str, document: Document, party: Party | None) -> tuple[Key | None, Document]:
    """The Location as this partner gave it to us, and the Connector filled in where its EVSE has to be told (CMD-032)."""
    name = document.get("location_id")
    if name is None:
        return None, document

    async def work(tx: Tx) -> tuple[Key | None, Document | None]:
        stored = _theirs(await tx.objects.find_id("locations", name, connection.id), party)
        return (None, None) if stored is None else (stored.key, stored.document)

    key, location = await node.store.read(work)
    uid = document.get("evse_uid")
    if document.get("connector_id") is not None and uid is None:
        raise NotSent("evse_uid: has to be named with a Connector")
    if command != "START_SESSION" or location is None or uid is None or document.get("connector_id") is not None:
        return key, document
    evse = next((evse for evse in location.get("evses") or () if fold(evse["uid"]) == fold(uid)), None)
    if evse is None or "START_SESSION_CONNECTOR_REQUIRED" not in (evse.get("capabilities") or ()):
        return key, document
    if len(evse["connectors"]) != 1:
        raise NotSent("connector_id: this EVSE has to be told which Connector")
    return key, {**document, "connector_id": evse["connectors"][0]["id"]}


def _theirs(found: list[Stored], party: Party | None) -> Stored | None:
    """The object of that party; with none named, the one that there is."""
    mine = [one for one in found if party is None or party.key == (one.key.country.upper(), one.key.party.upper())]
    if len(mine) > 1:
        parties = ", ".join(f"{one.key.country}-{one.key.party}" for one in mine)
        raise NotSent(f"{mine[0].key.id} is a name that several parties use: {parties}")
    return mine[0] if mine else None


async def _whose(node: Node, connection: Connection, document: Document) -> Party | None:
    """Who has the Session that is to be stopped, or the reservation that is to be cancelled."""

    async def work(tx: Tx) -> Party | None:
        if (session := document.get("session_id")) is not None:
            stored = _theirs(await tx.objects.find_id("sessions", session, connection.id), None)
            return Party(stored.key.country, stored.key.party) if stored is not None else None
        made = await tx.commands.reservation(connection.id, document.get("reservation_id") or "", "out")
        return receiver.party_in(made.theirs) if made is not None else None

    return await node.store.read(work) or node.directory.their_party(connection, "CPO")


def _row(node: Node, connection: Connection, command: str, document: Document, place: Key | None, theirs: Party | None) -> Command:
    token = document.get("token")
    ours = Party(token["country_code"], token["party_id"]) if token else node.directory.party_for(connection, "EMSP")
    return asked(
        node,
        connection,
        COMMANDS,
        command,
        document,
        ours=str(ours or ""),
        theirs=str(theirs or ""),
        place=place_of(place) if place else "",
        evse=document.get("evse_uid") or "",
        connector=document.get("connector_id") or "",
        token=token["uid"] if token else "",
        reservation=document.get("reservation_id") or "",
    )


async def _write(tx: Tx, node: Node, row: Command, document: Document, noting: Noting | None) -> Document | None:
    """The row, and the command as that version says it; 2.1.1 knows reservations by number."""
    await tx.commands.add(row)
    if noting is not None:
        await noting(tx, row)
    number = None
    if row.reservation and not VERSIONS[row.version].cancel_reservation:
        number = await tx.commands.reservation_number(row.connection, row.reservation)
    facts = Facts(reservation_number=number, postal_code_filler=node.settings.ocpi.postal_code_filler)
    return chain.down(KINDS[row.command], {**document, "response_url": row.response_url}, row.version, facts)


async def result(call: Call) -> Answer:
    """POST to a response_url of ours."""
    await taken(call, call.params["command"], "command_result")
    return Answer()


COMMANDS = Module(
    id="commands",
    kind="command",
    sender=("EMSP", "PTP"),
    receiver=("CPO",),
    key=(),
    routes=(
        Route("SENDER", "POST", "{command}/{command_id}", result),
        Route("RECEIVER", "POST", "{command}", receiver.receive),
    ),
    call=True,
)
