"""The inbox: what is answered is on disk, what is on disk is carried, and nobody in a group hurts another. On either engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from interplug.modules.node import Node
from interplug.stations.csms import transactions
from interplug.stations.csms.inbox import GROUP, Inbox
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V201
from interplug.store.ocpp import Message
from interplug.store.tx import Tx
from tests.nodes import Clock
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying20 import CARD, Transaction
from tests.stations.csms.stations import Station, add_station, carried, serving, station

pytestmark = pytest.mark.usefixtures("engine")


class Disk:
    """A store whose writes wait until it is told; how many are asked for."""

    def __init__(self, node: Node) -> None:
        self.free, self.asked = asyncio.Event(), 0
        self._write = node.store.write

    async def write(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
        self.asked += 1
        await self.free.wait()
        return await self._write(work)  # type: ignore[arg-type]


def message(station: str, text: str = "{}") -> Message:
    return Message(station, "1.6", 1_000_000, text)


async def connected(node: Node, *names: str) -> dict[str, int]:
    for name in names:
        await add_station(node, name)
    return {name: await connect(node, name) for name in names}


async def connect(node: Node, name: str, process: str = "here") -> int:
    return (await node.store.write(lambda tx: tx.charging_stations.connect(name, process, "1.6", 1, 0)))[0]


async def waiting(node: Node, id: str) -> list[str]:
    found = await node.store.read(lambda tx: tx.ocpp.waiting(id, 2**62, 10))
    return [one.message.raw for one in found]


async def groups(node: Node) -> int:
    row = await node.store.read(lambda tx: tx.db.one("select count(*) from ocpp_inbox"))
    assert row is not None
    return int(row[0])


async def charging(one: Station, clock: Clock, name: str = "T1") -> Transaction:
    told = Transaction(one, clock, name)
    await told.tell("Started", "Authorized", wh=0, info={"chargingState": "Charging"}, idToken=CARD)
    return told


async def test_a_station_hears_nothing_before_its_message_is_on_disk(
    csms: Csms, node: Node, provider: Provider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_station(node, "CS2", outlets=[])
    async with station(csms, V201) as one, station(csms, V201, "CS2") as other:
        told = await charging(one, clock)
        disk = Disk(node)
        with monkeypatch.context() as slow:
            slow.setattr(node.store, "write", disk.write)
            answer = asyncio.create_task(told.tell("Updated", "MeterValuePeriodic", wh=1000))
            while not disk.asked:
                await other.say("Heartbeat")
            await other.say("Heartbeat")
            early = answer.done()
        disk.free.set()
        assert await answer == {} and not early


async def test_what_arrives_while_a_group_is_written_is_the_next_group(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    epochs = await connected(node, "A", "B", "C")
    disk = Disk(node)
    inbox = Inbox(disk)  # type: ignore[arg-type]
    first = asyncio.create_task(inbox.receive(epochs["A"], message("A", "1")))
    while not disk.asked:
        await asyncio.sleep(0)
    others = [asyncio.create_task(inbox.receive(epochs[name], message(name, name))) for name in ("B", "C")]
    disk.free.set()
    [b, c] = await asyncio.gather(*others)
    assert await first < b == c and await groups(node) == 2
    assert [await waiting(node, name) for name in "ABC"] == [["1"], ["B"], ["C"]], "each station has its own"


async def test_whoever_has_lost_its_station_receives_nothing_and_the_others_of_the_group_do(node: Node) -> None:
    epochs = await connected(node, "A", "B")
    await connect(node, "A", "elsewhere")
    inbox = Inbox(node.store)
    a, b = await asyncio.gather(*(inbox.receive(epochs[name], message(name)) for name in "AB"))
    assert a == 0 < b and await waiting(node, "A") == [] and await waiting(node, "B") == ["{}"]


async def test_a_group_that_cannot_be_written_fails_for_all_of_it_and_the_next_is_written(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = await connected(node, "A", "B")
    inbox, write = Inbox(node.store), node.store.write

    async def full(work: Callable[[Tx], Awaitable[Any]]) -> Any:
        raise OSError("the disk is full")

    monkeypatch.setattr(node.store, "write", full)
    failed = await asyncio.gather(*(inbox.receive(epochs[name], message(name)) for name in "AB"), return_exceptions=True)
    assert [str(one) for one in failed] == ["the disk is full"] * 2
    monkeypatch.setattr(node.store, "write", write)
    assert await inbox.receive(epochs["A"], message("A")) and await waiting(node, "A") == ["{}"]


async def test_more_than_a_group_is_several(node: Node) -> None:
    names = [f"S{number}" for number in range(GROUP + 1)]
    epochs = await connected(node, *names)
    inbox = Inbox(node.store)
    numbers = await asyncio.gather(*(inbox.receive(epochs[name], message(name)) for name in names))
    assert len(set(numbers)) == await groups(node) == 2


async def test_a_message_without_meaning_costs_no_other_its_own(csms: Csms, node: Node, provider: Provider, clock: Clock) -> None:
    """Two stations in one group; what one of them says is JSON, and nothing else is right with it."""
    await add_station(node, "CS2", outlets=[])
    async with station(csms, V201) as one, station(csms, V201, "CS2") as other:
        told = await charging(one, clock)
        clock.move(600)
        bad = {"eventType": "Updated", "meterValue": 3, "transactionInfo": 7}
        answers = await asyncio.gather(other.link.call("TransactionEvent", bad), told.tell("Updated", "MeterValuePeriodic", wh=1000))
        assert list(answers) == [{}, {}]
        await carried(csms)
        assert [one["kwh"] for one in await provider.sessions()] == [1]


async def test_what_stands_between_commit_and_book_when_a_process_hangs_is_carried_by_the_next_in_its_order(
    csms: Csms, node: Node, provider: Provider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is on disk and answered, and nothing of it in the book; the late process writes nothing any more."""
    stuck, tell = asyncio.Event(), transactions.Transactions.tell

    async def hangs(self: transactions.Transactions, *arguments: Any) -> Any:
        if self is csms.desk.transactions:
            await stuck.wait()
        return await tell(self, *arguments)

    async with serving(node) as other, station(csms, V201) as one:
        told = await charging(one, clock)
        await carried(csms)
        monkeypatch.setattr(transactions.Transactions, "tell", hangs)
        for wh in (1000, 2000, 3000):
            clock.move(600)
            assert await told.tell("Updated", "MeterValuePeriodic", wh=wh) == {}
        clock.move(600)
        assert await told.tell("Ended", "EVDeparted", wh=3500) == {}
        assert len(await waiting(node, "CS1")) == 4 and await provider.cdrs() == []
        try:
            async with station(other, V201) as new:
                await new.say("Heartbeat")
                await carried(other)
                left = await waiting(node, "CS1")
        finally:
            stuck.set()
    [bill] = await provider.cdrs()
    assert bill["total_energy"] == Decimal("3.5") and left == []


async def test_retention_leaves_what_is_not_in_the_book(node: Node) -> None:
    epochs = await connected(node, "A", "B")
    inbox = Inbox(node.store)
    for number in range(3):
        for name in "AB":
            await inbox.receive(epochs[name], message(name, f"{name}{number}"))
    reached = await inbox.receive(epochs["A"], message("A", "A3"))
    assert await node.store.write(lambda tx: tx.charging_stations.reach("A", epochs["A"], reached))
    await node.store.write(lambda tx: tx.ocpp.forget(2_000_000))
    assert await waiting(node, "A") == [] and await waiting(node, "B") == ["B0", "B1", "B2"]
    kept = await node.store.read(lambda tx: tx.ocpp.received("A", 0, 10))
    assert "A3" not in [one.message.raw for one in kept]


async def test_what_was_said_is_found_again_the_newest_first(node: Node) -> None:
    epochs = await connected(node, "A", "B")
    inbox = Inbox(node.store)
    for number in range(3):
        await asyncio.gather(*(inbox.receive(epochs[name], Message(name, "1.6", number, f"{name}{number}")) for name in "AB"))
    found = await node.store.read(lambda tx: tx.ocpp.received("A", 1, 10))
    assert [one.message.raw for one in found] == ["A2", "A1"]
    assert len(await node.store.read(lambda tx: tx.ocpp.received("A", 0, 1))) == 1


async def test_messages_of_1_6_go_the_same_way(csms: Csms, node: Node, clock: Clock) -> None:
    async with station(csms, V16) as one:
        values = [{"timestamp": clock.text(), "sampledValue": [{"value": "1"}]}]
        assert await one.say("MeterValues", connectorId=1, meterValue=values) == {}
        await carried(csms)
        [kept] = await node.store.read(lambda tx: tx.ocpp.received("CS1", 0, 10))
        assert '"MeterValues"' in kept.message.raw and await waiting(node, "CS1") == []
