"""Commands, as their sender: the eMSP asks a CPO to start, stop, reserve, cancel or unlock, and learns later how it went.

The row is there before the POST, with a response_url of its own that nobody can guess; it outlives the first result, for a
CPO may take a reservation back (CMD-041). Only own Tokens are sent, and only those that we would let charge (CMD-022,
CMD-029). UNLOCK_CONNECTOR is for people at a help desk: no page for drivers may call it (CMD-042).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from interplug.model.types import encode_json, fold
from interplug.model.validate import Invalid, validate
from interplug.partners.directory import Connection
from interplug.protocol.envelope import Answer, Reply
from interplug.protocol.headers import Party
from interplug.protocol.routes import Module, Route
from interplug.protocol.status import not_found
from interplug.store.commands import Command
from interplug.store.keys import Key
from interplug.store.tx import Tx
from interplug.versions import chain
from interplug.versions.facts import Facts
from interplug.versions.table import VERSIONS

from . import call as receiver
from . import lens
from .addresses import endpoint
from .command_checks import KINDS, place_of
from .command_states import OPEN, SENT, advance
from .node import Call, Node

Document = dict[str, Any]


class NotSent(ValueError):
    """We refuse to send this command; the text says why."""


@dataclass(slots=True, frozen=True)
class CommandSent:
    """How it stands after the answer at once: `state` of `command_states.SENT`, `result` in OCPI's words."""

    id: str
    state: str
    result: str
    message: str = ""


# --- asking


async def send(node: Node, connection: Connection, command: str, document: Document) -> CommandSent:
    """Sends a command, given in the newest form without its response_url; raises `NotSent` where we must not."""
    if not connection.registered:
        raise NotSent(f"{connection.partner} is not registered")
    token = document.get("token")
    if token is not None:
        await _check_token(node, token, document)
    place, document = await _placed(node, connection, command, document)
    row = _row(node, connection, command, document, place)
    asked = receiver.party_in(row.theirs)
    if asked is not None and (why := connection.absent(asked, "CPO")):
        raise NotSent(why)
    validate(KINDS[command], {**document, "response_url": row.response_url})
    view = await node.store.write(lambda tx: _write(tx, node, row, document))
    if view is None:
        return await _settle(node, row, "refused", "NOT_SUPPORTED", f"OCPI {row.version} cannot say this")
    to, sender = receiver.party_in(row.theirs), receiver.party_in(row.ours)
    reply = await node.client.call(connection, "POST", "commands", "RECEIVER", command, document=view, to=to, sender=sender)
    return await _answered(node, row, reply)


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


async def _placed(node: Node, connection: Connection, command: str, document: Document) -> tuple[Key | None, Document]:
    """The Location as this partner gave it to us, and the Connector filled in where its EVSE has to be told (CMD-032)."""
    name = document.get("location_id")
    if name is None:
        return None, document

    async def work(tx: Tx) -> tuple[Key | None, Document | None]:
        found = await tx.objects.find_id("locations", name, connection.id)
        return (found[0].key, found[0].document) if found else (None, None)

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


def _row(node: Node, connection: Connection, command: str, document: Document, place: Key | None) -> Command:
    name = secrets.token_hex(16)
    token = document.get("token")
    ours = Party(token["country_code"], token["party_id"]) if token else node.directory.party_for(connection, "EMSP")
    theirs = Party(place.country, place.party) if place else node.directory.their_party(connection, "CPO")
    assert connection.version is not None
    return Command(
        id=name,
        direction="out",
        connection=connection.id,
        version=connection.version,
        command=command,
        state="posting",
        document=encode_json(document),
        response_url=endpoint(node.settings, connection.version, COMMANDS, "SENDER", command, name),
        ours=str(ours or ""),
        theirs=str(theirs or ""),
        place=place_of(place) if place else "",
        evse=document.get("evse_uid") or "",
        connector=document.get("connector_id") or "",
        token=token["uid"] if token else "",
        reservation=document.get("reservation_id") or "",
        created_at=node.clock(),
        deadline=node.after(node.settings.network.timeout + node.settings.ocpi.command_timeout),
    )


async def _write(tx: Tx, node: Node, row: Command, document: Document) -> Document | None:
    """The row, and the command as that version says it; 2.1.1 knows reservations by number."""
    await tx.commands.add(row)
    number = None
    if row.reservation and not VERSIONS[row.version].cancel_reservation:
        number = await tx.commands.reservation_number(row.connection, row.reservation)
    facts = Facts(reservation_number=number, postal_code_filler=node.settings.ocpi.postal_code_filler)
    return chain.down(KINDS[row.command], {**document, "response_url": row.response_url}, row.version, facts)


# --- the answer at once


async def _answered(node: Node, row: Command, reply: Reply) -> CommandSent:
    response = _response(node, row, reply)
    if response is None:
        return await _settle(node, row, "fault", "FAILED", reply.why())
    message = text_of(response.get("message")) or (reply.message or "" if not reply.ok else "")
    if response["result"] != "ACCEPTED" or not reply.ok:
        return await _settle(node, row, "refused", response["result"], message)
    return await _settle(node, row, "accepted", "ACCEPTED", message, response["timeout"])


def _response(node: Node, row: Command, reply: Reply) -> Document | None:
    """The CommandResponse in a partner's answer, which may come with an error code (2003), or as a bare word (trap 24)."""
    data = {"result": reply.data} if isinstance(reply.data, str) else reply.data
    if not isinstance(data, dict):
        return None
    response = chain.up("command_response", data, row.version, Facts(command_timeout=node.settings.ocpi.command_timeout))
    try:
        validate("command_response", response)
    except Invalid:
        return None
    return response


async def _settle(node: Node, row: Command, event: str, result: str, message: str, promised: int | None = None) -> CommandSent:
    """Writes down the answer at once. A result that was quicker than it has the last word."""

    async def work(tx: Tx) -> Command:
        stored = await tx.commands.get(row.id)
        assert stored is not None
        stored.answered = result
        state = advance(SENT, stored.state, event)
        if state is not None:
            stored.state, stored.message = state, message
            if promised is None:
                stored.result, stored.finished_at = result, node.clock()
            else:
                stored.deadline = node.after(min(max(promised, 0), 86_400))
        await tx.commands.update(stored)
        return stored

    stored = await node.store.write(work)
    return CommandSent(stored.id, stored.state, stored.answered, stored.message)


def text_of(message: Any) -> str:
    """The English text of a list of DisplayText, or the first there is."""
    texts = [part for part in message or () if isinstance(part, dict) and isinstance(part.get("text"), str)]
    english = [part for part in texts if part.get("language") == "en"]
    chosen = (english or texts or [{"text": ""}])[0]
    return str(chosen["text"])


# --- the result later


async def result(call: Call) -> Answer:
    """POST to a response_url: the result of one of our commands, from the partner that has it (14.2.2)."""
    document = await lens.read(call, "command_result", lens.body(call))
    validate("command_result", document)
    if not await call.node.store.write(lambda tx: _note_result(tx, call, document)):
        raise not_found("no such command was sent to you")
    return Answer()


async def _note_result(tx: Tx, call: Call, document: Document) -> bool:
    row = await tx.commands.get(call.params["command_id"])
    if row is None or row.direction != "out" or row.connection != call.connection.id or row.command != call.params["command"]:
        return False
    state = advance(SENT, row.state, _event(row, document["result"]))
    if state is not None:
        row.state, row.result, row.message, row.finished_at = state, document["result"], text_of(document.get("message")), call.now
        await tx.commands.update(row)
    return True


def _event(row: Command, result: str) -> str:
    if result == "CANCELED_RESERVATION":
        return "canceled" if row.command == "RESERVE_NOW" and row.state == "succeeded" else "failed"
    return "succeeded" if result == "ACCEPTED" else "failed"


async def expire(node: Node) -> None:
    """Commands whose promised result did not come in time have failed for us (14.3.2); a late result still counts."""

    now = node.clock()

    async def overdue(tx: Tx) -> list[Command]:
        found = [row for state in OPEN for row in await tx.commands.in_state(state)]
        return [row for row in found if row.direction == "out" and row.deadline <= now]

    async def work(tx: Tx) -> None:
        for row in await overdue(tx):
            row.state, row.result, row.finished_at = SENT[row.state, "deadline"], "TIMEOUT", now
            await tx.commands.update(row)

    if await node.store.read(overdue):
        await node.store.write(work)


async def restart(node: Node) -> None:
    """Commands whose answer an ended process was waiting for: nobody knows, so they failed."""

    async def work(tx: Tx) -> None:
        for row in await tx.commands.in_state("posting"):
            row.state, row.result, row.finished_at = SENT["posting", "restart"], "FAILED", node.clock()
            await tx.commands.update(row)

    await node.store.write(work)


async def status(node: Node, id: str) -> Command | None:
    """A command that we sent, as it stands."""

    async def work(tx: Tx) -> Command | None:
        row = await tx.commands.get(id)
        return row if row is not None and row.direction == "out" else None

    return await node.store.read(work)


COMMANDS = Module(
    id="commands",
    kind="command",
    sender=("EMSP",),
    receiver=("CPO",),
    key=(),
    routes=(
        Route("SENDER", "POST", "{command}/{command_id}", result),
        Route("RECEIVER", "POST", "{command}", receiver.receive),
    ),
)
