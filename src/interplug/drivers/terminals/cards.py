"""A card is presented at a terminal: a hold, and a START_SESSION with a reference by which everything that follows is known (Transaction).

Nothing is started that has no hold, and no hold is made where no price is known. What is held is the `preauthorize_amount` of the
Tariff, in its currency; where the Tariff says none, a fixed amount. The row is written before the bank is asked.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from interplug.drivers.drives import NotPossible, Plug, find_plug, startable, tariffs_of
from interplug.model.types import encode_json, fold, format_time
from interplug.modules import asking, commands, terminals
from interplug.modules.node import Node
from interplug.store.keys import Stored
from interplug.store.terminals import CardPayment
from interplug.store.tx import Tx
from interplug.tariffs import TariffError, pick

from .bank import Bank, Declined, NoAnswer
from .states import HOLDING, OPEN, advance

Document = dict[str, Any]
UNSAID = Decimal(50)
"""What is held where the Tariff does not say how much."""
PATIENCE = 300.0
"""Seconds from the answer of the operator within which a charge begins; then the hold is let go."""


async def offered(node: Node, terminal: Stored) -> list[tuple[Stored, list[Document]]]:
    """What the terminal shows: the Locations that it serves, with their EVSEs."""
    return await node.store.read(lambda tx: terminals.served(tx, terminal.document, terminal.audience))


async def price(node: Node, plug: Plug) -> Document:
    """The Tariff of the plug for who pays here, as its operator has told it; `NotPossible` where there is none."""
    names = plug.connector.get("tariff_ids") or ()
    found = await node.store.read(lambda tx: tariffs_of(tx, plug.location.key, names))
    try:
        tariff = pick(found, node.clock(), ad_hoc=True)
    except TariffError as error:
        raise NotPossible(f"The price of this station cannot be read: {error}") from None
    if tariff is None:
        raise NotPossible("This station has no price for who pays here.")
    return dict(tariff)


async def tap(node: Node, bank: Bank, terminal: Stored, location_id: str, evse_uid: str, connector_id: str) -> CardPayment:
    """A card at a terminal of ours, for a plug that it serves. What became of it stands in the row; `NotPossible`: no bank was asked."""
    plug = await _plug(node, terminal, location_id, evse_uid, connector_id)
    tariff = await price(node, plug)
    startable(node, plug)
    amount = Decimal(tariff["preauthorize_amount"]) if tariff.get("preauthorize_amount") is not None else UNSAID
    payment = CardPayment(
        reference=str(uuid.uuid4()),
        terminal=terminal.pk,
        connection=plug.connection,
        country=plug.location.key.country,
        party=plug.location.key.party,
        place=plug.location.key.id,
        evse=plug.evse["uid"],
        connector=plug.connector["id"],
        state=HOLDING,
        currency=tariff["currency"],
        held=amount,
        created_at=node.clock(),
        deadline=node.after(PATIENCE),
        shown=encode_json([tariff]),
    )
    await node.store.write(lambda tx: _begin(tx, payment))
    try:
        held = await bank.hold(amount, payment.currency, payment.reference)
    except Declined as error:
        return await happened(node, payment.reference, "declined", str(error))
    except NoAnswer as error:
        return await happened(node, payment.reference, "restart", str(error))
    payment = await happened(node, payment.reference, "held", hold=held.hold, card=encode_json(held.slip))
    return await _start(node, payment)


async def _plug(node: Node, terminal: Stored, location_id: str, evse_uid: str, connector_id: str) -> Plug:
    for place, evses in await offered(node, terminal):
        if fold(place.key.id) == fold(location_id) and any(fold(evse["uid"]) == fold(evse_uid) for evse in evses):
            key = place.key
            return await find_plug(node, key.source, key.country, key.party, key.id, evse_uid, connector_id)
    raise NotPossible("This terminal does not serve that station.")


async def _begin(tx: Tx, payment: CardPayment) -> None:
    for other in await tx.terminals.in_states(OPEN):
        if (other.connection, fold(other.place), fold(other.evse)) == (payment.connection, fold(payment.place), fold(payment.evse)):
            raise NotPossible("Somebody has just paid for this station.")
    await tx.terminals.put(payment)


async def _start(node: Node, payment: CardPayment) -> CardPayment:
    connection = node.directory.by_id(payment.connection)
    ours = node.directory.our_parties("PTP")
    if connection is None or not ours:
        return await happened(node, payment.reference, "refused", "There is no connection to this operator any more.")
    document = {
        "token": token(ours[0].country_code, ours[0].party_id, payment, node.clock()),
        "location_id": payment.place,
        "evse_uid": payment.evse,
        "connector_id": payment.connector,
        "authorization_reference": payment.reference,
    }
    try:
        sent = await commands.send(node, connection, "START_SESSION", document)
    except (asking.NotSent, ValueError) as error:
        return await happened(node, payment.reference, "refused", str(error))
    event = "refused" if sent.state in ("refused", "failed") else ""
    return await happened(node, payment.reference, event, sent.message or sent.result if event else "", command=sent.id)


def token(country: str, party: str, payment: CardPayment, now: int) -> Document:
    """Nobody's but this charge's."""
    return {
        "country_code": country,
        "party_id": party,
        "uid": payment.reference,
        "type": "AD_HOC_USER",
        "contract_id": payment.reference,
        "issuer": f"{country}-{party}",
        "valid": True,
        "whitelist": "NEVER",
        "last_updated": format_time(now),
    }


async def happened(node: Node, reference: str, event: str, reason: str = "", **columns: Any) -> CardPayment:
    async def work(tx: Tx) -> CardPayment:
        payment = await tx.terminals.get(reference)
        assert payment is not None
        return await move(tx, payment, event, reason, **columns)

    return await node.store.write(work)


async def move(tx: Tx, payment: CardPayment, event: str, reason: str = "", **columns: Any) -> CardPayment:
    """Moves a payment on and writes down what came with the event; an event that means nothing keeps the state."""
    state = advance(payment.state, event) if event else None
    changes = {name: value for name, value in columns.items() if getattr(payment, name) != value}
    if state is not None:
        changes |= {"state": state, "reason": reason}
    for name, value in changes.items():
        setattr(payment, name, value)
    if changes:
        await tx.terminals.put(payment)
    return payment
