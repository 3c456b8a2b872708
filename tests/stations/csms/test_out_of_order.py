"""A station of 2.x that tells of a charge in another order than it went: the beginning comes last, and the bill is that of the charge."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from interplug.modules.node import Node
from interplug.stations.csms.service import Csms
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying20 import CARD, Transaction
from tests.stations.csms.stations import Station, carried
from tests.stations.csms.test_failures import held
from tests.stations.csms.test_late import notes

EVENTS: dict[str, tuple[int, dict[str, Any]]] = {
    "Started": (0, {"trigger": "Authorized", "wh": 1000, "idToken": CARD, "info": {"chargingState": "EVConnected"}}),
    "Updated": (600, {"trigger": "MeterValuePeriodic", "wh": 3000, "info": {"chargingState": "Charging"}}),
    "Ended": (1200, {"trigger": "EVDeparted", "wh": 5000}),
}


@pytest.mark.parametrize("order", list(permutations(EVENTS)), ids="-".join)
async def test_events_in_any_order_are_one_charge(
    csms: Csms, node: Node, new: Station, provider: Provider, clock: Clock, order: tuple[str, ...]
) -> None:
    began = clock.now
    clock.move(1205)
    for kind in order:
        after, said = EVENTS[kind]
        charge = Transaction(new, Clock(began + after * 1_000_000), evse=1)
        answer = await charge.tell(kind, evse={"id": 1, "connectorId": 1}, **said) if kind != "Started" else await charge.tell(kind, **said)
        if kind == "Started":
            assert answer["idTokenInfo"]["status"] == "Accepted"
    await carried(csms)
    assert await held(node) == []
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["start_date_time"]) == (4, Clock(began).text())
    assert bill["end_date_time"] == Clock(began).text(1200)


async def test_a_beginning_that_is_told_last_and_does_not_fit_is_looked_at(
    csms: Csms, node: Node, new: Station, provider: Provider, clock: Clock
) -> None:
    charge = Transaction(new, Clock(clock.now))
    clock.move(600)
    await Transaction(new, clock).tell("Ended", "EVDeparted", wh=900_000, evse={"id": 1, "connectorId": 1})
    await charge.tell("Started", "Authorized", wh=1000, idToken=CARD)
    await carried(csms)
    assert (await provider.session())["status"] == "COMPLETED"
    assert await provider.cdrs() == []
    assert "beginning was not reported" in (await held(node))[0]


async def test_of_an_end_with_a_card_that_is_told_first_a_person_reads_all_that_is_known(
    csms: Csms, node: Node, new: Station, provider: Provider, clock: Clock
) -> None:
    """The card has begun a Session by then, whose bill waits; the beginning, be it told twice, says what it should have been."""
    charge, began = Transaction(new, Clock(clock.now)), clock.text()
    clock.move(1200)
    await Transaction(new, clock).tell("Ended", "StopAuthorized", wh=5000, evse={"id": 1, "connectorId": 1}, idToken=CARD)
    for _ in range(2):
        await charge.tell("Started", "Authorized", wh=1000, idToken=CARD)
    await carried(csms)
    assert await provider.cdrs() == []
    assert "beginning was not reported" in (await held(node))[0]
    assert await notes(node) == [f"its beginning was told after the end: at {began}; since then its meter has counted 4 kWh"]


async def test_a_card_that_is_refused_when_the_beginning_comes_last_pays_nothing(
    csms: Csms, node: Node, new: Station, provider: Provider, clock: Clock
) -> None:
    provider.allowed = "BLOCKED"
    charge = Transaction(new, Clock(clock.now))
    clock.move(600)
    await Transaction(new, clock).tell("Ended", "EVDeparted", wh=2000, evse={"id": 1, "connectorId": 1})
    answer = await charge.tell("Started", "Authorized", wh=1000, idToken={"idToken": "NOBODY", "type": "ISO14443"})
    assert answer["idTokenInfo"]["status"] != "Accepted"
    await carried(csms)
    assert (await provider.sessions(), await node.store.read(lambda tx: tx.ocpp.open("CS20"))) == ([], [])
