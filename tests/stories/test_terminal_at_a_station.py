"""A card at a terminal, over real sockets: two nodes with their loops, OCPP between the operator and its station, the invoice by HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

from interplug.drivers.paying import desk_of
from interplug.drivers.terminals import cards
from interplug.drivers.terminals.receipts import receipt_url
from interplug.modules import assigning, commands
from interplug.modules.node import Node
from interplug.modules.payments import invoice_base_url
from interplug.store.keys import Stored
from interplug.store.tx import Tx
from tests.payments.standing import GOOD
from tests.web.living import two_sides_of_a_terminal

T = TypeVar("T")


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    async with two_sides_of_a_terminal(tmp_path) as both:
        yield both


async def comes(node: Node, look: Callable[[Tx], Awaitable[T | None]]) -> T:
    """What `look` finds, as soon as it finds something."""
    position = 0
    async with asyncio.timeout(60):
        while (found := await node.store.read(look)) is None:
            position = await node.store.changed(position, 1.0)
    return found


def one(module: str, meant: Callable[[dict[str, Any]], bool] = lambda _: True) -> Callable[[Tx], Awaitable[Stored | None]]:
    async def look(tx: Tx) -> Stored | None:
        found, _ = await tx.objects.batch(module, 0, 10)
        return next((stored for stored in found if meant(stored.document)), None)

    return look


async def paid(node: Node, drive: str) -> Decimal:
    found = await node.store.read(lambda tx: tx.payments.of_drive(drive))
    assert found is not None
    return found.kept


@pytest.mark.req("PAY-005", "PAY-010", "PAY-017", "PAY-018", "PAY-021", "PAY-022", "PAY-023")
async def test_from_the_activation_of_a_terminal_to_the_invoice_of_a_charge(nodes: tuple[Node, Node]) -> None:
    cpo, ptp = nodes
    (provider,), (operator,) = cpo.directory.all(registered=True), ptp.directory.all(registered=True)
    place = await comes(ptp, one("locations", lambda said: any(evse["status"] == "AVAILABLE" for evse in said["evses"])))
    billing = {"invoice_creator": "CPO", "invoice_base_url": invoice_base_url(cpo, provider)}
    await assigning.activate(cpo, provider, {"reference": "SN-1", "location_ids": [place.key.id], **billing})
    terminal = await comes(ptp, one("terminals"))
    assert (await comes(cpo, one("terminals"))).document["terminal_id"] == terminal.document["terminal_id"]

    evse = next(evse for evse in place.document["evses"] if evse["status"] == "AVAILABLE")
    desk = desk_of(ptp)
    assert desk is not None
    drive = await cards.tap(desk, terminal, place.key.id, evse["uid"], evse["connectors"][0]["id"], GOOD)
    session = await comes(ptp, one("sessions", lambda said: said["status"] == "ACTIVE" and said["kwh"] > 0))
    assert session.document["authorization_reference"] == drive.id
    await commands.send(ptp, operator, "STOP_SESSION", {"session_id": session.key.id})

    word = await comes(cpo, one("financial-advice-confirmations"))
    assert (word.document["authorization_reference"], word.document["capture_status_code"]) == (drive.id, "SUCCESS")
    url = await receipt_url(ptp, drive)
    assert url is not None
    async with aiohttp.ClientSession() as browser, browser.get(url) as answer:
        text = await answer.text()
        assert answer.status == 200 and answer.headers["referrer-policy"] == "no-referrer"
    assert "Voltstroom" in text and "Paid." in text and f"Amount: EUR {(await paid(ptp, drive.id)):.2f}" in text
