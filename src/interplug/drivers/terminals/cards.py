"""A card is presented at a terminal: a drive that is nobody's, whose hold comes from the card reader, not from a page.

Everything else is as for a driver with a phone (`drives`, `paying`, `cashier`): row first, then the hold, then a START_SESSION with the
drive's id as its reference; the same table of states and the same ends of the money. What is shown and held is the Tariff for who pays here
(AD_HOC_PAYMENT). No hold is made where no price is known.
"""

from __future__ import annotations

import uuid
from typing import Any

from interplug.drivers.drives import happened
from interplug.drivers.paying import Desk
from interplug.drivers.plugs import NotPossible, Plug, find_plug, startable, tariffs_of
from interplug.drivers.states import PAYING
from interplug.drivers.tokens import card_token
from interplug.model.said import said
from interplug.model.types import encode_json, fold
from interplug.modules import terminals
from interplug.modules.node import Node
from interplug.payments.port import NoAnswer, Refused
from interplug.payments.trial import TestProvider
from interplug.store.drivers import Drive
from interplug.store.keys import OWN, Stored
from interplug.tariffs import TariffError, pick

Document = dict[str, Any]
AWAY = said("The payment provider does not answer. Try again in a few minutes.")


async def offered(node: Node, terminal: Stored) -> list[tuple[Stored, list[Document]]]:
    """What the terminal shows: the Locations that it serves, with their EVSEs. `NotPossible`: its provider is somebody else."""
    if terminal.key.source != OWN:
        raise NotPossible(said("This terminal is not ours; its provider takes the cards."))
    return await node.store.read(lambda tx: terminals.served(tx, terminal.document, terminal.audience))


async def price(node: Node, plug: Plug) -> Document:
    """The Tariff of the plug for who pays here, as its operator has told it; `NotPossible` where there is none."""
    names = plug.connector.get("tariff_ids") or ()
    found = await node.store.read(lambda tx: tariffs_of(tx, plug.location.key, names))
    try:
        tariff = pick(found, node.clock(), ad_hoc=True)
    except TariffError as error:
        raise NotPossible(said("The price of this station cannot be read: {reason}", reason=str(error))) from None
    if tariff is None:
        raise NotPossible(said("This station has no price for who pays here."))
    return dict(tariff)


async def begin(desk: Desk, terminal: Stored, location_id: str, evse_uid: str, connector_id: str) -> Drive:
    """Somebody has chosen a plug at a terminal of ours: its reader waits for the card. `NotPossible`: no bank was asked."""
    node = desk.node
    if not desk.till.provider.readers:
        raise NotPossible(said("The payment provider of this node takes no cards at terminals."))
    plug = await _plug(node, terminal, location_id, evse_uid, connector_id)
    tariff = await price(node, plug)
    startable(node, plug)
    reference = str(uuid.uuid4())
    token = card_token(node, reference)
    if token is None:
        raise NotPossible(said("This node is no provider of terminals."))
    drive = Drive(
        id=reference,
        driver="",
        **plug.columns(),
        state=PAYING,
        created_at=node.clock(),
        deadline=0,
        shown=encode_json([tariff]),
        terminal=terminal.pk,
    )
    return await desk.first(drive, token, plug, reader=terminal.document.get("reference") or terminal.key.id)


async def tap(desk: Desk, terminal: Stored, location_id: str, evse_uid: str, connector_id: str, card: str) -> Drive:
    """At the simulated terminal: a card of the test provider is held to the reader, and what follows at once."""
    provider = desk.till.provider
    if not isinstance(provider, TestProvider):
        raise NotPossible(said("Only cards of the test provider can be held to a simulated terminal."))
    drive = await begin(desk, terminal, location_id, evse_uid, connector_id)
    payment = await desk.of_drive(drive.id)
    assert payment is not None
    if not payment.reference:
        return await happened(desk.node, drive.id, "unpaid", payment.reason or AWAY)
    try:
        await provider.present(payment.reference, card)
    except (NoAnswer, Refused) as error:
        return await happened(desk.node, drive.id, "unpaid", str(error))
    await desk.look(drive.id)
    found = await desk.node.store.read(lambda tx: tx.drivers.get(drive.id))
    assert found is not None
    return found


async def _plug(node: Node, terminal: Stored, location_id: str, evse_uid: str, connector_id: str) -> Plug:
    for place, evses in await offered(node, terminal):
        if fold(place.key.id) == fold(location_id) and any(fold(evse["uid"]) == fold(evse_uid) for evse in evses):
            key = place.key
            return await find_plug(node, key.source, key.country, key.party, key.id, evse_uid, connector_id)
    raise NotPossible(said("This terminal does not serve that station."))
