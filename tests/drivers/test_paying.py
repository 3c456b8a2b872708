"""Paying by card from the start button to the last refund: nothing is asked of an operator without a hold, and every hold has its end."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from interplug import faults
from interplug.drivers.billing import IMPOSSIBLE
from interplug.drivers.deals import Deal
from interplug.drivers.dues import Known
from interplug.drivers.paying import hold_of, pays_by_card
from interplug.drivers.plugs import NotPossible
from interplug.drivers.tokens import token_key
from interplug.model.types import format_time
from interplug.payments import states
from interplug.payments.port import Found
from interplug.store.drivers import Drive, Driver
from interplug.store.payments import Payment
from interplug.store.tx import Tx
from tests.drivers.played import World, cdr
from tests.drivers.shopping import HOUR, SETTINGS, Shop
from tests.modules import said
from tests.nodes import Clock
from tests.payments.standing import DECLINED, FIXED, GOOD, SHORT, browse
from tests.payments.test_laws import Crash

D = Decimal


@pytest.fixture
def world(paid: World) -> World:
    return paid


# --- before anything starts


async def test_nothing_is_asked_of_the_operator_before_the_money_is_held(shop: Shop, driver: Driver) -> None:
    drive = await shop.press(driver)
    await shop.tick()
    assert drive.state == "PAYING" and shop.commands() == []
    assert await shop.stands(drive) == (states.ACTION, 0)
    drive = await shop.pay(drive)
    assert drive.state == "ACCEPTED" and shop.commands() == ["START_SESSION"]
    assert (await shop.payment(drive)).held == 37, "60 kWh at 0.605, in whole units"


async def test_a_declined_card_starts_nothing_and_another_one_may_be_tried(shop: Shop, driver: Driver) -> None:
    drive = await shop.pay(await shop.press(driver), DECLINED)
    assert drive.state == "PAYING" and "declined" in (await shop.payment(drive)).reason and shop.commands() == []
    assert (await shop.pay(drive)).state == "ACCEPTED"


async def test_who_does_not_pay_in_time_has_not_started(shop: Shop, driver: Driver) -> None:
    drive = await shop.press(driver)
    await shop.later(11 * 60)
    assert (await shop.world.now(drive)).state == "FAILED" and await shop.stands(drive) == (states.VOIDED, 0)
    assert (await shop.press(driver)).state == "PAYING", "and may press again"


async def test_who_pays_in_the_moment_in_which_the_time_is_over_keeps_the_hold(
    shop: Shop, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive, known = await shop.press(driver), shop.cashier._known

    async def and_then_paid(payment: Payment) -> Known:
        found = await known(payment)
        monkeypatch.undo()
        await shop.pay(drive)
        return found

    monkeypatch.setattr(shop.cashier, "_known", and_then_paid)
    await shop.later(11 * 60)
    assert shop.commands() == ["START_SESSION"] and (await shop.world.now(drive)).state == "ACCEPTED"
    assert (await shop.payment(drive)).state == states.HELD, "no session without a hold"


async def test_a_start_can_be_given_up(shop: Shop, driver: Driver) -> None:
    drive = await shop.press(driver)
    assert (await shop.desk.give_up(drive)).state == "FAILED"
    await shop.tick()
    assert await shop.stands(drive) == (states.VOIDED, 0)
    with pytest.raises(NotPossible):
        await shop.desk.give_up(await shop.world.now(drive))


async def test_the_driver_who_never_comes_back_from_the_provider_is_started_all_the_same(shop: Shop, driver: Driver) -> None:
    drive = await shop.press(driver)
    found = await shop.desk.look(drive.id)
    assert found is not None
    await browse(shop.bank, found.url, GOOD)
    await shop.later(5)
    assert (await shop.world.now(drive)).state == "ACCEPTED"


async def test_two_who_see_the_money_at_once_start_once(shop: Shop, driver: Driver) -> None:
    drive = await shop.pay(await shop.press(driver))
    await shop.desk.look(drive.id)
    await shop.tick()
    assert shop.commands() == ["START_SESSION"]


async def test_the_amount_is_what_the_tariff_names_or_what_the_configured_energy_costs() -> None:
    clock = Clock()

    def hold(price: str | None, currency: str = "EUR", **more: Any) -> tuple[str, Decimal]:
        parts = [{"price_components": [{"type": "ENERGY", "price": D(price or 0), "step_size": 1}]}]
        tariff = {**said.tariff("T"), "currency": currency, "elements": parts, **more}
        found = hold_of(SETTINGS, Deal(None, None if price is None else tariff), 11_000, None, clock())
        return found.currency, found.shown

    assert hold("0.50") == ("EUR", 30)
    assert hold("0.01") == ("EUR", 10), "the least"
    assert hold("9.00") == ("EUR", 100), "the most"
    assert hold(None) == ("EUR", 100), "not known"
    assert hold("0.50", preauthorize_amount=D("42.5")) == ("EUR", D("42.5"))
    assert hold("0.50", preauthorize_amount=D("42.5049")) == ("EUR", D("42.50")), "no card is charged half a coin"
    assert hold("0.50", preauthorize_amount=D("0.004")) == ("EUR", 30)
    assert hold("0.50", preauthorize_amount=D("4250")) == ("EUR", 100), "whatever an operator names"
    assert hold("0.50", "eur", preauthorize_amount=D("42.5")) == hold("0.50", preauthorize_amount=D("42.5")), "some write it small"
    assert hold("0.50", "eur") == ("EUR", 30)
    assert hold("7.00", "SEK") == ("SEK", 420), "the bounds are of another currency"
    assert hold("0.10", "SEK") == ("SEK", 115) and hold("90", "SEK") == ("SEK", 1150)
    assert hold("90", "JPY") == ("JPY", 5400) and hold("7", "XTS") == ("XTS", 100)


def test_who_pays_how_is_configured() -> None:
    token = {"contract_id": "DE-ABC-C000123", "group_id": "FLEET"}
    assert pays_by_card(SETTINGS, token) and pays_by_card(SETTINGS, None)
    for more in ({"provider": "none"}, {"method": "invoice"}, {"invoice_groups": ["FLEET"]}, {"invoice_contracts": ["DE-ABC-*"]}):
        assert not pays_by_card(msgspec.structs.replace(SETTINGS, **more), token), more


# --- starts that come to nothing


async def test_a_start_that_the_operator_refuses_lets_the_money_go_after_a_while(shop: Shop, driver: Driver) -> None:
    shop.world.cpo.word = "REJECTED"
    drive = await shop.pay(await shop.press(driver))
    await shop.tick()
    assert drive.state == "FAILED" and (await shop.payment(drive)).state == states.HELD, "a Session may come all the same"
    await shop.later(5 * 60 + 1)
    assert await shop.stands(drive) == (states.VOIDED, 0)


async def test_where_the_operator_could_not_be_asked_the_money_goes_at_once(shop: Shop, driver: Driver) -> None:
    shop.world.cpo.word = None
    drive = await shop.pay(await shop.press(driver))
    await shop.tick()
    assert drive.state == "FAILED" and await shop.stands(drive) == (states.VOIDED, 0)


async def test_where_nothing_may_be_sent_to_the_operator_the_money_goes_at_once(shop: Shop, driver: Driver) -> None:
    drive = await shop.press(driver)
    await allowed(shop, driver, valid=False)
    drive = await shop.pay(drive)
    await shop.tick()
    assert drive.state == "FAILED" and shop.commands() == [] and await shop.stands(drive) == (states.VOIDED, 0)


async def allowed(shop: Shop, driver: Driver, *, valid: bool) -> None:
    """Whether the driver's Token may charge."""
    key, now = token_key(shop.node, driver), shop.clock()

    async def work(tx: Tx) -> None:
        stored = await tx.objects.get(key)
        assert stored is not None
        await tx.objects.save(key, {**stored.document, "valid": valid, "last_updated": format_time(now)}, last_updated=now)

    await shop.node.store.write(work)


async def test_no_session_within_time_lets_the_money_go(shop: Shop, driver: Driver) -> None:
    drive = await shop.pay(await shop.press(driver))
    await shop.world.result(drive, "ACCEPTED")
    for _ in range(5):
        await shop.later(1000)
    assert (await shop.world.now(drive)).state == "FAILED" and await shop.stands(drive) == (states.VOIDED, 0)


async def test_a_session_that_comes_although_the_start_failed_is_paid(shop: Shop, driver: Driver) -> None:
    shop.world.cpo.word = "REJECTED"
    drive = await shop.pay(await shop.press(driver))
    await shop.later(60)
    await shop.told(driver, drive, 10)
    await shop.later(4 * HOUR)
    assert (await shop.payment(drive)).state == states.HELD
    await shop.billed(driver, await shop.world.now(drive))
    assert await shop.stands(drive) == (states.CAPTURED, D("6.05"))


async def test_a_session_that_comes_after_the_money_was_let_go_is_stopped(shop: Shop, driver: Driver) -> None:
    shop.world.cpo.word = "REJECTED"
    drive = await shop.pay(await shop.press(driver))
    await shop.tick()
    await shop.later(400)
    assert (await shop.payment(drive)).state == states.VOIDED
    shop.world.cpo.word = "ACCEPTED"
    await shop.told(driver, drive, 1)
    assert shop.commands()[-1] == "STOP_SESSION"


# --- while it charges


async def test_a_hold_that_is_nearly_used_up_is_raised(shop: Shop, driver: Driver) -> None:
    drive = await shop.charging(driver, kwh=49)
    assert ((await shop.payment(drive)).held, (await shop.payment(drive)).warned) == (74, 0)
    await shop.told(driver, drive, 60)
    assert "STOP_SESSION" not in shop.commands()


async def test_one_that_cannot_be_raised_warns_and_then_stops_the_session(shop: Shop, driver: Driver) -> None:
    drive = await shop.charging(driver, FIXED, kwh=49)
    payment = await shop.payment(drive)
    assert (payment.held, payment.state) == (37, states.HELD) and payment.warned and shop.commands() == ["START_SESSION"]
    await shop.told(driver, drive, 59)
    assert shop.commands()[-1] == "STOP_SESSION" and (await shop.world.now(drive)).state == "STOPPING"
    await shop.told(driver, drive, 70, status="COMPLETED", end_date_time=shop.clock.text())
    await shop.billed(driver, drive, kwh=70)
    assert await shop.stands(drive) == (states.CAPTURED, 37), "never above what is held"


async def test_a_station_that_said_yes_and_charges_on_above_the_hold_is_asked_again(shop: Shop, driver: Driver) -> None:
    drive = await shop.charging(driver, FIXED, kwh=59)
    assert shop.commands()[-2:] == ["START_SESSION", "STOP_SESSION"]
    await shop.world.result(await shop.world.now(drive), "ACCEPTED", of="stop_command")
    await shop.later(80)
    assert shop.commands().count("STOP_SESSION") == 1
    await shop.later(12)
    await shop.tick()
    assert shop.commands().count("STOP_SESSION") == 2 and (await shop.world.now(drive)).state == "STOPPING"


@pytest.mark.parametrize(("card", "stopped"), [(FIXED, True), (GOOD, False)])
async def test_one_report_that_uses_it_up_stops_the_session_at_once_unless_more_is_held(
    shop: Shop, driver: Driver, card: str, stopped: bool
) -> None:
    drive = await shop.charging(driver, card, kwh=1)
    await shop.told(driver, drive, 60)
    assert (shop.commands()[-1] == "STOP_SESSION") is stopped


async def test_a_hold_that_is_about_to_end_is_captured_at_the_price_so_far(shop: Shop, driver: Driver) -> None:
    drive = await shop.charging(driver, SHORT)
    await shop.later(46)
    assert shop.commands()[-1] == "STOP_SESSION" and await shop.stands(drive) == (states.CAPTURED, D("6.05"))


# --- CDRs


async def test_the_cdr_is_what_is_paid(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    assert (await shop.payment(drive)).state == states.HELD
    await shop.billed(driver, drive, kwh=12)
    assert await shop.stands(drive) == (states.CAPTURED, D("7.26"))


@pytest.mark.parametrize(("kwh", "kept"), [(8, "4.84"), (10, "6.05"), (12, "6.05")])
async def test_a_cdr_that_is_late_is_made_good_for(shop: Shop, driver: Driver, kwh: int, kept: str) -> None:
    drive = await shop.ended(driver)
    await shop.later(47 * HOUR)
    assert (await shop.payment(drive)).state == states.HELD
    await shop.later(2 * HOUR)
    assert await shop.stands(drive) == (states.CAPTURED, D("6.05")) and (await shop.payment(drive)).basis == "Session"
    await shop.billed(driver, drive, kwh=kwh)
    assert await shop.stands(drive) == (states.CAPTURED, D(kept))
    payment = await shop.payment(drive)
    assert payment.due == D("0.605") * kwh, "a higher one is absorbed, and noted"


async def test_a_cdr_that_cannot_be_true_takes_no_money(shop: Shop, driver: Driver) -> None:
    """As one that says Wh where kWh are meant: until it is taken back it is as if there were none."""
    drive = await shop.ended(driver)
    await shop.billed(driver, drive, kwh=10_000)
    assert (await shop.payment(drive)).state == states.HELD
    (bill,) = await shop.node.store.read(lambda tx: tx.bills.of_drive(drive.id))
    assert bill.reason == IMPOSSIBLE and bill.kwh == 0
    await shop.billed(driver, drive, "C2", kwh=10_000, credit=True, credit_reference_id="C1")
    assert (await shop.payment(drive)).state == states.HELD
    await shop.billed(driver, drive, "C3", kwh=12)
    assert await shop.stands(drive) == (states.CAPTURED, D("7.26"))


async def test_a_cdr_of_less_than_nothing_gives_no_money_back(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.later(49 * HOUR)
    await shop.billed(driver, drive, kwh=-10)
    await shop.later(HOUR)
    assert await shop.stands(drive) == (states.CAPTURED, D("6.05"))
    await shop.billed(driver, drive, "C2", kwh=8)
    assert await shop.stands(drive) == (states.CAPTURED, D("4.84"))


async def test_where_only_such_a_cdr_comes_the_sessions_own_price_is_paid(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.billed(driver, drive, kwh=10_000)
    await shop.later(49 * HOUR)
    assert await shop.stands(drive) == (states.CAPTURED, D("6.05")) and (await shop.payment(drive)).basis == "Session"


async def test_a_session_of_nothing_without_a_cdr_lets_the_money_go(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver, kwh=0)
    await shop.later(49 * HOUR)
    assert await shop.stands(drive) == (states.VOIDED, 0)


async def test_a_changed_cdr_gives_back_and_takes_no_more(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.billed(driver, drive)
    source = shop.world.partner.connection.id

    async def changed(kwh: int) -> None:
        async def work(tx: Any) -> None:
            (stored,) = await tx.objects.find_id("cdrs", "C1", source)
            document = {**stored.document, "total_energy": kwh, "last_updated": shop.clock.text()}
            document["charging_periods"] = [{**document["charging_periods"][0], "dimensions": [{"type": "ENERGY", "volume": kwh}]}]
            await tx.objects.save(stored.key, document, last_updated=shop.clock())

        shop.clock.move(10)
        await shop.node.store.write(work)
        await shop.world.biller.tick()
        await shop.tick()

    await changed(8)
    assert await shop.stands(drive) == (states.CAPTURED, D("4.84"))
    await changed(20)
    payment = await shop.payment(drive)
    assert (payment.kept, payment.due) == (D("4.84"), D("12.10"))


async def test_a_credit_cdr_gives_the_money_back_after_a_while(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.billed(driver, drive)
    await shop.billed(driver, drive, "C2", credit=True, credit_reference_id="C1")
    assert await shop.stands(drive) == (states.CAPTURED, D("6.05"))
    await shop.later(HOUR + 1)
    assert await shop.stands(drive) == (states.REFUNDED, 0)


async def test_a_corrected_cdr_after_the_credit_moves_the_difference_alone(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    await shop.billed(driver, drive)
    await shop.billed(driver, drive, "C2", credit=True, credit_reference_id="C1")
    await shop.later(60)
    await shop.billed(driver, drive, "C3", kwh=8)
    await shop.later(HOUR + 1)
    assert await shop.stands(drive) == (states.CAPTURED, D("4.84"))
    assert len(shop.line.posts("/refund")) == 1


# --- faults


PLACES = [place for place in faults.PLACES if place.startswith("payments.")]


async def whole_story(shop: Shop, driver: Driver) -> Drive:
    """From the button to a refund; whoever ends in between is followed by another one."""

    async def tried(work: Any) -> None:
        try:
            await work
        except Crash:
            pass

    await tried(shop.press(driver))
    drives = await shop.node.store.read(lambda tx: tx.drivers.of_driver(driver.id))
    (drive,) = drives
    for _ in range(4):
        await tried(shop.later(50))
    payment = await shop.payment(drive)
    await browse(shop.bank, (await shop.desk.till.provider.find(payment.reference)).url, GOOD)
    for _ in range(4):
        await tried(shop.later(50))
    drive = await shop.world.now(drive)
    await shop.world.result(drive, "ACCEPTED")
    await tried(shop.told(driver, drive, 10))
    await tried(shop.told(driver, drive, 10, status="COMPLETED", end_date_time=shop.clock.text()))
    await tried(shop.billed(driver, drive))
    for _ in range(4):
        await tried(shop.later(50))
    await tried(shop.billed(driver, drive, "C2", credit=True, credit_reference_id="C1"))
    for _ in range(6):
        await tried(shop.later(HOUR))
    return drive


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("which", range(4))
async def test_the_money_is_right_wherever_the_process_ends(shop: Shop, driver: Driver, place: str, which: int) -> None:
    """At the hold, the capture, the refund, or all of them."""
    real, seen = faults.at, []

    def at(one: str) -> None:
        seen.append(one)
        if one == place and (which == 3 or seen.count(place) == which + 1):
            if which == 3 and seen.count(place) % 2 == 0:
                return
            raise Crash(one)

    faults.at = at
    try:
        drive = await whole_story(shop, driver)
    finally:
        faults.at = real
    assert place in seen
    payment = await shop.payment(drive)
    assert (payment.state, payment.captured, payment.refunded) == (states.REFUNDED, D("6.05"), D("6.05"))
    assert shop.commands() == ["START_SESSION"]


async def test_a_provider_that_is_away_is_waited_for(shop: Shop, driver: Driver) -> None:
    drive = await shop.ended(driver)
    shop.line.fate = lambda request: "lost"
    await shop.billed(driver, drive)
    await shop.later(HOUR)
    assert (await shop.payment(drive)).state == states.CAPTURING
    shop.line.fate = lambda request: "ok"
    for _ in range(3):
        await shop.later(HOUR)
    assert await shop.stands(drive) == (states.CAPTURED, D("6.05"))


async def test_a_long_comparison_with_the_provider_keeps_no_charge_waiting(shop: Shop, driver: Driver) -> None:
    """Of many payments it takes hours, in which others have to be captured, and sessions to be stopped."""
    first = await shop.ended(driver)
    await shop.billed(driver, first)
    await shop.later(2 * HOUR)
    second = await shop.ended(driver)
    old, find, asked = (await shop.payment(first)).reference, shop.desk.till.provider.find, asyncio.Event()

    async def slow(reference: str) -> Found:
        if reference == old:
            asked.set()
            await asyncio.Event().wait()
        return await find(reference)

    shop.desk.till.provider.find = slow  # type: ignore[method-assign]
    running = asyncio.create_task(shop.cashier.run())
    async with asyncio.timeout(20):
        await asked.wait()
        await shop.world.tell("cdrs", said.said("cdr", cdr(shop.world, driver, second, "C2"), "2.2.1"))
        while (await shop.payment(second)).state != states.CAPTURED:
            await shop.node.store.changed(await shop.node.store.look(), 0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
