"""Notices in both databases: who wants to be told, what waits, and that each thing is told once."""

from __future__ import annotations

from interplug.store.accounts import Account
from interplug.store.notices import Browser
from interplug.store.store import Store
from interplug.store.tx import Tx
from tests.store.test_accounts import drive

PHONE = Browser("https://push.example/1", "d1", "key", "secret", "nl", 5)


async def test_a_browser_belongs_to_the_driver_who_asked_last_and_goes_with_the_account(database: str) -> None:
    store = Store.open(database)

    async def work(tx: Tx) -> None:
        await tx.accounts.add(Account("d1", None, "", "nl", 1))
        await tx.notices.put(PHONE)
        await tx.notices.put(Browser(PHONE.endpoint, "d1", "key2", "secret2", "de", 9))
        await tx.notices.mail("d1", "de")
        await tx.notices.mail("d1", "nl")
        await tx.drivers.add(drive("a", at=10))
        await tx.drivers.add(drive("b", driver="d2", at=10))
        assert await tx.notices.wanted(9) == ["a"] and await tx.notices.wanted(10) == []
        assert await tx.notices.mailed("d1") == "nl"
        assert await tx.notices.of_driver("d1") == [Browser(PHONE.endpoint, "d1", "key2", "secret2", "de", 5)]
        await tx.accounts.erase("d1")
        assert await tx.notices.get(PHONE.endpoint) is None and await tx.notices.mailed("d1") is None

    await store.write(work)
    await store.close()


async def test_a_notice_waits_until_it_is_sent_or_too_late_and_goes_with_its_browser(database: str) -> None:
    store = Store.open(database)

    async def work(tx: Tx) -> None:
        await tx.notices.put(PHONE)
        for until in (50, 60, 70):
            await tx.notices.add(PHONE.endpoint, "{}", 1, until)
        first, second, third = await tx.notices.due(1, 10)
        await tx.notices.later(second.no, 30)
        await tx.notices.sent(third.no)
        assert [one.no for one in await tx.notices.due(29, 10)] == [first.no]
        assert [(one.no, one.tries) for one in await tx.notices.due(30, 10)] == [(first.no, 0), (second.no, 1)]
        await tx.notices.forget(50, 0)
        assert [one.no for one in await tx.notices.due(30, 10)] == [second.no]
        await tx.notices.drop(PHONE.endpoint)
        assert await tx.notices.due(99, 10) == []

    await store.write(work)
    await store.close()


async def test_each_thing_is_told_once(database: str) -> None:
    store = Store.open(database)

    async def work(tx: Tx) -> None:
        assert await tx.notices.tell("a", "finished", 5)
        assert not await tx.notices.tell("a", "finished", 6)
        assert await tx.notices.told("a") == {"finished"} and await tx.notices.told("b") == set()
        await tx.notices.forget(0, 5)
        assert await tx.notices.told("a") == set()

    await store.write(work)
    await store.close()
