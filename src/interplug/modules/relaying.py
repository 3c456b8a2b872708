"""An eMSP between an SCSP and a CPO: it has delegated smart charging, and the CPO does not know the difference (15.1.2).

The SCSP is given the Sessions of our drivers at other operators (`sync.lane`), under the ids of the CPO, and asks us about them. We ask
the CPO in its stead, with a response_url of our own, answer what the CPO answers, and pass its result on to the SCSP's. Each side is a
row of its own; `relay` in each names the other.
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import decode_json
from interplug.protocol.envelope import Answer
from interplug.protocol.headers import Party
from interplug.store.commands import Command
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx

from . import lens, profiles, steering
from .asking import NotSent
from .call import accepted, finish
from .command_states import RECEIVED, advance
from .node import Call, Node, Outcome

Document = dict[str, Any]
ANSWERS = ("ACCEPTED", "NOT_SUPPORTED", "REJECTED", "TOO_OFTEN", "UNKNOWN_SESSION")


async def delegated(call: Call) -> Stored | None:
    """The Session of a driver of ours elsewhere, if this partner steers those and no Session of our own is meant."""
    if not call.connection.steered:
        return None
    found = await call.node.store.read(lambda tx: tx.objects.find_id("sessions", call.params["session_id"]))
    if any(stored.key.source == OWN for stored in found):
        return None
    return next((stored for stored in found if of_ours(call.node, stored.document)), None)


def of_ours(node: Node, session: Document) -> bool:
    """Whether a driver of ours charges there."""
    token = session["cdr_token"]
    return node.directory.is_ours(Party(token["country_code"], token["party_id"]))


async def forward(call: Call, command: str, document: Document, session: Stored) -> Answer:
    """Asks the CPO, and answers what it answers."""
    node, own_timeout = call.node, call.node.settings.ocpi.command_timeout
    cpo = node.directory.by_id(session.key.source)
    theirs, token = call.sender or steering.steerer(node, call.connection), session.document["cdr_token"]
    ours = Party(token["country_code"], token["party_id"])
    row = accepted(call, command, document, ours=str(ours), theirs=str(theirs or ""), session=session.key.id)

    async def work(tx: Tx) -> bool:
        if await too_often(tx, call, session.key.id, command):
            return False
        await tx.commands.add(row)
        return True

    if not await node.store.write(work):
        return response(call, "TOO_OFTEN", own_timeout, "this Session was asked about just now")
    wish = {name: value for name, value in document.items() if name not in ("session_id", "response_url")}
    try:
        if cpo is None:
            raise NotSent("its operator is no partner of ours any more")
        sent = await profiles.ask(node, cpo, command, session.key.id, wish, row.id)
    except NotSent as error:
        await _refused(node, row, "REJECTED")
        return response(call, "REJECTED", own_timeout, str(error))
    result = sent.result if sent.result in ANSWERS else "REJECTED"
    if result != "ACCEPTED":
        await _refused(node, row, result)
        # Where nothing was answered the message is ours, of another partner, and not for this one.
        why = sent.message if sent.result in ANSWERS else "the operator has not answered"
        return response(call, result, own_timeout, why or None)
    return response(call, result, await _linked(node, row, sent.id), None)


async def _linked(node: Node, row: Command, asked: str) -> int:
    """Both sides know of each other from now on; the seconds within which the CPO has promised its result."""

    async def work(tx: Tx) -> int:
        mine, other = await tx.commands.get(row.id), await tx.commands.get(asked)
        assert mine is not None and other is not None
        mine.relay, mine.deadline = other.id, other.deadline
        await tx.commands.update(mine)
        return other.deadline

    deadline: int = await node.store.write(work)
    return max(0, round((deadline - node.clock()) / node.speed / 1_000_000))


async def _refused(node: Node, row: Command, result: str) -> None:
    """What was never accepted has no result to report."""

    async def work(tx: Tx) -> None:
        mine = await tx.commands.get(row.id)
        state = advance(RECEIVED, mine.state, "refused") if mine is not None else None
        if mine is not None and state is not None:
            mine.state, mine.answered, mine.result, mine.finished_at = state, result, result, node.clock()
            await tx.commands.update(mine)

    await node.store.write(work)


async def passed_on(node: Node, asked: Command) -> None:
    """The CPO's result is the SCSP's."""
    plan = decode_json(asked.found) if asked.found else None
    await finish(node, asked.relay, "result", Outcome(asked.result, profile=plan), source=asked.connection)


async def too_often(tx: Tx, call: Call, session: str, command: str) -> bool:
    last = await tx.commands.last(session, call.connection.id, command, "in")
    recent = call.node.after(-call.node.settings.ocpi.profile_interval)
    return last is not None and last.answered == "ACCEPTED" and last.created_at > recent


def response(call: Call, result: str, timeout: int, why: str | None) -> Answer:
    """The answer at once. It has no place for a reason but the envelope."""
    return Answer(lens.say(call, "charging_profile_response", {"result": result, "timeout": timeout}), message=why)
