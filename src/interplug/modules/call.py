"""The call, as its receiver: a command is written down, answered, carried out at the station, and its result is reported once.

First the row, then the answer ACCEPTED with the time within which the result will come, then the station; so a crash between
any two of them loses no promise: what was accepted and not finished is reported after the restart, honestly, as FAILED, or as
TIMEOUT when its time is over. The result goes to exactly the response_url of the request, which must stand at one of the
partner's own hosts; a report that fails is not repeated (14.3.2). Who carries commands out is behind `ChargingStations`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from interplug.model.types import decode_json, encode_json
from interplug.model.validate import OBJECTS, validate
from interplug.partners.guard import check_url
from interplug.protocol.envelope import Answer
from interplug.protocol.headers import Party
from interplug.protocol.http import Unreachable
from interplug.protocol.status import SUCCESS, invalid
from interplug.store.commands import Command
from interplug.store.keys import OWN
from interplug.store.tx import Tx
from interplug.versions import chain

from . import lens, once, steering, terminals
from .command_checks import KINDS, Refusal, Target, check, place_of
from .command_states import RECEIVED, advance
from .node import Call, Node, Outcome

Document = dict[str, Any]
Decide = Callable[[Tx], Awaitable[Command | Refusal]]
Answering = Callable[[Call, Refusal | None], Answer]
WORK = KINDS | steering.WORK
"""The method of `ChargingStations` that carries a call out."""
GRACE = 5.0
"""Seconds after its time at which a command counts as left behind by a process that has ended."""


# --- the answer at once


async def receive(call: Call) -> Answer:
    """POST {command}: a CommandResponse, whatever it says; only what is no command at all is an error."""
    command, body = call.params["command"], lens.body(call)
    kind = KINDS.get(command)
    if kind is None or (command == "CANCEL_RESERVATION" and not call.version.cancel_reservation):
        return _answer(call, Refusal("NOT_SUPPORTED", f"{command[:40]} is not supported"))
    document = await _document(call, kind, body)

    async def decide(tx: Tx) -> Command | Refusal:
        target = await check(tx, call, command, document)
        return target if isinstance(target, Refusal) else _row(call, command, target)

    return await accept(call, decide, _answer)


async def accept(call: Call, decide: Decide, answering: Answering) -> Answer:
    """Decides, writes down and answers in one transaction; what was accepted is carried out afterwards."""
    if call.node.stations is None:
        return answering(call, Refusal("NOT_SUPPORTED", "no station of ours takes this"))
    answer, accepted = await call.node.store.write(lambda tx: _accept(tx, call, decide, answering))
    if accepted is not None:
        call.node.begin(carry_out(call.node, accepted))
    return answer


async def _document(call: Call, kind: str, body: Document) -> Document:
    """The command in the newest form; its Token is one of the party that sends it."""
    party = call.sender or call.node.directory.their_party(call.connection, "EMSP")
    document = await lens.read(call, kind, body, (party.country_code, party.party_id) if party else None)
    validate(kind, document)
    # A field that belongs to another command was checked by nobody, and means nothing here.
    document = {name: document[name] for name in OBJECTS[kind].__struct_fields__ if name in document}
    token = document.get("token")
    if token is not None:
        whose, role = (token["country_code"], token["party_id"]), "PTP" if terminals.paid_here(call.connection, token) else "EMSP"
        if not call.node.directory.may_write(call.connection, *whose, role):
            raise invalid(f"$.token.party_id: {'-'.join(whose)} is no party of this connection")
    check_response_url(call, document["response_url"])
    return document


def check_response_url(call: Call, url: str) -> None:
    """It has to stand at a host of the partner's own: a stranger's request leads us nowhere else."""
    try:
        check_url(url, call.node.settings.network, call.connection.hosts)
    except Unreachable as error:
        raise invalid(f"$.response_url: {error}") from None


async def _accept(tx: Tx, call: Call, decide: Decide, answering: Answering) -> tuple[Answer, Command | None]:
    known = await once.repeated(tx, call)
    if known is not None:
        return known, None
    decided = await decide(tx)
    refusal, row = (decided, None) if isinstance(decided, Refusal) else (None, decided)
    answer = answering(call, refusal)
    if row is not None:
        await tx.commands.add(row)
    await once.remember(tx, call, answer)
    return answer, row


def _answer(call: Call, refusal: Refusal | None) -> Answer:
    settings = call.node.settings
    response: Document = {"result": "ACCEPTED", "timeout": settings.ocpi.command_timeout}
    if refusal is not None:
        response |= {"result": refusal.result, "message": _words(refusal.message)}
    view = lens.say(call, "command_response", response)
    code = SUCCESS if refusal is None else refusal.code
    return Answer(view, code, None if code == SUCCESS or refusal is None else refusal.message)


def _words(message: str) -> list[Document]:
    return [{"language": "en", "text": message[:512]}]


def _row(call: Call, command: str, target: Target) -> Command:
    document, node = target.document, call.node
    ours = Party(target.place.country, target.place.party) if target.place else call.to or node.directory.party_for(call.connection, "CPO")
    token = document.get("token") or {}
    theirs = (
        Party(token["country_code"], token["party_id"]) if token else call.sender or node.directory.their_party(call.connection, "EMSP")
    )
    return accepted(
        call,
        command,
        document,
        ours=str(ours or ""),
        theirs=str(theirs or ""),
        place=place_of(target.place) if target.place else "",
        evse=target.evse,
        connector=document.get("connector_id") or "",
        token=token.get("uid", ""),
        reservation=document.get("reservation_id") or "",
    )


def accepted(call: Call, command: str, document: Document, **more: Any) -> Command:
    """The row of a call that is carried out now; `document` is the newest form, with its response_url."""
    return Command(
        id=secrets.token_hex(16),
        direction="in",
        connection=call.connection.id,
        version=call.version.number,
        command=command,
        state="working",
        document=encode_json({name: value for name, value in document.items() if name != "response_url"}),
        response_url=document["response_url"],
        created_at=call.now,
        deadline=call.node.after(call.node.settings.ocpi.command_timeout),
        answered="ACCEPTED",
        **more,
    )


# --- the result later


async def carry_out(node: Node, command: Command) -> None:
    """Asks the station and reports; a station that is silent until the deadline is TIMEOUT, and what it says then is only noted."""
    assert node.stations is not None
    work = asyncio.ensure_future(getattr(node.stations, WORK[command.command])(decode_json(command.document), command.connection))
    try:
        await asyncio.wait([work], timeout=node.settings.ocpi.command_timeout)
        if not work.done():
            await finish(node, command.id, "deadline", Outcome("TIMEOUT", "the station did not answer in time"))
        outcome = await work
    except Exception:
        outcome = Outcome("FAILED", "the command could not be carried out")
        await finish(node, command.id, "result", outcome)
        raise
    finally:
        work.cancel()
    await finish(node, command.id, "result", outcome)
    if command.command in (steering.SET, steering.CLEAR):
        await node.stations.level_charging_profiles(decode_json(command.document), command.connection)


async def finish(node: Node, id: str, event: str, outcome: Outcome, source: int = OWN) -> None:
    """Moves the command on and reports the result; nothing when its state knows no such event. `source` is whose Session it is about."""

    async def work(tx: Tx) -> Command | None:
        row = await tx.commands.get(id)
        state = advance(RECEIVED, row.state, event) if row is not None else None
        if row is None or state is None:
            return None
        row.state, row.result, row.message, row.finished_at = state, outcome.result, outcome.message or "", node.clock()
        row.found = b"" if outcome.profile is None else encode_json(outcome.profile)
        await tx.commands.update(row)
        if row.command in steering.WORK and steering.settled(row):
            await steering.note(tx, row, source, node.clock())
        return row

    row = await node.store.write(work)
    if row is not None:
        await _report(node, row)


async def _report(node: Node, row: Command) -> None:
    """One POST of the result, in the version of the request; a new message with routing headers from CPO to eMSP (CMD-045)."""
    connection = node.directory.by_id(row.connection)
    if connection is None or not connection.registered or not row.response_url:
        return
    module, kind, result = _result(row)
    view = chain.down(kind, result, row.version)
    to, sender = party_in(row.theirs), party_in(row.ours)
    await node.client.call(connection, "POST", module, "SENDER", url=row.response_url, document=view, to=to, sender=sender)


def _result(row: Command) -> tuple[str, str, Document]:
    """The module that it belongs to, its kind and the document. A profile that nobody took is REJECTED, for whatever reason (15.6.6)."""
    if row.command not in steering.WORK:
        return "commands", "command_result", {"result": row.result} | ({"message": _words(row.message)} if row.message else {})
    planned = row.command == steering.GET and row.result == "ACCEPTED"
    said = row.result in ("ACCEPTED", "UNKNOWN") and (row.found != b"" or not planned)
    result: Document = {"result": row.result if said else "REJECTED"}
    if planned and said:
        result["profile"] = decode_json(row.found)
    return steering.MODULE, steering.RESULTS[row.command], result


def party_in(text: str) -> Party | None:
    country, dash, party = text.partition("-")
    return Party(country, party) if dash else None


async def cancel_reservation(node: Node, connection: int, reservation_id: str, message: str | None = None) -> None:
    """The CPO takes a confirmed reservation back: CANCELED_RESERVATION to the response_url of its RESERVE_NOW (CMD-040)."""

    async def work(tx: Tx) -> Command | None:
        return await tx.commands.reservation(connection, reservation_id, "in")

    row = await node.store.read(work)
    if row is not None:
        await finish(node, row.id, "canceled", Outcome("CANCELED_RESERVATION", message))


async def expire(node: Node) -> None:
    """Those whose process has ended in the middle, while others went on. A process that lives ends its own when their time is over."""
    over = node.after(-GRACE)
    for row in await node.store.read(lambda tx: tx.commands.in_state("working")):
        if row.deadline <= over:
            await finish(node, row.id, "deadline", Outcome("TIMEOUT", "the station did not answer in time"))


async def restart(node: Node) -> None:
    """What an ended process had accepted and not finished gets its honest result, once."""

    async def work(tx: Tx) -> list[Command]:
        return await tx.commands.in_state("working")

    for row in await node.store.read(work):
        if row.relay:
            continue  # the one whom we have asked has not ended, and will say how it went
        if row.deadline <= node.clock():
            await finish(node, row.id, "deadline", Outcome("TIMEOUT", "the station did not answer in time"))
        elif not row.response_url and node.stations is not None:
            node.begin(carry_out(node, row))  # a wish of our own, which may be said twice
        else:
            await finish(node, row.id, "restart", Outcome("FAILED", "the platform was restarted"))
