"""`interplug terminal`: payment terminals, as the operator at whose stations they stand (CPO) or as their provider (PTP).

What an operator says about a terminal goes to its provider, who owns it; nothing stands here that the provider did not take.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.drivers.paying import desk_of
from interplug.drivers.plugs import NotPossible
from interplug.drivers.terminals import cards
from interplug.drivers.terminals.receipts import receipt_url
from interplug.model.types import fold
from interplug.model.validate import Invalid
from interplug.modules import assigning, payments, terminals
from interplug.modules.node import Node
from interplug.partners.audiences import STOCK
from interplug.partners.directory import Connection
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Stored
from interplug.store.payments import Payment
from interplug.store.tx import Tx

from .ending import USAGE, columns, end, show
from .opening import REPORTING, Reporting, with_node
from .partners import named

Document = dict[str, Any]
Locations = Annotated[list[str] | None, Parameter(name="--location", negative=(), help="Id of a Location of ours; again for another.")]
Evses = Annotated[list[str] | None, Parameter(name="--evse", negative=(), help="uid of an EVSE of ours; again for another.")]
Invoices = Annotated[
    bool | None, Parameter(name="--our-invoices", negative="--their-invoices", help="Whether we write the invoices, or the provider does.")
]
CustomerReference = Annotated[str | None, Parameter(help="By which the provider knows that the terminal is ours.")]
OF_PARTNER = Annotated[str | None, Parameter(name="--partner", help="Only with this partner.")]
LAST = 10
"""Payments of a terminal that are shown."""


def list_(*, partner: OF_PARTNER = None, common: Reporting = REPORTING) -> None:
    """List payment terminals: those at our stations, and those that we provide."""

    async def work(node: Node) -> list[Document]:
        wanted = None if partner is None else named(node, partner).id

        async def read(tx: Tx) -> list[Document]:
            stock = next((one for one, name in (await tx.parties.classes()).items() if name == STOCK), None)
            found = [stored async for stored in tx.objects.each("terminals")]
            return [_row(node, one, stock) for one in found if wanted in (None, one.key.source or one.audience)]

        return await node.store.read(read)

    found = with_node(common, work)
    heads = ("terminal_id", "reference", "with", "side", "locations", "evses", "invoices", "last_updated")
    rows = [[one[name] if not isinstance(one[name], list) else ", ".join(one[name]) for name in heads] for one in found]
    show(found, columns(heads, rows) if rows else ["no payment terminal yet"], json=common.json)


def _row(node: Node, stored: Stored, stock: int | None) -> Document:
    ours, document = stored.key.source == OWN, stored.document
    other = node.directory.by_id(stored.audience if ours else stored.key.source)
    return {
        "terminal_id": document["terminal_id"],
        "reference": document.get("reference"),
        "with": other.partner if other is not None else STOCK if ours and stored.audience == stock else "",
        "side": "provider" if ours else "operator",
        "locations": document.get("location_ids") or [],
        "evses": document.get("evse_uids") or [],
        "invoices": document.get("invoice_creator"),
        "last_updated": document["last_updated"],
    }


def show_(id: str, /, *, partner: OF_PARTNER = None, common: Reporting = REPORTING) -> None:
    """Show one terminal, what it serves, and the last payments at it.

    Parameters
    ----------
    id
        Its id, or the reference that its provider has given it.
    """

    async def work(node: Node) -> Document:
        stored = await _one(node, id, partner)

        async def read(tx: Tx) -> Document:
            source = stored.audience if stored.key.source == OWN else OWN
            places = await terminals.served(tx, stored.document, source)
            serves = [{"location_id": one.key.id, "evse_uids": [evse["uid"] for evse in evses]} for one, evses in places]
            drives = await tx.drivers.of_terminal(stored.pk, LAST)
            paid = [_payment(one, payment) for one in drives if (payment := await tx.payments.of_drive(one.id)) is not None]
            return {**stored.document, "interplug": {**_row(node, stored, None), "serves": serves, "payments": paid}}

        return await node.store.read(read)

    document = with_node(common, work)
    show(document, _lines(document), json=common.json)


def _payment(drive: Drive, payment: Payment) -> Document:
    return {
        "authorization_reference": drive.id,
        "state": drive.state,
        "payment": payment.state,
        "reason": drive.reason or payment.reason or None,
        "held": payment.held,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "currency": payment.currency,
        "eft_data": payment.slip.splitlines(),
    }


def _lines(document: Document) -> Iterator[str]:
    ours = document["interplug"]
    yield f"terminal   {document['terminal_id']}{', reference ' + document['reference'] if document.get('reference') else ''}"
    yield f"{ours['side']}   with {ours['with'] or 'nobody'}"
    place = ", ".join(document[name] for name in ("address", "postal_code", "city", "country") if document.get(name))
    yield f"stands     {place or 'nobody has said where'}"
    yield f"invoices   {document.get('invoice_creator') or 'not said'}{' at ' + url if (url := document.get('invoice_base_url')) else ''}"
    yield from (f"serves     {one['location_id']}: {', '.join(one['evse_uids'])}" for one in ours["serves"] or ())
    if not ours["serves"]:
        yield "serves     nothing"
    for one in ours["payments"]:
        paid = f"{one['captured'] - one['refunded']} of {one['held']} {one['currency']}"
        yield f"payment    {one['authorization_reference']} {one['state']}, {one['payment']}, {paid}"


async def _one(node: Node, name: str, partner: str | None) -> Stored:
    wanted = None if partner is None else named(node, partner).id
    found = await node.store.read(lambda tx: assigning.named(tx, name))
    found = [one for one in found if wanted in (None, one.key.source or one.audience)]
    if not found:
        end(f"there is no payment terminal {name!r}")
    if len(found) > 1:
        end(f"there are {len(found)} payment terminals {name!r}; say whose with --partner", USAGE)
    return found[0]


def tap(
    id: str,
    /,
    *,
    card: Annotated[str, Parameter(help="Number of a card of the test provider.")] = "4242424242424242",
    location: Annotated[str | None, Parameter(help="Id of the Location; without it, the first that has a free plug.")] = None,
    evse: Annotated[str | None, Parameter(help="uid of the EVSE; without it, the first that is free.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Hold a card of the test provider to a simulated terminal of ours, and start to charge there. The running node does the rest.

    Parameters
    ----------
    id
        The id of the terminal, or its reference.
    """

    async def work(node: Node) -> Document:
        desk = desk_of(node)
        if desk is None:
            end("nobody takes money here: payments.provider is none")
        try:
            stored = await _one(node, id, None)
            place, uid, connector = await _free(node, stored, location, evse)
            drive = await cards.tap(desk, stored, place, uid, connector, card)
            payment, url = await desk.of_drive(drive.id), await receipt_url(node, drive)
        except NotPossible as error:
            end(str(error))
        finally:
            await desk.till.provider.close()
        assert payment is not None
        return {"location_id": place, "evse_uid": uid, "connector_id": connector, "receipt": url, **_payment(drive, payment)}

    document = with_node(common, work)
    show(document, _tapped(document), json=common.json)
    if document["state"] == "FAILED":
        end(document["reason"] or "nothing was started")


async def _free(node: Node, terminal: Stored, location: str | None, evse: str | None) -> tuple[str, str, str]:
    """A plug that the terminal serves: the one that was named, or the first that is free."""
    for place, evses in await cards.offered(node, terminal):
        for one in evses:
            meant = location in (None, place.key.id) and evse in (None, one["uid"])
            if meant and (evse is not None or one["status"] == "AVAILABLE"):
                return place.key.id, one["uid"], one["connectors"][0]["id"]
    raise NotPossible("This terminal serves no such plug." if location or evse else "This terminal serves no free plug at the moment.")


def _tapped(document: Document) -> Iterator[str]:
    yield f"{document['evse_uid']} at {document['location_id']}: {document['state']}, {document['held']} {document['currency']} held"
    yield f"reference  {document['authorization_reference']}"
    yield f"receipt    {document['receipt'] or 'its operator has not said where it will stand'}"


# --- what an operator asks of its provider


def activate(
    reference: str,
    partner: str,
    /,
    *,
    location: Locations = None,
    evse: Evses = None,
    customer_reference: CustomerReference = None,
    our_invoices: Invoices = None,
    common: Reporting = REPORTING,
) -> None:
    """Ask the provider of a terminal that came with a station to activate it.

    Parameters
    ----------
    reference
        What the provider knows the terminal by, such as its serial number.
    partner
        The provider: its name, or the number of the connection.
    """
    if not (location or evse):
        end("say where it stands: --location or --evse", USAGE)

    async def work(node: Node) -> Document:
        connection = named(node, partner)
        changes = _changes(node, connection, location, evse, customer_reference, our_invoices)
        return await _taken(assigning.activate(node, connection, {"reference": reference, **changes}))

    _told(with_node(common, work), "activated", common)


def assign(
    id: str,
    /,
    *,
    location: Locations = None,
    evse: Evses = None,
    customer_reference: CustomerReference = None,
    our_invoices: Invoices = None,
    partner: OF_PARTNER = None,
    common: Reporting = REPORTING,
) -> None:
    """Say what a terminal serves (all of it: Locations and EVSEs together), and who writes the invoices.

    Parameters
    ----------
    id
        The id of the terminal, or the reference that its provider has given it.
    """
    if location is None and evse is None and customer_reference is None and our_invoices is None:
        end("say what: --location, --evse, --customer-reference, --our-invoices or --their-invoices", USAGE)

    async def work(node: Node) -> Document:
        stored = await _one(node, id, partner)
        connection = node.directory.by_id(stored.key.source)
        changes = {} if connection is None else _changes(node, connection, location, evse, customer_reference, our_invoices)
        return await _taken(assigning.change(node, stored, changes))

    _told(with_node(common, work), "assigned", common)


def deactivate(id: str, /, *, partner: OF_PARTNER = None, common: Reporting = REPORTING) -> None:
    """Ask the provider to deactivate a terminal: it serves nothing until it is assigned again.

    Parameters
    ----------
    id
        The id of the terminal, or the reference that its provider has given it.
    """

    async def work(node: Node) -> Document:
        return await _taken(assigning.deactivate(node, await _one(node, id, partner)))

    _told(with_node(common, work), "deactivated", common)


def _changes(
    node: Node, connection: Connection, locations: list[str] | None, evses: list[str] | None, customer: str | None, ours: bool | None
) -> Document:
    changes: Document = {}
    if locations is not None or evses is not None:
        changes = {"location_ids": locations or [], "evse_uids": evses or []}
    if customer is not None:
        changes["customer_reference"] = customer
    if ours:
        changes |= {"invoice_creator": "CPO", "invoice_base_url": payments.invoice_base_url(node, connection)}
    elif ours is not None:
        changes["invoice_creator"] = "PTP"
    return changes


async def _taken(asked: Any) -> Document:
    try:
        document: Document = await asked
    except Invalid as error:
        end(f"{error.path}: {error.reason}", USAGE)
    return document


def _told(document: Document, done: str, common: Reporting) -> None:
    name = document.get("terminal_id") or document.get("reference")
    places = [*(document.get("location_ids") or ()), *(document.get("evse_uids") or ())]
    show(document, [f"{name} is {done}; it serves {', '.join(sorted(places, key=fold)) or 'nothing'}"], json=common.json)
