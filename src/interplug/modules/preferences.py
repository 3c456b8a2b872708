"""Charging preferences (9.1.3): what the driver of a running Session wants, and what of it we can do.

As the CPO: a wish is answered at once from what is known: which profile types the Tariffs of the Connector offer, what its plug can
give, how much time is left. CHEAP and GREEN spread what is still to be charged evenly until the departure, as a charging profile of our
own beside those of others; FAST takes all profiles away, those of others too, who are told (CHP-025); REGULAR takes away our own. As
the eMSP: the wish of a driver of ours is sent to the CPO. Nothing is ever discharged, so discharge_allowed is only written down.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from decimal import ROUND_UP, Decimal
from typing import Any, NamedTuple, get_args

from interplug.model.sessions import ChargingPreferencesResponse
from interplug.model.types import encode_json, fold, format_time, parse_time
from interplug.model.validate import Invalid, validate
from interplug.partners.directory import Connection
from interplug.protocol.envelope import Answer
from interplug.protocol.headers import Party
from interplug.protocol.status import CLIENT_ERROR, INVALID, not_found
from interplug.store.commands import Command
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx
from interplug.versions import chain

from . import call as calls
from . import lens, profiles, schedules, steering
from .asking import NotSent
from .node import Call, Node
from .relaying import of_ours
from .session_states import ENDED

Document = dict[str, Any]
KIND = "charging_preferences"
CAPABLE = "CHARGING_PREFERENCES_CAPABLE"
SPREAD = ("CHEAP", "GREEN")
HOUR = Decimal(3_600_000_000)
SPARE = Decimal("1.1")
"""What is spread is a tenth more than is needed, for no car takes all that it may."""
LEAST = 6
"""Amperes below which a car takes nothing from AC (IEC 61851-1)."""


# --- what of a wish can be done


class Offer(NamedTuple):
    """A Connector: the profile types that its Tariffs offer, and its plug."""

    types: frozenset[str]
    plug: schedules.Plug
    alternating: bool


class Verdict(NamedTuple):
    answer: str
    profile: Document | None = None
    """What we limit the Session to by ourselves."""


def judge(wish: Document, offer: Offer, kwh: Decimal, now: int) -> Verdict:
    """`kwh` is what the Session has taken so far."""
    if wish["profile_type"] not in offer.types:
        return Verdict("PROFILE_TYPE_NOT_SUPPORTED")
    departure = parse_time(wish["departure_time"]) if wish.get("departure_time") else None
    need = wish.get("energy_need")
    if wish["profile_type"] in SPREAD and departure is None:
        return Verdict("DEPARTURE_REQUIRED")
    if wish["profile_type"] in SPREAD and need is None:
        return Verdict("ENERGY_NEED_REQUIRED")
    if departure is not None and departure <= now:
        return Verdict("NOT_POSSIBLE")
    if departure is None or need is None:
        return Verdict("ACCEPTED")
    watts = max(Decimal(need) - kwh, Decimal(0)) * 1000 / ((departure - now) / HOUR)
    if watts > offer.plug.watts:
        return Verdict("NOT_POSSIBLE")
    return Verdict("ACCEPTED", _spread(watts, offer, departure, now) if wish["profile_type"] in SPREAD else None)


def _spread(watts: Decimal, offer: Offer, departure: int, now: int) -> Document:
    least = offer.plug.in_watts(LEAST, "A") if offer.alternating else Decimal(0)
    limit = min(max(watts * SPARE, least), offer.plug.watts).quantize(schedules.TENTH, ROUND_UP)
    return {
        "start_date_time": format_time(now),
        "duration": (departure - now) // schedules.SECOND,
        "charging_rate_unit": "W",
        "charging_profile_period": [{"start_period": 0, "limit": limit}],
    }


def types_of(tariffs: Iterable[Document]) -> frozenset[str]:
    """Each type that can be chosen has a Tariff (SES-055); without any Tariff there is nothing to choose."""
    names = {str(tariff.get("type") or "REGULAR").removeprefix("PROFILE_") for tariff in tariffs} - {"AD_HOC_PAYMENT"}
    return frozenset(names or {"REGULAR"})


# --- as the CPO


async def put(call: Call) -> Answer:
    """PUT {session_id}/charging_preferences: one word."""
    wish = await lens.read(call, KIND, lens.body(call))
    validate(KIND, wish, call.request.body)
    if (wish.get("energy_need") or 0) < 0:
        raise Invalid("$.energy_need", "must be >= 0")
    wish = {**wish, "discharge_allowed": wish.get("discharge_allowed") or False}
    answer, wishes = await call.node.store.write(lambda tx: _put(tx, call, wish))
    for row in wishes:
        call.node.begin(calls.carry_out(call.node, row))
    return Answer(answer)


async def _put(tx: Tx, call: Call, wish: Document) -> tuple[str, list[Command]]:
    session = await _session(tx, call)
    if session.document["status"] in ENDED:
        return "NOT_POSSIBLE", []
    offer = await _offer(tx, call, session)
    if call.node.stations is None or offer is None:
        raise not_found(f"EVSE {session.document['evse_uid']} is not {CAPABLE}", INVALID)
    verdict = judge(wish, offer, Decimal(session.document["kwh"]), call.now)
    if verdict.answer != "ACCEPTED":
        return verdict.answer, []
    name = session.key.id
    await tx.profiles.prefer(OWN, name, encode_json(wish), verdict.answer, call.now)
    held = [profile.connection for profile in await tx.profiles.of(OWN, name) if profile.document]
    if verdict.profile is not None:
        rows = [_wish(call.node, session, steering.SET, 0, {"charging_profile": verdict.profile})]
    else:
        over = held if wish["profile_type"] == "FAST" else [one for one in held if one == 0]
        rows = [_wish(call.node, session, steering.CLEAR, one, {}) for one in over]
    for row in rows:
        await tx.commands.add(row)
    return verdict.answer, rows


async def _session(tx: Tx, call: Call) -> Stored:
    for stored in await tx.objects.find_id("sessions", call.params["session_id"], OWN):
        if stored.audience in call.connection.audiences and call.for_sender(stored.document):
            return stored
    raise not_found("this Session is not known here", CLIENT_ERROR)


async def _offer(tx: Tx, call: Call, session: Stored) -> Offer | None:
    """None: preferences mean nothing at that EVSE."""
    document = session.document
    for place in await tx.objects.find_id("locations", document["location_id"], OWN):
        for evse in place.document.get("evses") or ():
            if fold(evse["uid"]) != fold(document["evse_uid"]) or CAPABLE not in (evse.get("capabilities") or ()):
                continue
            for connector in evse["connectors"]:
                if fold(connector["id"]) == fold(document["connector_id"]):
                    tariffs = await _tariffs(tx, call, connector)
                    return Offer(types_of(tariffs), schedules.plug_of(connector), connector["power_type"] != "DC")
    return None


async def _tariffs(tx: Tx, call: Call, connector: Document) -> list[Document]:
    """Those that hold now for the partner."""
    found = [stored for name in connector.get("tariff_ids") or () for stored in await tx.objects.find_id("tariffs", name, OWN)]
    seen = [stored.document for stored in found if stored.audience in call.connection.audiences]
    return [tariff for tariff in seen if not tariff.get("end_date_time") or parse_time(tariff["end_date_time"]) > call.now]


def _wish(node: Node, session: Stored, command: str, connection: int, wish: Document) -> Command:
    """A call of our own to our own station: it is carried out like those of partners, and reported to nobody."""
    return Command(
        id=secrets.token_hex(16),
        direction="in",
        connection=connection,
        version="",
        command=command,
        state="working",
        document=encode_json({"session_id": session.key.id, **wish}),
        response_url="",
        session=session.key.id,
        created_at=node.clock(),
        deadline=node.after(node.settings.ocpi.command_timeout),
    )


# --- as the eMSP


class Preferred(NamedTuple):
    """`answer` is a ChargingPreferencesResponse, or empty where there was none; `why` says more."""

    answer: str
    why: str = ""


async def send(node: Node, connection: Connection, session: str, wish: Document) -> Preferred:
    """Tells a CPO what the driver of a Session wants; raises `NotSent` where we must not, `Invalid` where it is no wish."""
    validate(KIND, wish)
    stored = await profiles.told_of(node, connection, session)
    if not of_ours(node, stored.document):
        raise NotSent("this Session is not one of a driver of ours")
    if not await node.store.read(lambda tx: steering.able(tx, stored, CAPABLE)):
        raise NotSent(f"EVSE {stored.document['evse_uid']} is not {CAPABLE}")
    view = chain.down(KIND, wish, connection.speaks.number)
    if view is None:
        raise NotSent(f"OCPI {connection.version} has no charging preferences")
    to, token = Party(stored.key.country, stored.key.party), stored.document["cdr_token"]
    sender = Party(token["country_code"], token["party_id"])
    reply = await node.client.call(connection, "PUT", "sessions", "SENDER", stored.key.id, KIND, document=view, to=to, sender=sender)
    known = reply.ok and reply.data in get_args(ChargingPreferencesResponse)
    answer = Preferred(str(reply.data)) if known else Preferred("", "this Session takes none" if reply.http == 404 else reply.why())
    if answer.answer:
        body, now = encode_json(wish), node.clock()
        await node.store.write(lambda tx: tx.profiles.prefer(connection.id, stored.key.id, body, answer.answer, now))
    return answer
