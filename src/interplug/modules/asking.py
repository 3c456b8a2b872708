"""The call, as its sender: a row before the request, an answer at once, a result later at a response_url that nobody can guess.

Commands and charging profiles are asked for in the same way, so they share this file: what was answered is written down, what comes to
the response_url ends it, what does not come in time has failed, and a result that comes later still counts. The row outlives its
result, for a CPO may take a reservation back (CMD-041).
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from interplug.model.types import encode_json
from interplug.model.validate import Invalid, validate
from interplug.partners.directory import Connection
from interplug.protocol.envelope import Reply
from interplug.protocol.routes import Module
from interplug.protocol.status import not_found
from interplug.store.commands import Command
from interplug.store.tx import Tx
from interplug.versions import chain
from interplug.versions.facts import Facts

from . import lens
from .addresses import endpoint
from .command_states import OPEN, SENT, advance
from .node import Call, Node

Document = dict[str, Any]
SAYS_NOTHING = ("success", "ok")
Noting = Callable[[Tx, Command], Awaitable[None]]
"""What else is written down with a call, or with its result."""


class NotSent(ValueError):
    """We refuse to send this; the text says why."""


@dataclass(slots=True, frozen=True)
class Sent:
    """How it stands after the answer at once: `state` of `command_states.SENT`, `result` in OCPI's words."""

    id: str
    state: str
    result: str
    message: str = ""


# --- the row


def asked(node: Node, connection: Connection, module: Module, command: str, document: Document, **more: Any) -> Command:
    """The row of a call of ours, with a response_url of its own; `more` are further columns."""
    name = secrets.token_hex(16)
    assert connection.version is not None
    return Command(
        id=name,
        direction="out",
        connection=connection.id,
        version=connection.version,
        command=command,
        state="posting",
        document=encode_json(document),
        response_url=endpoint(node.settings, connection.version, module, "SENDER", command, name),
        created_at=node.clock(),
        deadline=node.after(node.settings.network.timeout + node.settings.ocpi.command_timeout),
        **more,
    )


# --- the answer at once


async def answered(node: Node, row: Command, reply: Reply, kind: str) -> Sent:
    """The answer at once, a document of `kind`, or what came instead."""
    response = _response(node, row, reply, kind)
    if response is None:
        return await settle(node, row, "silence" if reply.unsure else "fault", "", reply.why())
    message = text_of(response.get("message"))
    if response["result"] != "ACCEPTED" or not reply.ok:
        # A refusal without a field for its reason may give it in the envelope.
        message = message or (reply.message if reply.message and reply.message.lower() not in SAYS_NOTHING else "")
        return await settle(node, row, "refused", response["result"], message)
    return await settle(node, row, "accepted", "ACCEPTED", message, response["timeout"])


def _response(node: Node, row: Command, reply: Reply, kind: str) -> Document | None:
    """The response in a partner's answer, which may come with an error code (2003), or as a bare word."""
    data = {"result": reply.data} if isinstance(reply.data, str) else reply.data
    if not isinstance(data, dict):
        return None
    response = chain.up(kind, data, row.version, Facts(command_timeout=node.settings.ocpi.command_timeout))
    try:
        validate(kind, response)
    except Invalid:
        return None
    return response


async def settle(node: Node, row: Command, event: str, result: str, message: str, promised: int | None = None) -> Sent:
    """Writes down the answer at once, `result`; empty where there was none. A result that was quicker than it has the last word."""

    async def work(tx: Tx) -> Command:
        stored = await tx.commands.get(row.id)
        assert stored is not None
        stored.answered = result
        state = advance(SENT, stored.state, event)
        if state is not None:
            stored.state, stored.message = state, message
            if state not in OPEN:
                stored.result, stored.finished_at = result or "FAILED", node.clock()
            elif promised is not None:
                stored.deadline = node.after(min(max(promised, 0), 86_400))
        await tx.commands.update(stored)
        return stored

    stored = await node.store.write(work)
    return Sent(stored.id, stored.state, stored.answered or stored.result, stored.message)


def text_of(message: Any) -> str:
    """The English text of a list of DisplayText, or the first there is."""
    texts = [part for part in message or () if isinstance(part, dict) and isinstance(part.get("text"), str)]
    english = [part for part in texts if part.get("language") == "en"]
    chosen = (english or texts or [{"text": ""}])[0]
    return str(chosen["text"])


# --- the result later


async def taken(call: Call, command: str, kind: str, noting: Noting | None = None) -> Command:
    """POST to a response_url: the result of one of our calls, from the partner that has it (14.2.2, 15.3.2)."""
    document = await lens.read(call, kind, lens.body(call))
    validate(kind, document)
    row: Command | None = await call.node.store.write(lambda tx: _note_result(tx, call, command, document, noting))
    if row is None:
        raise not_found("nothing of the kind was asked of you")
    return row


async def _note_result(tx: Tx, call: Call, command: str, document: Document, noting: Noting | None) -> Command | None:
    row = await tx.commands.get(call.params["command_id"])
    if row is None or row.direction != "out" or row.connection != call.connection.id or row.command != command:
        return None
    state = advance(SENT, row.state, _event(row, document["result"]))
    if state is not None:
        row.state, row.result, row.message, row.finished_at = state, document["result"], text_of(document.get("message")), call.now
        row.found = encode_json(document["profile"]) if document.get("profile") is not None else b""
        await tx.commands.update(row)
        if noting is not None:
            await noting(tx, row)
    return row


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
    """Commands whose answer an ended process was waiting for: nobody knows whether they have arrived."""

    async def work(tx: Tx) -> None:
        for row in await tx.commands.in_state("posting"):
            row.state = SENT["posting", "restart"]
            await tx.commands.update(row)

    await node.store.write(work)


async def status(node: Node, id: str) -> Command | None:
    """A command that we sent, as it stands."""

    async def work(tx: Tx) -> Command | None:
        row = await tx.commands.get(id)
        return row if row is not None and row.direction == "out" else None

    return await node.store.read(work)
