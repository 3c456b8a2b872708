"""What a CPO answers at once to a command, decided in the transaction that would write it down (14.4.1).

Only what is known without asking the station: the Location and the EVSE exist and can do such a thing, the Session is one of
the customer's, nobody else is starting at that connector this moment. Whether the Token is good is not asked (CMD-023), and
whether the EVSE is free is the station's to say, with its result.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from interplug.model.types import fold
from interplug.protocol.status import SUCCESS, UNKNOWN_LOCATION
from interplug.store.keys import OWN, Key
from interplug.store.tx import Tx

from . import terminals
from .children import find_connector
from .node import Call

Document = dict[str, Any]

KINDS = {
    "CANCEL_RESERVATION": "cancel_reservation",
    "RESERVE_NOW": "reserve_now",
    "START_SESSION": "start_session",
    "STOP_SESSION": "stop_session",
    "UNLOCK_CONNECTOR": "unlock_connector",
}
NEEDED = {"START_SESSION": "REMOTE_START_STOP_CAPABLE", "RESERVE_NOW": "RESERVABLE", "UNLOCK_CONNECTOR": "UNLOCK_CAPABLE"}
ENDED = ("COMPLETED", "INVALID")


class Refusal(NamedTuple):
    result: str
    message: str
    code: int = SUCCESS


class Target(NamedTuple):
    """What a command is about: the Location with its key, the EVSE where one was named, and the command with what could be filled in."""

    document: Document
    place: Key | None = None
    evse: str = ""


async def check(tx: Tx, call: Call, command: str, document: Document) -> Target | Refusal:
    """What a command is about, or why it is refused, as far as that can be known without asking the station."""
    if command == "STOP_SESSION":
        return await _session(tx, call, document)
    if command == "CANCEL_RESERVATION":
        return await _reservation(tx, call, document)
    found = await _place(tx, call, document["location_id"])
    if found is None:
        return Refusal("REJECTED", f"Location {document['location_id']} is not known here", UNKNOWN_LOCATION)
    target = _evse(call, command, document, *found)
    if isinstance(target, Target) and command == "START_SESSION":
        if why := await terminals.refused(tx, call, document, found[0].id, target.evse):
            return Refusal("REJECTED", why)
        if await _busy(tx, call, target):
            return Refusal("REJECTED", "another session is being started there")
    return target


async def _session(tx: Tx, call: Call, document: Document) -> Target | Refusal:
    found = await tx.objects.find_id("sessions", document["session_id"], OWN)
    if not found:
        return Refusal("UNKNOWN_SESSION", "this Session is not known here")
    session = next((stored for stored in found if stored.audience in call.connection.audiences), None)
    if session is None or not call.for_sender(session.document):
        return Refusal("REJECTED", "this Session belongs to a customer of somebody else")
    if session.document["status"] in ENDED:
        return Refusal("REJECTED", "this Session has ended")
    return Target({**document, "session_id": session.key.id})  # as the stations know it


async def _reservation(tx: Tx, call: Call, document: Document) -> Target:
    """A reservation that was never made is the station's to report (CMD-039)."""
    made = await tx.commands.reservation(call.connection.id, document["reservation_id"], "in")
    if made is None or not made.place:
        return Target(document)
    country, party, name = made.place.split("/", 2)
    return Target(document, Key("locations", OWN, country, party, name), made.evse)


async def _place(tx: Tx, call: Call, id: str) -> tuple[Key, Document] | None:
    """The own Location with that id that this connection may see, of the party that TO names where it does."""
    for stored in await tx.objects.find_id("locations", id, OWN):
        asked = call.to is None or call.to.key == (stored.key.country.upper(), stored.key.party.upper())
        if asked and call.connection.shows(stored.key) and stored.audience in call.connection.audiences:
            return stored.key, stored.document
    return None


def _evse(call: Call, command: str, document: Document, place: Key, location: Document) -> Target | Refusal:
    uid = document.get("evse_uid")
    if uid is None:
        # The station may choose (CMD-033), if there is any left.
        left = any(evse["status"] != "REMOVED" for evse in location.get("evses") or ())
        return Target(document, place) if left else Refusal("REJECTED", "this Location has no EVSE")
    evse = next((evse for evse in location.get("evses") or () if fold(evse["uid"]) == fold(uid)), None)
    if evse is None or evse["status"] == "REMOVED":
        return Refusal("REJECTED", f"EVSE {uid} is not known here", UNKNOWN_LOCATION)
    able = evse.get("capabilities")
    if able and NEEDED[command] not in able:
        return Refusal("NOT_SUPPORTED", f"EVSE {uid} is not {NEEDED[command]}")
    return _connector(call, command, document, place, evse)


def _connector(call: Call, command: str, document: Document, place: Key, evse: Document) -> Target | Refusal:
    wanted = document.get("connector_id")
    if wanted is not None and find_connector(evse, wanted) is None:
        return Refusal("REJECTED", f"EVSE {evse['uid']} has no Connector {wanted}", UNKNOWN_LOCATION)
    if wanted is None and command == "START_SESSION" and "START_SESSION_CONNECTOR_REQUIRED" in (evse.get("capabilities") or ()):
        if len(evse["connectors"]) != 1:
            # 2.1.1 has no field in which the Connector could have been named.
            named = call.version.connector_in_start_session
            return Refusal("REJECTED" if named else "NOT_SUPPORTED", "connector_id: this EVSE has to be told which Connector")
        document = {**document, "connector_id": evse["connectors"][0]["id"]}
    return Target(document, place, evse["uid"])


async def _busy(tx: Tx, call: Call, target: Target) -> bool:
    """Two START_SESSIONs for one connector: the second is refused while the first is being carried out."""
    if target.place is None or not target.evse:
        return False
    wanted = target.document.get("connector_id")
    for other in await tx.commands.working_at(place_of(target.place), target.evse):
        theirs = other.connector
        if other.command == "START_SESSION" and (not wanted or not theirs or theirs == fold(wanted)):
            return True
    return False


def place_of(key: Key) -> str:
    return f"{key.country}/{key.party}/{key.id}"
