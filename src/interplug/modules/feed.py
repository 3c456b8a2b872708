"""The feed: the sender's list of its own objects, page by page, and single objects of it (4.1.4.1).

What a connection sees is decided in the query: the audiences that it belongs to, the party that TO names. Pages are read by
key from the kept bytes of the partner's version; what is not kept yet is made through the lens, once, and handed back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interplug.model.types import encode_json
from interplug.partners.presentation import root
from interplug.protocol.envelope import Answer, Bodies
from interplug.protocol.headers import Party
from interplug.protocol.paging import PageRequest, next_link, read_page
from interplug.protocol.status import CLIENT_ERROR, UNKNOWN_LOCATION, invalid, not_found
from interplug.store.keys import OWN, Page, PageQuery, Stored
from interplug.store.tx import Tx

from . import lens
from .children import find_connector
from .node import Call, Node

Document = dict[str, Any]
Kept = list[tuple[int, str, int, bytes | None]]
EMPTY = b""
"""The bytes of an object that a version cannot say: kept like any others, and left out of the page."""


async def page(call: Call) -> Answer:
    """A list GET."""
    wanted = _wanted(call)
    query = _query(call, wanted)
    made: Kept = []

    async def work(tx: Tx) -> tuple[Page, Bodies]:
        narrowed = call.place.module.id == "locations" and await lens.restricted(tx, call.connection)
        own_alone = _own_alone(call)
        found = await tx.objects.page(query, None if narrowed or own_alone else call.node.pages)
        if found.joined is not None:
            return found, Bodies([found.joined])
        if own_alone:
            bodies: Sequence[bytes | None] = [await _of(tx, call, *row, made) for row in zip(found.pks, found.bodies, strict=True)]
        elif narrowed:
            bodies = [await _narrowed(tx, call, *row, made) for row in zip(found.pks, found.bodies, strict=True)]
        elif None in found.bodies:
            bodies = [await _made(tx, call, *row, made) for row in zip(found.pks, found.bodies, strict=True)]
        else:
            bodies = found.bodies
        return found, Bodies(filter(None, bodies))

    found, bodies = await call.node.store.read(work)
    if made:
        await call.node.store.write(lambda tx: tx.objects.keep(made))
    return Answer(bodies, headers=_headers(call, wanted, found, _reading(call, wanted, found)))


def _reading(call: Call, wanted: PageRequest, found: Page) -> int:
    """When a partner that reads a whole list, from its first page to its last, began; 0: it does not. At the end it needs no more to be
    told of what is in it. Who follows the Link may be answered by another process for each page; who counts by itself is known to one."""
    node, of = call.node, (call.connection.id, call.place.module.id)
    if wanted.date_from is not None or wanted.date_to is not None or not _of_all(call):
        return 0
    known, reached = node.reading.pop(of, (0, -1))
    begun = call.now if wanted.offset == 0 else wanted.begun or (known if wanted.offset == reached else 0)
    if begun and found.more:
        node.reading[of] = begun, wanted.offset + len(found.pks)
    elif begun:
        node.has_read[of] = max(begun, node.has_read.get(of, 0))
    return begun


def _of_all(call: Call) -> bool:
    """Whether what is asked of one party of ours is what there is."""
    if call.to is None:
        return True
    owners = (one for role in call.place.module.sender for one in call.node.directory.shown(call.connection, role))
    return all(Party(one.country_code, one.party_id).key == call.to.key for one in owners)


def _wanted(call: Call) -> PageRequest:
    settings, query = call.node.settings.ocpi, call.request.query
    wanted = read_page(query, default=settings.page_limit, largest=settings.page_largest, secret=call.node.secret)
    if call.place.module.id == "sessions" and wanted.date_from is None and call.version.sessions_need_date_from:
        raise invalid("date_from: is required for Sessions")
    return wanted


def _query(call: Call, wanted: PageRequest) -> PageQuery:
    shown = call.connection.only(call.place.module.id) or call.to
    return PageQuery(
        module=call.place.module.id,
        limit=wanted.limit,
        version=call.version.number,
        audiences=call.connection.seen(call.place.module.id),
        party=(shown.country_code, shown.party_id) if shown else None,
        date_from=wanted.date_from,
        date_to=wanted.date_to,
        after=wanted.after,
        # A cursor that was sealed for this offset replaces it.
        offset=wanted.offset if wanted.after is None else 0,
    )


def _headers(call: Call, wanted: PageRequest, found: Page, begun: int) -> dict[str, str]:
    """X-Limit is what the server can return at most; 2.1.1 means what this page can hold at most (TRN-031, TRN-032)."""
    largest = call.node.settings.ocpi.page_largest if call.version.limit_is_maximum else wanted.limit
    headers = {"x-total-count": str(found.total), "x-limit": str(largest)}
    if found.more:
        url = root(call.node.settings) + call.request.path
        headers["link"] = next_link(url, wanted, len(found.pks), found.last_no, call.node.secret, begun)
    return headers


# --- bodies


async def _made(tx: Tx, call: Call, pk: int, body: bytes | None, made: Kept) -> bytes:
    """The body of an object; where none is kept for this version it is made, and what is to be kept of it noted in `made`."""
    return body if body is not None else await rendition(tx, call.node, call.version.number, call.place.module.kind, pk, made)


async def rendition(tx: Tx, node: Node, version: str, kind: str, pk: int, made: Kept) -> bytes:
    """The bytes of an object in a version; where they are the same for everybody at any time, they are noted in `made`."""
    document, changed_no = await tx.objects.whole(pk)
    view = await lens.show_to_all(tx, version, kind, document, node.clock(), node.settings)
    body = EMPTY if view is None else encode_json(view)
    if lens.settled(kind, version, document):
        made.append((pk, version, changed_no, None if view is document else body))
    return body


async def _narrowed(tx: Tx, call: Call, pk: int, body: bytes | None, made: Kept) -> bytes:
    """As `_made`, where some Tariffs are not for everybody: references to those are taken out for this connection alone."""
    body = await _made(tx, call, pk, body, made)
    if not body or not await lens.hidden(tx, call.connection, lens.referred(body)):
        return body
    document, _ = await tx.objects.whole(pk)
    view = await lens.show(tx, call.connection, call.version.number, call.place.module.kind, document, call.now, call.node.settings)
    return EMPTY if view is None else encode_json(view)


def _own_alone(call: Call) -> bool:
    """Whether one of the eMSPs behind a hub asks for Sessions or CDRs. Pages and totals tell it how many there are of all."""
    return call.place.module.id in ("sessions", "cdrs") and call.connection.behind(call.sender) is not None


async def _of(tx: Tx, call: Call, pk: int, body: bytes | None, made: Kept) -> bytes:
    document, _ = await tx.objects.whole(pk)
    return await _made(tx, call, pk, body, made) if call.for_sender(document) else EMPTY


# --- single objects: a Location, an EVSE, a Connector; a payment terminal, a confirmation


async def single(call: Call) -> Answer:
    """GET of one of our own objects; of a Location also of an EVSE or a Connector in it (8.2.1)."""

    async def work(tx: Tx) -> tuple[str, Document] | None:
        stored = await visible(tx, call)
        part = None if stored is None else _part(call.place.module.kind, stored.document, call.params)
        if part is None:
            return None
        kind, document = part
        view = await lens.show(tx, call.connection, call.version.number, kind, document, call.now, call.node.settings)
        return None if view is None else (kind, view)

    found = await call.node.store.read(work)
    if found is None:
        code = UNKNOWN_LOCATION if call.place.module.id == "locations" else CLIENT_ERROR
        raise not_found(f"{'/'.join(value[:40] for value in call.params.values())} is not known here", code)
    return Answer(found[1])


async def visible(tx: Tx, call: Call) -> Stored | None:
    """The own object of the URL, if this connection may see it, in its version; the party of TO comes first (TRN-084)."""
    for stored in await tx.objects.find_id(call.place.module.id, call.params["id"], OWN):
        asked = call.to is None or call.to.key == (stored.key.country.upper(), stored.key.party.upper())
        if asked and call.connection.shows(stored.key) and stored.audience in call.connection.audiences and _sayable(call, stored.document):
            return stored
    return None


def _sayable(call: Call, document: Document) -> bool:
    """Parts of a private Location are as private as it is, where a version cannot say that (8.3.1)."""
    return call.version.private_locations or document.get("publish") is not False


def _part(kind: str, document: Document, params: dict[str, str]) -> tuple[str, Document] | None:
    if "evse_uid" not in params:
        return kind, document
    wanted = params["evse_uid"].lower()
    evse = next((evse for evse in document.get("evses") or () if evse["uid"].lower() == wanted), None)
    if evse is None or "connector_id" not in params:
        return None if evse is None else ("evse", evse)
    connector = find_connector(evse, params["connector_id"])
    return None if connector is None else ("connector", connector)
