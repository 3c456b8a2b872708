"""Accounts in both databases: what a driver signs in with, tickets that only one can take, cards, favourites and letters."""

from __future__ import annotations

import pytest

from interplug.store.accounts import Account, Identity, Passkey, Ticket
from interplug.store.cards import CANCELLED, ORDERED, SENT, Card, Order
from interplug.store.drivers import Drive, Driver, Wanted
from interplug.store.favourites import Watch
from interplug.store.notices import Browser
from interplug.store.store import Store
from interplug.store.tx import Tx

ANN = Account("d1", "ann@example.org", "hash", "en", 1)


@pytest.fixture
async def store(database: str) -> Store:
    return Store.open(database)


def drive(name: str, driver: str = "d1", place: str = "L1", token: str = "", at: int = 10) -> Drive:
    return Drive(
        id=name,
        driver=driver,
        connection=3,
        country="NL",
        party="TNM",
        place=place,
        evse="E1",
        connector="1",
        state="BILLED",
        created_at=at,
        deadline=0,
        token=token,
    )


async def test_an_account_is_found_by_its_driver_and_its_address_and_erased_whole(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await tx.accounts.add(ANN)
        await tx.accounts.add(Account("d2", None, "", "nl", 2))
        await tx.accounts.add(Account("d3", None, "", "nl", 3))
        assert await tx.accounts.add_passkey(Passkey("k1", "d1", b"\x00key", 0, "phone", 1))
        assert not await tx.accounts.add_passkey(Passkey("k1", "d2", b"", 0, "other", 1))
        assert await tx.accounts.add_identity(Identity("https://id", "s1", "d1", "ann", 1))
        assert not await tx.accounts.add_identity(Identity("https://id", "s1", "d2", "eve", 1))
        await tx.accounts.sessions.begin("s", "d1", 1, 100)
        await tx.favourites.add("d1", 7, 1)
        await tx.favourites.watch(Watch("d1", 7, "en", 50), 1)
        await tx.notices.put(Browser("https://push", "d1", "k", "s", "en", 1))
        await tx.notices.mail("d1", "en")
        await tx.accounts.used_passkey("k1", 5, 9)

    await store.write(work)
    assert await store.read(lambda tx: tx.accounts.by_email("ann@example.org")) == ANN
    assert (await store.read(lambda tx: tx.accounts.passkeys("d1")))[0] == Passkey("k1", "d1", b"\x00key", 5, "phone", 1, 9)
    assert await store.read(lambda tx: tx.accounts.sessions.who("s", 99)) == "d1"
    assert await store.read(lambda tx: tx.accounts.sessions.who("s", 100)) is None
    await store.write(lambda tx: tx.accounts.erase("d1"))
    assert await store.read(lambda tx: tx.accounts.get("d1")) is None
    assert await store.read(lambda tx: tx.accounts.identity("https://id", "s1")) is None
    assert await store.read(lambda tx: tx.favourites.watches(0)) == []
    assert await store.read(lambda tx: tx.notices.of_driver("d1")) == []
    assert await store.read(lambda tx: tx.notices.mailed("d1")) is None
    assert await store.read(lambda tx: tx.accounts.get("d2")) is not None
    await store.close()


async def test_a_ticket_is_taken_once_and_in_time(store: Store) -> None:
    await store.write(lambda tx: tx.accounts.add_ticket(Ticket("t1", "reset", "d1", b"{}", 100), 1))
    assert await store.write(lambda tx: tx.accounts.take_ticket("t1", "register", 5)) is None
    assert await store.write(lambda tx: tx.accounts.take_ticket("t1", "reset", 100)) is None
    assert await store.write(lambda tx: tx.accounts.take_ticket("t1", "reset", 99)) is not None
    assert await store.write(lambda tx: tx.accounts.take_ticket("t1", "reset", 99)) is None
    await store.close()


async def test_attempts_are_counted_for_all_processes(store: Store) -> None:
    found = [await store.write(lambda tx, at=at: tx.attempts.allows("n", 2, at - 10, at)) for at in (1, 2, 3, 12)]  # type: ignore[misc]
    assert found == [True, True, False, True]
    await store.close()


async def test_a_driver_is_known_by_every_card_and_drives_are_handed_over(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await tx.drivers.add_driver(Driver("d1", "UID1", "DEABCC1", 1))
        await tx.drivers.add_driver(Driver("d2", "UID2", "DEABCC2", 1))
        assert await tx.cards.add(Card("RFID", "04AB", "d1", "DEABCC1", "blue", 1))
        assert not await tx.cards.add(Card("RFID", "04ab", "d2", "DEABCC2", "", 1))
        await tx.drivers.add(drive("a", "d2"))
        await tx.cards.add(Card("APP_USER", "UID2", "d2", "DEABCC2", "", 1))
        await tx.cards.hand_over("d2", "d1")
        await tx.drivers.hand_over("d2", "d1")

    await store.write(work)
    for uid in ("UID1", "04aB", "UID2"):
        found = await store.read(lambda tx, uid=uid: tx.drivers.with_token(uid))  # type: ignore[misc]
        assert found is not None and found.id == "d1"
    found = await store.read(lambda tx: tx.drivers.with_contract("DEABCC2"))
    assert found is not None and found.id == "d1"
    assert [one.id for one in await store.read(lambda tx: tx.drivers.of_driver("d1"))] == ["a"]
    await store.write(lambda tx: tx.drivers.rename("d1", "x"))
    assert [one.id for one in await store.read(lambda tx: tx.drivers.of_driver("x"))] == ["a"]
    await store.close()


async def test_drives_are_found_by_time_card_and_place(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for one in (drive("a", at=1), drive("b", at=2, token="04ab"), drive("c", at=3, place="L2"), drive("d", "d9", at=3)):
            await tx.drivers.add(one)

    await store.write(work)

    async def names(wanted: Wanted, limit: int = 9, offset: int = 0) -> tuple[int, str]:
        total, drives = await store.read(lambda tx: tx.drivers.found("d1", wanted, limit, offset))
        return total, "".join(one.id for one in drives)

    assert await names(Wanted()) == (3, "cba")
    assert await names(Wanted(), 1, 1) == (3, "b")
    assert await names(Wanted(since=2, until=3)) == (1, "b")
    assert await names(Wanted(token="")) == (2, "ca")
    assert await names(Wanted(places=[(3, "NL", "TNM", "L2"), (3, "NL", "TNM", "L9")])) == (1, "c")
    assert await names(Wanted(places=[])) == (0, "")
    assert sorted(await store.read(lambda tx: tx.drivers.places("d1"))) == [(3, "NL", "TNM", "L1"), (3, "NL", "TNM", "L2")]
    await store.close()


async def test_the_address_of_an_order_is_gone_once_it_is_sent(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for name in ("o1", "o2"):
            await tx.cards.order(Order(name, "d1", "blue", "Ann\nStreet 1", ORDERED, "", 1))
        assert await tx.cards.end_order("o1", SENT, 5, "04ab")
        assert not await tx.cards.end_order("o1", CANCELLED, 6)

    await store.write(work)
    assert await store.read(lambda tx: tx.cards.get_order("o1")) == Order("o1", "d1", "blue", "", SENT, "04ab", 1, 5)
    assert [one.id for one in await store.read(lambda tx: tx.cards.orders_in(ORDERED, 9))] == ["o2"]
    await store.close()


async def test_letters_wait_are_tried_again_and_forgotten(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await tx.letters.add("ann@example.org", "Hello", "text", 5, 100)
        await tx.letters.add("bob@example.org", "Hello", "text", 5, 100)

    await store.write(work)
    assert await store.read(lambda tx: tx.letters.due(4, 9)) == []
    first, second = await store.read(lambda tx: tx.letters.due(5, 9))
    await store.write(lambda tx: tx.letters.later(first.no, 50))
    await store.write(lambda tx: tx.letters.drop(second.no))
    assert [one.tries for one in await store.read(lambda tx: tx.letters.due(50, 9))] == [1]
    await store.write(lambda tx: tx.letters.forget(100))
    assert await store.read(lambda tx: tx.letters.due(50, 9)) == []
    await store.close()
