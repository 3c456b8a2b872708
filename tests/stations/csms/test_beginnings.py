"""Where the energy of a charge begins to count: at what the meter showed when it began, whatever is lost on the way."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from interplug.charges import charging
from interplug.modules.node import Node
from interplug.stations.csms import ledger
from interplug.stations.csms.service import Csms
from interplug.store.stations import Reading
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import meter, start, stop
from tests.stations.csms.saying20 import CARD, Transaction
from tests.stations.csms.stations import Station, carried

HOUR = 3600


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The database is away for the first readings of each charge; those who met it."""
    met: list[str] = []
    really = charging.meter

    async def once(node: Node, session_id: str, readings: Iterable[Reading], *, quietly: bool = False) -> None:
        if session_id not in met:
            met.append(session_id)
            raise ConnectionResetError("the server closed the connection")
        await really(node, session_id, readings, quietly=quietly)

    monkeypatch.setattr(charging, "meter", once)
    monkeypatch.setattr(ledger, "AGAIN", 0.0)
    return met


def shown(clock: Clock, wh: int, context: str) -> dict[str, Any]:
    return {"timestamp": clock.text(), "sampledValue": [{"value": wh, "context": context}]}


async def test_a_database_that_is_away_at_the_beginning_costs_no_time_and_no_energy(
    csms: Csms, one: Station, provider: Provider, clock: Clock, away: list[str]
) -> None:
    began = clock.text()
    number = await start(one, clock, meter=5_432_100)
    await carried(csms)
    session = await provider.session()
    assert (session["status"], session["start_date_time"], away) == ("ACTIVE", began, [session["id"]])
    clock.move(HOUR)
    await stop(one, clock, number, 5_441_100)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"]) == (9, 1)


async def test_a_driver_who_comes_in_the_midst_pays_from_there_on(
    csms: Csms, new: Station, provider: Provider, clock: Clock, away: list[str]
) -> None:
    charge = Transaction(new, clock)
    await charge.tell("Started", "CablePluggedIn", wh=1000, info={"chargingState": "Charging"})
    clock.move(600)
    await charge.tell("Updated", "MeterValuePeriodic", wh=4000)
    clock.move(60)
    came = clock.text()
    await charge.tell("Updated", "Authorized", wh=4200, idToken=CARD)
    clock.move(HOUR)
    await charge.tell("Ended", "EVDeparted", wh=6200)
    await carried(csms)
    [bill] = await provider.cdrs()
    assert (bill["total_energy"], bill["total_time"], bill["start_date_time"]) == (2, 1, came) and away


async def test_a_beginning_without_a_register_is_told_with_the_end(csms: Csms, new: Station, provider: Provider, clock: Clock) -> None:
    """As stations of 2.0.1 do whose TxStartedMeasurands are empty."""
    charge = Transaction(new, clock)
    await charge.tell("Started", "Authorized", idToken=CARD, info={"chargingState": "Charging"})
    first = shown(clock, 1000, "Transaction.Begin")
    clock.move(60)
    await charge.tell("Updated", "MeterValuePeriodic", wh=1300)
    clock.move(HOUR)
    await charge.tell("Ended", "EVDeparted", meterValue=[first, shown(clock, 5000, "Transaction.End")])
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 4


async def test_a_register_of_the_beginning_that_was_minus_one_stands_in_the_data_of_the_end(
    csms: Csms, one: Station, provider: Provider, clock: Clock
) -> None:
    number = await start(one, clock, meter=-1)
    first = {"timestamp": clock.text(), "sampledValue": [{"value": "1000", "context": "Transaction.Begin"}]}
    clock.move(60)
    await meter(one, clock, number, 1300)
    clock.move(HOUR)
    await stop(one, clock, number, 5000, transactionData=[first])
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == 4


async def test_what_flew_before_a_driver_came_is_not_the_drivers_when_the_beginning_is_told_at_last(
    csms: Csms, new: Station, provider: Provider, clock: Clock
) -> None:
    charge = Transaction(new, clock)
    await charge.tell("Started", "CablePluggedIn", info={"chargingState": "Charging"})
    first = shown(clock, 1000, "Transaction.Begin")
    clock.move(60)
    await charge.tell("Updated", "Authorized", wh=1300, idToken=CARD)
    clock.move(HOUR)
    await charge.tell("Ended", "EVDeparted", meterValue=[first, shown(clock, 5000, "Transaction.End")])
    await carried(csms)
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == Decimal("3.7")
