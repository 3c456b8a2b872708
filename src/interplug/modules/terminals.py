"""Payment terminals: owned by their provider (PTP), who creates each at the CPO, and assigned by the CPO to its Locations and EVSEs.

The PTP's side lists them, and takes from the CPO an activation, an assignment (PATCH), billing data (PUT) and a deactivation. There is no
field for being in service: one that is assigned to nothing serves nothing, so that is what a deactivation leaves, and the next assignment
ends it. A PUT is merged like a PATCH, for the text's own example of one has three fields. The CPO's side takes and shows copies; a POST of
one that is known brings its newest state. What a terminal serves is the union of its Locations and its EVSEs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from interplug.model.types import fold, parse_time
from interplug.model.validate import validate
from interplug.partners.audiences import STOCK
from interplug.partners.connection import Connection
from interplug.protocol.envelope import Answer
from interplug.protocol.headers import Party
from interplug.protocol.routes import Module, Route
from interplug.protocol.status import NOT_ENOUGH, UNKNOWN_LOCATION, OcpiError, invalid
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx

from . import feed, lens, once, payments, replica
from .merge import merge
from .node import Call
from .payments import SPOKEN

Document = dict[str, Any]
OF_THE_PTP = ("terminal_id", "reference")
"""What only the PTP gives."""
PLACES = ("location_ids", "evse_uids")
SITE = (*PLACES, "address", "customer_reference")
"""What can say where a terminal stands."""


# --- what a terminal serves


async def served(tx: Tx, terminal: Document, source: int, sees: Iterable[int] | None = None) -> list[tuple[Stored, list[Document]]]:
    """The Locations of a source that a terminal serves, with the EVSEs that it serves there. `sees`: the audiences that look."""
    locations = {fold(name) for name in terminal.get("location_ids") or ()}
    uids = {fold(uid) for uid in terminal.get("evse_uids") or ()}
    ids = list(locations) + [evse.key.id for uid in uids for evse in await tx.objects.find_evse(uid, source=source)]
    found: dict[int, Stored] = {}
    for name in ids:
        found |= {stored.pk: stored for stored in await tx.objects.find_id("locations", name, source)}
    places = [(stored, _served_at(stored, fold(stored.key.id) in locations, uids)) for stored in found.values() if _seen(stored, sees)]
    return [(stored, evses) for stored, evses in places if evses or fold(stored.key.id) in locations]


def _served_at(location: Stored, whole: bool, uids: set[str]) -> list[Document]:
    evses = location.document.get("evses") or ()
    return [evse for evse in evses if (whole or fold(evse["uid"]) in uids) and evse["status"] != "REMOVED"]


def _seen(stored: Stored, sees: Iterable[int] | None) -> bool:
    return sees is None or stored.audience in sees


async def serving(tx: Tx, connection: int, location: str, evse: str) -> list[Document]:
    """The terminals of a PTP that serve an EVSE of ours; `evse` empty: any EVSE of the Location."""
    after, found = 0, list[Document]()
    while True:
        part, after = await tx.objects.batch("terminals", after, 200, connection)
        if not part:
            return found
        for terminal in part:
            places = await served(tx, terminal.document, OWN)
            if any(_is_at(stored, evses, location, evse) for stored, evses in places):
                found.append(terminal.document)


async def invoiced_here(tx: Tx, connection: int, location: str, evse: str) -> bool:
    """Whether we, as CPO, write the invoice for a charge that a terminal of this PTP has begun there."""
    return any(one.get("invoice_creator") == "CPO" for one in await serving(tx, connection, location, evse)) if connection else False


def _is_at(stored: Stored, evses: list[Document], location: str, evse: str) -> bool:
    return fold(stored.key.id) == fold(location) and (not evse or any(fold(one["uid"]) == fold(evse) for one in evses))


async def check_places(tx: Tx, terminal: Document, source: int, sees: Iterable[int] | None = None) -> None:
    """2003 where a Location or an EVSE is named that the CPO does not have."""
    for name in terminal.get("location_ids") or ():
        if not any(_seen(stored, sees) for stored in await tx.objects.find_id("locations", name, source)):
            raise OcpiError(UNKNOWN_LOCATION, f"$.location_ids: Location {name} is not known here")
    for uid in terminal.get("evse_uids") or ():
        if not await tx.objects.find_evse(uid, source=source):
            raise OcpiError(UNKNOWN_LOCATION, f"$.evse_uids: EVSE {uid} is not known here")


# --- the PTP's side: what a CPO asks of our terminals


async def activate(call: Call) -> Answer:
    """POST terminals/activate: the terminal of that reference is this CPO's now, and is created at it by the push that follows."""
    document, _ = payments.repaired(call, terminal_id=str(uuid.uuid4()))
    if "CPO" not in call.node.directory.their_roles(call.connection):
        raise invalid("this connection has no party with the role CPO")
    named = "terminal_id" in _body_names(call)
    if not named and not document.get("reference"):
        raise OcpiError(NOT_ENOUGH, "$.reference: say which terminal it is")
    if not any(document.get(name) for name in SITE):
        raise OcpiError(NOT_ENOUGH, "$.location_ids: say where the terminal stands")
    return await call.node.store.write(lambda tx: _activate(tx, call, document, named))


def _body_names(call: Call) -> Iterable[str]:
    return [name for name, value in lens.body(call).items() if value is not None]


async def _activate(tx: Tx, call: Call, document: Document, named: bool) -> Answer:
    if (known := await once.repeated(tx, call)) is not None:
        return known
    await check_places(tx, document, call.connection.id)
    stored = await _meant(tx, document["terminal_id"] if named else None, document.get("reference"))
    if stored is not None and stored.audience not in (call.connection.id, await tx.parties.audience_class(STOCK)):
        raise invalid("$.reference: this terminal is not yours")
    if stored is None:
        ours = call.to or call.node.directory.party_for(call.connection, "PTP")
        assert ours is not None
        key, whole = Key("terminals", OWN, ours.country_code, ours.party_id, document["terminal_id"]), document
    else:
        key, whole = stored.key, merge("terminal", stored.document, _without(document, OF_THE_PTP))
    whole = payments.renewed(whole, call.now)
    await tx.objects.save(key, whole, last_updated=call.now, audience=call.connection.id, evidence=replica.evidence(call))
    answer = Answer(whole, http=201 if stored is None else 200)
    await once.remember(tx, call, answer)
    return answer


async def _meant(tx: Tx, name: str | None, reference: str | None) -> Stored | None:
    """The terminal of ours with that id, or else with that reference."""
    if name is not None and (found := await tx.objects.find_id("terminals", name, OWN)):
        return found[0]
    if reference is None:
        return None
    async for stored in tx.objects.each("terminals", OWN):
        if fold(stored.document.get("reference") or "") == fold(reference):
            return stored
    return None


def _without(document: Document, names: Iterable[str]) -> Document:
    return {name: value for name, value in document.items() if name not in names}


async def change(call: Call) -> Answer:
    """PUT and PATCH terminals/{id}: the CPO assigns a terminal, or says how it bills."""
    changes = {name: value for name, value in lens.body(call).items() if value is not None}
    replica.same_ids(changes, {"terminal_id": call.params["id"]})

    async def work(tx: Tx) -> None:
        stored = await _ours(tx, call)
        given, known = changes.get("reference"), stored.document.get("reference")
        if given is not None and given != known:
            raise invalid("$.reference: is given by the provider of the terminal")
        document = payments.renewed(merge("terminal", stored.document, _without(changes, OF_THE_PTP)), call.now)
        validate("terminal", document)
        await check_places(tx, {name: changes.get(name) for name in PLACES}, call.connection.id)
        await tx.objects.save(stored.key, document, last_updated=call.now, evidence=replica.evidence(call))

    await call.node.store.write(work)
    return Answer()


async def deactivate(call: Call) -> Answer:
    """POST terminals/{id}/deactivate: it serves nothing from now on."""

    async def work(tx: Tx) -> None:
        stored = await _ours(tx, call)
        document = payments.renewed({**stored.document, **{name: [] for name in PLACES}}, call.now)
        await tx.objects.save(stored.key, document, last_updated=call.now, evidence=replica.evidence(call))

    await call.node.store.write(work)
    return Answer()


async def _ours(tx: Tx, call: Call) -> Stored:
    stored = await feed.visible(tx, call)
    if stored is None:
        raise replica.unknown(call)
    return stored


# --- the CPO's side: our copy of a PTP's terminals


async def post(call: Call) -> Answer:
    document, mended = payments.repaired(call)
    key = payments.key(call, document["terminal_id"])

    async def work(tx: Tx) -> bool:
        await check_places(tx, document, OWN, call.connection.audiences)
        saved = await tx.objects.save(key, document, last_updated=parse_time(document["last_updated"]), evidence=replica.evidence(call))
        return saved.created

    created = await call.node.store.write(work)
    return Answer(message=mended, http=201 if created else 200)


async def get(call: Call) -> Answer:
    """The copy of this connection."""
    key = payments.key(call, call.params["id"])

    async def work(tx: Tx) -> Stored | None:
        return await tx.objects.get(key)

    return await replica.shown(call, await call.node.store.read(work))


# --- the CPO's word on a START_SESSION


def paid_here(connection: Connection | None, token: Document) -> bool:
    """Whether it is a charge of a PTP, for a driver who pays at a terminal and has no contract."""
    if connection is None:
        return False
    party = Party(token["country_code"], token["party_id"])
    roles = {one.role for one in connection.parties if one.party.key == party.key}
    return "PTP" in roles and "EMSP" not in roles


async def refused(tx: Tx, call: Call, command: Document, location: str, evse: str) -> str | None:
    """Why a charge is not begun for a PTP: it has no terminal there, or says no reference by which its payment could be known."""
    if not paid_here(call.connection, command["token"]):
        return None
    reference = command.get("authorization_reference")
    if not reference:
        return "authorization_reference: is needed for a charge that is paid at a terminal"
    if await tx.terminals.bill(call.connection.id, reference) is not None:
        return "authorization_reference: was used for another charge"
    if not await serving(tx, call.connection.id, location, evse):
        return "no terminal of yours serves this EVSE"
    return None


TERMINALS = Module(
    id="terminals",
    kind="terminal",
    sender=("PTP",),
    receiver=("CPO",),
    key=(),
    routes=(
        Route("SENDER", "GET", "", feed.page, SPOKEN),
        Route("SENDER", "POST", "activate", activate, SPOKEN),
        Route("SENDER", "GET", "{id}", feed.single, SPOKEN),
        Route("SENDER", "PUT", "{id}", change, SPOKEN),
        Route("SENDER", "PATCH", "{id}", change, SPOKEN),
        Route("SENDER", "POST", "{id}/deactivate", deactivate, SPOKEN),
        Route("RECEIVER", "POST", "", post, SPOKEN),
        Route("RECEIVER", "GET", "{id}", get, SPOKEN),
    ),
)
