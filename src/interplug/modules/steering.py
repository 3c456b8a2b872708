"""Who steers a Session, and what they are told: the charging profiles that hold, and every later change of what a station plans.

Once a partner has set a profile for a Session, it is told of each change that it did not ask for itself, until the Session ends, also
when its own profile is cleared; a partner that never set one is told nothing (CHP-021, CHP-022). What is owed is a mark in the row of
the profile, written with the change; what is told is the plan of the moment of telling. So a partner that was away learns the newest
state, and nothing is told twice for being late. For a Session of ours the plan is the station's; where we stand between an SCSP and a
CPO it is what the CPO told us (15.1.2).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from interplug.model.types import decode_json, encode_json, fold
from interplug.partners.connection import Connection
from interplug.protocol.headers import Party
from interplug.store.commands import Command
from interplug.store.keys import OWN, Stored
from interplug.store.profiles import Profile
from interplug.store.tx import Tx
from interplug.versions import chain

from .node import Node
from .session_states import ENDED

log = logging.getLogger(__name__)
Document = dict[str, Any]

MODULE = "chargingprofiles"
SET, GET, CLEAR = "SET_CHARGING_PROFILE", "GET_CHARGING_PROFILE", "CLEAR_CHARGING_PROFILE"
WORK = {SET: "set_charging_profile", GET: "active_charging_profile", CLEAR: "clear_charging_profile"}
RESULTS = {SET: "charging_profile_result", GET: "active_charging_profile_result", CLEAR: "clear_profile_result"}
SPAN = 1800
"""Seconds of the plan that is told unasked (CHP-023)."""
LOOK = 0.5
PAUSE = 60.0
"""Seconds until a partner that could not be told is told again."""


# --- what holds


def settled(row: Command) -> bool:
    """Whether another profile holds now. Where a station knows of none to clear, none holds."""
    return row.result == "ACCEPTED" or (row.command == CLEAR and row.result == "UNKNOWN")


async def note(tx: Tx, row: Command, source: int, now: int) -> None:
    """A call about a profile has succeeded: what holds now. `source` is whose Session it is."""
    ours = row.direction == "out"
    if ours and row.relay:
        return  # it is noted for the SCSP whose wish it was
    connection = 0 if ours else row.connection
    known = await tx.profiles.one(source, row.session, connection)
    profile = known or Profile(source=source, session=row.session, connection=connection, name=named(row))
    if row.command == SET:
        profile.document, profile.set_at = encode_json(decode_json(row.document)["charging_profile"]), now
    elif row.command == CLEAR:
        profile.document = b""
    elif ours and row.found:
        profile.active, profile.active_at = row.found, now
    if row.command == GET and not ours:
        return
    if known is not None or row.command != CLEAR:
        await tx.profiles.put(profile)
    if not ours and row.command != GET:
        # Who has asked knows; whose profile we have taken away ourselves does not (CHP-025).
        await owe(tx, source, row.session, now, but=connection if row.response_url else 0)


def named(row: Command) -> str:
    return str(decode_json(row.document)["session_id"])


async def owe(tx: Tx, source: int, session: str, now: int, *, but: int = 0, active: bytes = b"") -> bool:
    """The plan for a Session is another now; whether there is anybody to tell, beside the one that has asked for it."""
    found = [one for one in await tx.profiles.of(source, session) if one.connection and one.connection != but]
    for one in found:
        one.due = now
        if active:
            one.active, one.active_at = active, now
        await tx.profiles.put(one)
    return bool(found)


async def heard(tx: Tx, source: int, session: str, active: Document, now: int) -> bool:
    """A partner says what its station plans for a Session; False: we do not know that Session of it."""
    stored = await session_of(tx, source, session)
    if stored is None:
        return False
    raw = encode_json(active)
    profile = await tx.profiles.one(source, session, 0) or Profile(source=source, session=session, connection=0, name=stored.key.id)
    profile.active, profile.active_at = raw, now
    await tx.profiles.put(profile)
    await owe(tx, source, session, now, active=raw)
    return True


async def moved(node: Node, session: str) -> None:
    """A station of ours plans otherwise for a Session now, because of a local limit or a wish of its own."""
    await node.store.write(lambda tx: owe(tx, OWN, session, node.clock()))


# --- what is told


async def run(node: Node) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(LOOK)
        await tell(node)


async def tell(node: Node) -> None:
    """Everything that is owed now."""
    due = await node.store.read(lambda tx: tx.profiles.due(node.clock()))
    await asyncio.gather(*(_tell(node, profile) for profile in due))


async def _tell(node: Node, profile: Profile) -> None:
    try:
        done = await _told(node, profile)
    except Exception:
        log.exception("the plan for Session %s", profile.name)
        done = False
    await node.store.write(lambda tx: tx.profiles.told(profile, 0 if done else node.after(PAUSE)))


async def _told(node: Node, profile: Profile) -> bool:
    """False: it is to be tried again."""
    session = await node.store.read(lambda tx: session_of(tx, profile.source, profile.session))
    connection = node.directory.by_id(profile.connection)
    if session is None or session.document["status"] in ENDED or connection is None or not connection.registered:
        return True
    assert connection.version is not None
    document = await _plan(node, profile)
    if document is None or connection.endpoint(MODULE, "SENDER") is None:
        return document is not None
    view = chain.down("active_charging_profile", document, connection.version)
    sender = node.directory.party_for(connection, "EMSP") if profile.source else Party(session.key.country, session.key.party)
    to = steerer(node, connection)
    reply = await node.client.call(connection, "PUT", MODULE, "SENDER", profile.name, document=view, to=to, sender=sender)
    return reply.ok or 400 <= reply.http < 500 or (reply.code is not None and 2000 <= reply.code < 3000)


async def _plan(node: Node, profile: Profile) -> Document | None:
    if profile.source:
        heard: Document | None = decode_json(profile.active) if profile.active else None
        return heard
    if node.stations is None:
        return None
    outcome = await node.stations.active_charging_profile({"session_id": profile.name, "duration": SPAN}, 0)
    return outcome.profile


def steerer(node: Node, connection: Connection) -> Party | None:
    """The party of a partner that sets profiles."""
    return node.directory.their_party(connection, "SCSP" if "SCSP" in node.directory.their_roles(connection) else "EMSP")


async def session_of(tx: Tx, source: int, session: str) -> Stored | None:
    found = await tx.objects.find_id("sessions", session, source)
    return found[0] if found else None


async def able(tx: Tx, session: Stored, capability: str) -> bool:
    """Whether the EVSE of a Session has a capability; one that tells none at all may have any."""
    for place in await tx.objects.find_id("locations", session.document["location_id"], session.key.source):
        for evse in place.document.get("evses") or ():
            if fold(evse["uid"]) == fold(session.document["evse_uid"]):
                return capability in (evse.get("capabilities") or (capability,))
    return True
