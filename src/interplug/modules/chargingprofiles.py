"""ChargingProfiles (chapter 15): an eMSP or an SCSP limits the power of a Session over time, and learns what the station plans.

A request about a profile is a call like a command: it is answered at once, the station carries it out, and the result goes to the
response_url of the request. Who may set a profile: the partner whose driver charges, and a partner that sees all our Sessions because
the operator has let it (`audience join "all sessions"`), which is how a CPO delegates smart charging. An eMSP passes on what such a
partner asks about the Sessions of its drivers (`relaying`). Afterwards every change that was not asked for is told (`steering`).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from interplug.model.validate import validate
from interplug.protocol.envelope import Answer
from interplug.protocol.http import Request
from interplug.protocol.routes import Module, Route
from interplug.protocol.status import invalid, not_found
from interplug.store.commands import Command
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx
from interplug.versions.table import VERSIONS

from . import asking, lens, relaying, schedules, steering
from .call import accept, accepted, check_response_url
from .command_checks import Refusal
from .node import Call
from .steering import CLEAR, GET, MODULE, RESULTS, SET

Document = dict[str, Any]
SPOKEN = tuple(number for number, version in VERSIONS.items() if MODULE in version.modules)
LONGEST_URL = 255
LONGEST_WINDOW = 31 * 86_400
CAPABLE = "CHARGING_PROFILE_CAPABLE"


# --- what is asked of our stations


async def put(call: Call) -> Answer:
    """A profile for a Session; the one that this partner has set before ends."""
    document = await lens.read(call, "set_charging_profile", lens.body(call))
    validate("set_charging_profile", document, call.request.body)
    profile = document["charging_profile"]
    schedules.check(profile)
    return await _asked(call, SET, {"charging_profile": profile}, document["response_url"])


async def get(call: Call) -> Answer:
    """What the station plans for a Session in the next `duration` seconds."""
    seconds = call.request.query.get("duration", "")
    if not re.fullmatch("[0-9]{1,9}", seconds) or int(seconds) == 0:
        raise invalid("duration: a number of seconds is required")
    return await _asked(call, GET, {"duration": min(int(seconds), LONGEST_WINDOW)}, response_url(call.request))


async def delete(call: Call) -> Answer:
    """The profile that this partner has set for a Session ends."""
    return await _asked(call, CLEAR, {}, response_url(call.request))


def response_url(request: Request) -> str:
    """The response_url of a query. The printed examples of OCPI do not encode it, so all that follows an unencoded one with a query of
    its own belongs to it, but for the parameter that we know."""
    _, found, text = f"&{request.url.partition('?')[2]}".partition("&response_url=")
    whole = re.fullmatch(r"https?://[^&?]*\?.*", text) is not None
    url = re.sub(r"&duration=\d+(?=&|$)", "", text) if whole else unquote(text.partition("&")[0])
    if not found or not url:
        raise invalid("response_url: is required")
    if len(url) > LONGEST_URL:
        raise invalid(f"response_url: is longer than {LONGEST_URL} characters")
    return url


async def _asked(call: Call, command: str, wish: Document, url: str) -> Answer:
    check_response_url(call, url)
    document = {"session_id": call.params["session_id"], **wish, "response_url": url}
    theirs = await relaying.delegated(call)
    if theirs is not None:
        return await relaying.forward(call, command, document, theirs)

    async def decide(tx: Tx) -> Command | Refusal:
        session = await _session(tx, call, command, wish)
        if isinstance(session, Refusal):
            return session
        return accepted(
            call,
            command,
            {**document, "session_id": session.key.id},  # as the stations know it
            ours=f"{session.key.country}-{session.key.party}",
            theirs=str(call.sender or steering.steerer(call.node, call.connection) or ""),
            session=session.key.id,
        )

    return await accept(call, decide, _answer)


async def _session(tx: Tx, call: Call, command: str, wish: Document) -> Stored | Refusal:
    """The Session, if this partner may ask that of it now."""
    found = await tx.objects.find_id("sessions", call.params["session_id"], OWN)
    if not found:
        return Refusal("UNKNOWN_SESSION", "this Session is not known here")
    session = next((stored for stored in found if stored.audience in call.connection.seen("sessions")), None)
    if session is None or not call.for_sender(session.document):
        return Refusal("REJECTED", "this Session belongs to a customer of somebody else")
    if session.document["status"] != "ACTIVE":
        return Refusal("REJECTED", f"this Session is {session.document['status']}")
    if not await steering.able(tx, session, CAPABLE):
        return Refusal("NOT_SUPPORTED", f"EVSE {session.document['evse_uid']} is not {CAPABLE}")
    if command == SET and not wish["charging_profile"].get("charging_profile_period"):
        return Refusal("REJECTED", "charging_profile_period: a profile without a period limits nothing")
    if await relaying.too_often(tx, call, session.key.id, command):
        return Refusal("TOO_OFTEN", "this Session was asked about just now")
    return session


def _answer(call: Call, refusal: Refusal | None) -> Answer:
    timeout = call.node.settings.ocpi.command_timeout
    return relaying.response(call, refusal.result if refusal else "ACCEPTED", timeout, refusal.message if refusal else None)


# --- what we have asked of others


async def result(call: Call) -> Answer:
    """POST to a response_url of ours."""
    command = call.params["command"]
    if command not in RESULTS:
        raise not_found("nothing of the kind was asked of you")

    async def noting(tx: Tx, row: Command) -> None:
        if command == GET and row.result == "ACCEPTED" and not row.found:
            row.state, row.message = "failed", "it was accepted, but no plan came with it"
            await tx.commands.update(row)
        elif steering.settled(row):
            await steering.note(tx, row, row.connection, call.now)

    row = await asking.taken(call, command, RESULTS[command], noting)
    if row.relay:
        await relaying.passed_on(call.node, row)
    return Answer()


async def update(call: Call) -> Answer:
    """PUT of an ActiveChargingProfile: what a partner's station plans for a Session has changed."""
    document = await lens.read(call, "active_charging_profile", lens.body(call))
    validate("active_charging_profile", document, call.request.body)
    if not await call.node.store.write(lambda tx: steering.heard(tx, call.connection.id, call.params["session_id"], document, call.now)):
        raise not_found("this Session is not known here")
    return Answer()


CHARGINGPROFILES = Module(
    id=MODULE,
    kind="charging_profile",
    sender=("EMSP", "SCSP"),
    receiver=("CPO", "EMSP"),
    key=(),
    routes=(
        Route("SENDER", "POST", "{command}/{command_id}", result, SPOKEN),
        Route("SENDER", "PUT", "{session_id}", update, SPOKEN),
        Route("RECEIVER", "GET", "{session_id}", get, SPOKEN),
        Route("RECEIVER", "PUT", "{session_id}", put, SPOKEN),
        Route("RECEIVER", "DELETE", "{session_id}", delete, SPOKEN),
    ),
    call=True,
)
