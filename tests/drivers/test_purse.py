"""Ways to pay that a driver has had remembered: one tap and the money is held, and whatever becomes of a card, nothing starts without."""

from __future__ import annotations

from decimal import Decimal

import pytest

from interplug.drivers.accounts import erase, open_account
from interplug.drivers.drives import new_driver
from interplug.drivers.plugs import NotPossible
from interplug.payments import states
from interplug.payments.port import DECLINED, EXPIRED, PROOF, WITHDRAWN, Method
from interplug.store.drivers import Drive, Driver
from interplug.store.methods import Saved
from tests.drivers.played import World
from tests.drivers.shopping import HOUR, Shop
from tests.payments.standing import AGED, CHALLENGED, GOOD, OTHER, SPENT

D = Decimal


@pytest.fixture
def world(paid: World) -> World:
    return paid


@pytest.fixture
async def member(world: World) -> Driver:
    """A driver with an account."""
    made = await open_account(world.node, "", email="ann@example.org")
    found = await world.node.store.read(lambda tx: tx.drivers.driver(made.driver))
    assert found is not None
    return found


async def over(shop: Shop, drive: Drive) -> None:
    """The operator does not want it, and so another one can be begun."""
    await shop.world.result(drive, "REJECTED")
    await shop.tick()


async def saved(shop: Shop, driver: Driver, card: str = GOOD) -> Saved:
    """A card that the driver has had remembered at a charge that came to nothing."""
    drive = await shop.pay(await shop.press(driver), card, remember=True)
    assert drive.state == "ACCEPTED"
    await over(shop, drive)
    await shop.desk.purse.tick()
    return next(one for one in await shop.desk.purse.saved(driver.id) if one.last4 == card[-4:])


async def at_the_provider(shop: Shop, driver: Driver) -> list[Method]:
    return await shop.desk.till.provider.methods(await shop.desk.purse.customer(driver.id))


async def test_a_guest_has_nothing_remembered(shop: Shop, driver: Driver) -> None:
    drive = await shop.pay(await shop.press(driver), remember=True)
    await shop.desk.purse.tick()
    assert drive.state == "ACCEPTED" and (await shop.payment(drive)).customer == ""
    assert await shop.desk.purse.saved(driver.id) == []


@pytest.mark.parametrize(("kwh", "kept"), [(8, "4.84"), (10, "6.05"), (70, "37")])
async def test_one_tap_holds_and_starts_and_the_cdr_is_what_is_paid(shop: Shop, member: Driver, kwh: int, kept: str) -> None:
    card = await saved(shop, member)
    before = len(shop.commands())
    drive = await shop.press(member, card.id)
    assert drive.state == "ACCEPTED" and shop.commands()[before:] == ["START_SESSION"]
    payment = await shop.payment(drive)
    assert (payment.state, payment.held, payment.kept) == (states.HELD, 37, 0)
    await shop.world.result(drive, "ACCEPTED")
    await shop.told(member, drive, 10)
    await shop.told(member, drive, 10, status="COMPLETED", end_date_time=shop.clock.text())
    await shop.billed(member, drive, kwh=kwh)
    assert await shop.stands(drive) == (states.CAPTURED, D(kept)), "never above what is held"


@pytest.mark.parametrize(("card", "why"), [(SPENT, DECLINED), (AGED, EXPIRED), (GOOD, WITHDRAWN)])
async def test_a_card_that_is_no_good_any_more_starts_nothing_until_another_one_pays(
    shop: Shop, member: Driver, card: str, why: str
) -> None:
    kept = await saved(shop, member, card)
    if why == WITHDRAWN:
        await shop.desk.till.provider.detach(kept.reference, "by hand")
    before = len(shop.commands())
    drive = await shop.press(member, kept.id)
    await shop.tick()
    payment = await shop.payment(drive)
    assert (drive.state, payment.state, payment.held, payment.reason) == ("PAYING", states.ACTION, 0, why)
    assert shop.commands()[before:] == []
    await shop.desk.purse.tick()
    assert [one.id for one in await shop.desk.purse.saved(member.id)] == ([] if why == WITHDRAWN else [kept.id])
    assert (await shop.pay(drive, OTHER)).state == "ACCEPTED" and shop.commands()[before:] == ["START_SESSION"]


@pytest.mark.parametrize(("proof", "state"), [("yes", "ACCEPTED"), ("no", "PAYING")])
async def test_the_bank_may_ask_who_pays_and_nothing_starts_before_it_knows(shop: Shop, member: Driver, proof: str, state: str) -> None:
    card = await saved(shop, member, CHALLENGED)
    before = len(shop.commands())
    drive = await shop.press(member, card.id)
    await shop.tick()
    assert drive.state == "PAYING" and (await shop.payment(drive)).reason == PROOF and shop.commands()[before:] == []
    assert (await shop.pay(drive, "", proof)).state == state
    assert shop.commands()[before:] == ["START_SESSION"] * (proof == "yes")


async def test_what_is_removed_is_gone_at_once_and_at_the_provider_when_it_answers(shop: Shop, member: Driver) -> None:
    card = await saved(shop, member)
    shop.line.fate = lambda request: "lost"
    await shop.desk.purse.remove(member.id, card.id)
    await shop.desk.purse.tick()
    assert await shop.desk.purse.saved(member.id) == []
    with pytest.raises(NotPossible):
        await shop.press(member, card.id)
    shop.line.fate = lambda request: "ok"
    assert len(await at_the_provider(shop, member)) == 1
    await shop.desk.purse.tick()
    assert len(await at_the_provider(shop, member)) == 1, "not before it is time to ask again"
    shop.clock.move(120)
    await shop.desk.purse.tick()
    assert await at_the_provider(shop, member) == []


@pytest.mark.parametrize("fate", ["lost", "silent"])
async def test_a_removal_whose_answer_was_lost_is_done_once(shop: Shop, member: Driver, fate: str) -> None:
    card = await saved(shop, member)
    await saved(shop, member, OTHER)
    shop.line.fate = lambda request: fate if request.url.endswith("/detach") else "ok"
    await shop.desk.purse.remove(member.id, card.id)
    await shop.desk.purse.tick()
    shop.line.fate = lambda request: "ok"
    shop.clock.move(HOUR)
    await shop.desk.purse.tick()
    assert [one.last4 for one in await at_the_provider(shop, member)] == ["4444"]
    assert [one.last4 for one in await shop.desk.purse.saved(member.id)] == ["4444"]


async def test_nobody_sees_or_uses_or_removes_anothers_card(shop: Shop, member: Driver) -> None:
    card = await saved(shop, member)
    other = await open_account(shop.node, "", email="bob@example.org")
    bob = await shop.node.store.read(lambda tx: tx.drivers.driver(other.driver))
    assert bob is not None and await shop.desk.purse.saved(bob.id) == []
    for what in (shop.press(bob, card.id), shop.desk.purse.use(bob.id, card.id), shop.desk.purse.remove(bob.id, card.id)):
        with pytest.raises(NotPossible, match="not kept here"):
            await what


async def test_the_newest_is_the_usual_one_until_another_is_chosen(shop: Shop, member: Driver) -> None:
    async def order() -> list[str]:
        return [one.last4 for one in await shop.desk.purse.saved(member.id)]

    first = await saved(shop, member)
    shop.clock.move(60)
    await saved(shop, member, OTHER)
    assert await order() == ["4444", "4242"]
    await shop.desk.purse.use(member.id, first.id)
    shop.clock.move(60)
    await saved(shop, member, CHALLENGED)
    assert await order() == ["4242", "3155", "4444"]


async def test_a_card_that_is_remembered_twice_is_there_once(shop: Shop, member: Driver) -> None:
    first = await saved(shop, member)
    await saved(shop, member, OTHER)
    await shop.desk.purse.use(member.id, first.id)
    await saved(shop, member)
    await shop.desk.purse.tick()
    found = await shop.desk.purse.saved(member.id)
    assert [one.last4 for one in found] == ["4242", "4444"] and found[0].id != first.id
    assert sorted(one.last4 for one in await at_the_provider(shop, member)) == ["4242", "4444"]


async def test_what_is_removed_at_the_provider_is_found_out_within_a_week(shop: Shop, member: Driver) -> None:
    card = await saved(shop, member)
    await shop.later(HOUR)
    await shop.desk.purse.tick()
    await shop.desk.till.provider.detach(card.reference, "by hand")
    await shop.later(6 * 24 * HOUR)
    await shop.desk.purse.tick()
    assert [one.id for one in await shop.desk.purse.saved(member.id)] == [card.id]
    await shop.later(24 * HOUR + 1)
    await shop.desk.purse.tick()
    assert await shop.desk.purse.saved(member.id) == []


async def test_where_the_provider_makes_no_customer_the_driver_pays_like_a_guest(shop: Shop, member: Driver) -> None:
    shop.line.fate = lambda request: "lost" if request.url.endswith("/customers") else "ok"
    drive = await shop.pay(await shop.press(member), remember=True)
    assert drive.state == "ACCEPTED" and (await shop.payment(drive)).customer == ""
    await over(shop, drive)
    shop.line.fate = lambda request: "ok"
    assert await saved(shop, member)


async def test_a_customer_that_the_provider_knows_no_longer_is_made_anew(shop: Shop, member: Driver) -> None:
    await saved(shop, member)
    await shop.desk.till.provider.forget(await shop.desk.purse.customer(member.id), "by hand")
    drive = await shop.pay(await shop.press(member))
    await over(shop, drive)
    await shop.desk.purse.tick()
    assert await shop.desk.purse.saved(member.id) == [] and await saved(shop, member)


async def test_with_the_account_the_cards_are_erased_and_what_is_held_is_still_paid(shop: Shop, member: Driver) -> None:
    card = await saved(shop, member)
    customer, provider = await shop.desk.purse.customer(member.id), shop.desk.till.provider
    drive = await shop.press(member, card.id)
    await shop.world.result(drive, "ACCEPTED")
    await shop.told(member, drive, 10)
    await shop.told(member, drive, 10, status="COMPLETED", end_date_time=shop.clock.text())
    await erase(shop.node, member.id)
    left = await shop.node.store.read(lambda tx: tx.db.all("select driver, mark, brand, last4, month, year from payer, saved_method"))
    assert [tuple(row) for row in left] == [("", "", "", "", 0, 0)]
    await shop.desk.purse.tick()
    assert await provider.methods(customer) == [], "no card is left, the customer is until all is settled"
    await shop.billed(member, await shop.world.now(drive))
    assert await shop.stands(drive) == (states.CAPTURED, D("6.05"))
    await shop.later(25 * HOUR)
    await shop.desk.purse.tick()
    with pytest.raises(Exception, match="no such customer"):
        await provider.methods(customer)
    assert await shop.node.store.read(lambda tx: tx.db.all("select * from payer")) == []


async def test_a_terminal_and_an_erased_driver_have_no_purse(shop: Shop) -> None:
    stranger = await new_driver(shop.node)
    assert await shop.desk.purse.customer(stranger.id) == await shop.desk.purse.customer("") == ""
