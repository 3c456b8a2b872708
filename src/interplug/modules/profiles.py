"""ChargingProfiles, as their sender: an eMSP or an SCSP sets, reads or clears the profile of a Session that a CPO has told it of.

The row is there before the request, with a response_url of its own that nobody can guess (CHP-009). Only a Session that this partner
has given us is asked about; what the CPO answers, and what the station says later, is written down like the result of a command. An
eMSP that relays for an SCSP sends its own response_url, and `relay` is the SCSP's call (CHP-030).
"""

from __future__ import annotations

from typing import Any

from interplug.model.validate import validate
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.commands import Command
from interplug.store.keys import Stored
from interplug.versions import chain

from . import schedules
from .asking import NotSent, Sent, answered, asked
from .call import party_in
from .node import Node
from .session_states import ENDED
from .steering import CLEAR, GET, MODULE, SET

Document = dict[str, Any]
RESPONSE = "charging_profile_response"
METHODS = {SET: "PUT", GET: "GET", CLEAR: "DELETE"}


async def ask(node: Node, connection: Connection, command: str, session: str, wish: Document, relay: str = "") -> Sent:
    """`wish` is `charging_profile` or `duration`, or nothing."""
    stored = await told_of(node, connection, session)
    if connection.endpoint(MODULE, "RECEIVER") is None:
        raise NotSent(f"{connection.partner} takes no charging profiles (OCPI {connection.version})")
    row = _row(node, connection, command, stored, wish, relay)
    await node.store.write(lambda tx: tx.commands.add(row))
    query = document = None
    if command == SET:
        body = {**wish, "response_url": row.response_url}
        document = chain.down("set_charging_profile", body, row.version)
    else:
        query = {name: str(value) for name, value in {**wish, "response_url": row.response_url}.items()}
    to, sender = party_in(row.theirs), party_in(row.ours)
    reply = await node.client.call(
        connection, METHODS[command], MODULE, "RECEIVER", stored.key.id, query=query, document=document, to=to, sender=sender
    )
    return await answered(node, row, reply, RESPONSE)


async def set_profile(node: Node, connection: Connection, session: str, profile: Document) -> Sent:
    """Limits a Session; the profile that we have set for it before ends."""
    validate("charging_profile", profile)
    schedules.check(profile, "$")
    if not profile.get("charging_profile_period"):
        raise NotSent("a profile without a period limits nothing")
    return await ask(node, connection, SET, session, {"charging_profile": profile})


async def get_profile(node: Node, connection: Connection, session: str, seconds: int) -> Sent:
    """Asks what the station plans; the plan comes with the result (`Command.found`)."""
    if seconds < 1:
        raise NotSent("a plan is for one second at least")
    return await ask(node, connection, GET, session, {"duration": seconds})


async def clear_profile(node: Node, connection: Connection, session: str) -> Sent:
    """Takes our profile away."""
    return await ask(node, connection, CLEAR, session, {})


async def told_of(node: Node, connection: Connection, session: str) -> Stored:
    """The running Session of that partner; raises `NotSent`."""
    if not connection.registered:
        raise NotSent(f"{connection.partner} is not registered")
    found = await node.store.read(lambda tx: tx.objects.find_id("sessions", session, connection.id))
    if not found:
        raise NotSent(f"{connection.partner} has told us of no Session {session!r}")
    stored: Stored = found[0]
    if stored.document["status"] in ENDED:
        raise NotSent(f"this Session is {stored.document['status']}")
    if why := connection.absent(Party(stored.key.country, stored.key.party), "CPO"):
        raise NotSent(why)
    return stored


def _row(node: Node, connection: Connection, command: str, session: Stored, wish: Document, relay: str) -> Command:
    token = session.document["cdr_token"]
    driver = Party(token["country_code"], token["party_id"])
    ours = driver if node.directory.is_ours(driver) else node.directory.party_for(connection, "SCSP")
    # The CPO, or the eMSP that has forwarded its Session.
    cpo = Party(session.key.country, session.key.party)
    theirs = cpo if cpo.key in connection.writable else node.directory.their_party(connection, "EMSP")
    module = next(one for one in node.modules if one.id == MODULE)
    return asked(
        node,
        connection,
        module,
        command,
        {"session_id": session.key.id, **wish},
        ours=str(ours or ""),
        theirs=str(theirs or ""),
        session=session.key.id,
        relay=relay,
    )
