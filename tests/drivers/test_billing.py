"""Two contracts, two prices: what is bought from a partner and sold to a driver, from the start to the credit CDR."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.charges.checking import Checker
from interplug.drivers.billing import AT_HOME, DOUBLED, NEGATIVE, NOBODYS, NOT_HERE, TWICE, Biller
from interplug.drivers.deals import pinned
from interplug.drivers.drives import start
from interplug.drivers.margins import margin, margins
from interplug.drivers.offers import read_offer
from interplug.drivers.plugs import NotPossible
from interplug.drivers.receipt import Receipt, live, receipt
from interplug.model.types import decode_json
from interplug.store.bills import Bill
from interplug.store.drivers import Drive, Driver
from interplug.store.keys import Key
from tests.drivers.played import RETAIL, World, cdr, energy, session, told_price
from tests.modules import said
from tests.nodes import own

D = Decimal


async def offer(world: World, id: str = "OURS", **more: Any) -> None:
    made = read_offer({"id": id, **more})
    await world.node.store.write(lambda tx: tx.offers.put(id, made.document(), world.clock()))
    world.clock.move(1)


async def begun(world: World, driver: Driver) -> Drive:
    return await start(world.node, driver, await world.plug())


async def billed(world: World, document: dict[str, Any]) -> Bill:
    await world.tell("cdrs", said.said("cdr", document, "2.2.1"))
    found = await world.node.store.read(lambda tx: tx.bills.named(world.partner.connection.id, document["id"].lower()))
    assert found is not None
    return found


async def receipt_of(world: World, drive: Drive) -> Receipt:
    found = await receipt(world.node, await world.now(drive))
    assert found is not None
    return found


def sums(lines: Any, side: str = "excl") -> Decimal:
    return sum((D(line[side]) for line in lines), D(0))


@pytest.mark.parametrize(
    ("terms", "net", "gross", "gain"),
    [
        ({"countries": ["NL"], "operators": ["BE-XYZ"], "partners": ["partner"], "fee": {"percentage": 20}}, "3.6", "4.356", "0.60"),
        ({"countries": ["BE"], "fee": {"percentage": 20}}, "3", "3.63", "0"),
        (None, "3.0000", "3.6300", "0"),
        ({"fee": {"percentage": 10}}, "3.3000", "3.9930", "0.30"),
        ({"fee": {"per_session": D("0.35"), "per_kwh": D("0.02"), "currency": "EUR"}}, "3.5500", "4.2955", "0.55"),
        ({"fee": {"percentage": -10}}, "2.7000", "3.2670", "-0.30"),
        ({"tariff": RETAIL}, "5.0000", "6.0500", "2.00"),
    ],
)
async def test_what_is_sold_stands_beside_what_is_bought(
    world: World, driver: Driver, terms: dict[str, Any] | None, net: str, gross: str, gain: str
) -> None:
    await told_price(world, "0.30")
    if terms is not None:
        await offer(world, **terms)
    drive = await begun(world, driver)
    bill = await billed(world, cdr(world, driver, drive))
    assert (bill.bought_net, bill.bought_gross) == (D(3), D("3.63"))
    assert (bill.sold_net, bill.sold_gross, bill.sold_currency) == (D(net), D(gross), "EUR")
    assert margin(bill) == (D(gain), "")
    shown = await receipt_of(world, drive)
    assert shown.total is not None and (shown.total.net, shown.total.gross) == (D(net), D(gross))
    assert (sums(shown.lines), sums(shown.lines, "incl")) == (D(net), D(gross))


async def test_the_price_of_the_start_holds_whatever_changes_meanwhile(world: World, driver: Driver) -> None:
    """The operator bills another tariff, and our offer is another one by then."""
    await told_price(world, "0.30")
    await offer(world, fee={"percentage": 10})
    drive = await begun(world, driver)
    assert pinned(drive).price == "€0.3993 per kWh"
    await told_price(world, "9.00")
    await offer(world, fee={"percentage": 100})
    bill = await billed(world, cdr(world, driver, drive, price="9.00"))
    assert (bill.bought_net, bill.sold_net) == (D(90), D("3.3"))
    assert margin(bill)[0] == D("-86.7")


async def test_a_station_that_is_told_of_no_more_still_has_its_clock(world: World, driver: Driver) -> None:
    """In its first hour of the day another price holds; by the clock of its country that hour is over."""
    world.clock.move(1)
    now = world.clock.text()
    place = said.location(evses=[said.evse(status="AVAILABLE", last_updated=now)], time_zone="Europe/Lisbon", last_updated=now)
    await world.tell("locations", said.said("location", said.theirs(place), "2.2.1"))
    night = {**energy("0.10"), "restrictions": {"start_time": "00:00", "end_time": "01:00"}}
    await offer(world, tariff={"currency": "EUR", "tax_included": "NO", "elements": [night, energy("0.50")]})
    drive = await begun(world, driver)
    key = Key("locations", drive.connection, drive.country, drive.party, drive.place)
    await world.node.store.write(lambda tx: tx.objects.remove(key))
    there = {**said.cdr()["cdr_location"], "id": drive.place}
    document = cdr(world, driver, drive, price=None, cdr_location=there, end_date_time=world.clock.text(1800))
    assert (await billed(world, document)).sold_net == 1


async def test_an_offer_of_our_own_hides_the_operators_price(world: World, driver: Driver) -> None:
    await offer(world, tariff=RETAIL)
    drive = await begun(world, driver)
    assert pinned(drive).price == "€0.605 per kWh"
    bill = await billed(world, cdr(world, driver, drive, price=None))
    assert (bill.bought_net, bill.sold_net) == (3, 5)
    shown = await receipt_of(world, drive)
    assert not shown.deal.passes and [line["tariff"] for line in shown.lines] == [""]


async def test_a_price_that_has_changed_since_it_was_seen_starts_nothing(world: World, driver: Driver) -> None:
    await told_price(world, "0.30")
    with pytest.raises(NotPossible, match="price has just changed"):
        await start(world.node, driver, await world.plug(), "none")
    assert world.cpo.asked == []


async def test_where_no_tariff_is_known_the_operators_own_figure_passes_through(world: World, driver: Driver) -> None:
    await offer(world, fee={"percentage": 10, "per_session": 1, "currency": "EUR"})
    drive = await begun(world, driver)
    deal = pinned(drive)
    assert (deal.price, deal.on_top) == ("", "+10 %, service fee €1.00 per session plus taxes")
    await world.tell("sessions", session(world, driver, drive, kwh=5, total_cost={"excl_vat": 2.5, "incl_vat": 3}))
    cost = (await live(world.node, await world.now(drive))).cost
    assert cost is not None and (cost.net, cost.gross) == (D("3.75"), None)
    bill = await billed(world, cdr(world, driver, drive, price=None))
    assert (bill.sold_net, bill.sold_gross) == (D("4.3"), None)


@pytest.mark.parametrize("told", ["a tariff before the start", "a tariff in the bill", "a total alone"])
async def test_a_tax_that_an_operator_cannot_tell_is_that_of_the_offer(world: World, driver: Driver, told: str) -> None:
    """From the price in words to the receipt; what was bought stays as it was told."""
    plain = [{"price_components": [{"type": "ENERGY", "price": D("0.30"), "step_size": 1}]}]
    if told == "a tariff before the start":
        await told_price(world, "0.30", elements=plain)
    await offer(world, countries=["NL"], missing_vat=21)
    drive = await begun(world, driver)
    if told == "a tariff before the start":
        assert (pinned(drive).price, pinned(drive).tax_rates) == ("€0.363 per kWh", (21,))
    await world.tell("sessions", session(world, driver, drive, kwh=5, total_cost={"excl_vat": D("1.5")}))
    cost = (await live(world.node, await world.now(drive))).cost
    assert cost is not None and (cost.net, cost.gross) == (D("1.5"), D("1.815"))
    document = cdr(world, driver, drive, price=None, total_cost={"before_taxes": D(3)})
    if told == "a tariff in the bill":
        document["tariffs"] = [said.theirs(said.tariff("T", elements=plain))]
    bill = await billed(world, document)
    assert (bill.bought_net, bill.bought_gross, bill.sold_net, bill.sold_gross) == (D(3), None, D(3), D("3.63"))
    shown = await receipt_of(world, drive)
    assert [line["percentage"] for line in shown.lines] == ["21"] and sums(shown.lines, "incl") == D("3.63")


async def test_a_cdr_that_names_the_tariff_first_is_priced_with_it(world: World, driver: Driver) -> None:
    """The operator claims 99; its tariff and the meter give 3. The rest is between the operator and us."""
    drive = await begun(world, driver)
    bill = await billed(world, cdr(world, driver, drive, total_cost={"before_taxes": 99}))
    assert (bill.bought_net, bill.sold_net) == (99, 3)
    assert (await receipt_of(world, drive)).checked.verdict == "mismatch"


async def test_the_running_cost_follows_the_offer(world: World, driver: Driver) -> None:
    await told_price(world, "0.30")
    await offer(world, tariff=RETAIL)
    drive = await begun(world, driver)
    await world.tell("sessions", session(world, driver, drive, kwh=7, total_cost={"excl_vat": 2.1}))
    cost = (await live(world.node, await world.now(drive))).cost
    assert cost is not None and (cost.net, cost.gross) == (D("3.5"), D("4.235"))


async def test_the_running_cost_of_a_price_that_passes_through_is_the_operators_own_figure(world: World, driver: Driver) -> None:
    await told_price(world, "0.30")
    drive = await begun(world, driver)
    await world.tell("sessions", session(world, driver, drive, kwh=10, total_cost={"excl_vat": 2.9}))
    cost = (await live(world.node, await world.now(drive))).cost
    assert cost is not None and (cost.net, cost.gross) == (D("2.9"), None)
    await world.tell("sessions", session(world, driver, drive, kwh=10, total_cost=None, last_updated=world.clock.text(1)))
    cost = (await live(world.node, await world.now(drive))).cost
    assert cost is not None and cost.net == 3


async def test_nothing_costs_nothing_with_taxes_too(world: World, driver: Driver) -> None:
    """An operator names no taxes where there is nothing to tax."""
    drive = await begun(world, driver)
    await world.tell("sessions", session(world, driver, drive, kwh=0, total_cost={"excl_vat": 0}))
    cost = (await live(world.node, await world.now(drive))).cost
    assert cost is not None and (cost.net, cost.gross) == (0, 0)


async def test_the_running_cost_has_the_tax_of_the_fee_that_was_shown(world: World, driver: Driver) -> None:
    await told_price(world, "0.30")
    await offer(world, fee={"per_session": D("0.35"), "currency": "EUR"})
    drive = await begun(world, driver)
    assert "0.4235" in pinned(drive).price
    await world.tell("sessions", session(world, driver, drive, kwh=10, total_cost={"excl_vat": 3, "incl_vat": D("3.63")}))
    cost = (await live(world.node, await world.now(drive))).cost
    assert cost is not None and (cost.net, cost.gross) == (D("3.35"), D("4.0535"))


async def test_a_period_is_divided_where_our_own_tariff_changes(world: World, driver: Driver) -> None:
    """The operator has no reason to cut it there."""
    steps = [energy("0.20") | {"restrictions": {"max_kwh": 4}}, energy("1")]
    await offer(world, tariff={**RETAIL, "elements": steps})
    bill = await billed(world, cdr(world, driver, await begun(world, driver)))
    assert bill.sold_net == D("6.8")


async def test_a_session_that_began_by_another_clock_before_our_tariff_did_is_priced_by_it(world: World, driver: Driver) -> None:
    await offer(world, tariff={**RETAIL, "start_date_time": world.clock.text(-5)})
    drive = await begun(world, driver)
    bill = await billed(world, cdr(world, driver, drive, start_date_time=world.clock.text(-60)))
    assert bill.sold_net == 5


async def test_the_running_cost_is_unknown_where_nobody_can_tell(world: World, driver: Driver) -> None:
    drive = await begun(world, driver)
    await world.tell("sessions", session(world, driver, drive, kwh=7, total_cost=None))
    assert (await live(world.node, await world.now(drive))).cost is None


@pytest.mark.parametrize("credit_first", [False, True])
async def test_a_credit_cdr_takes_the_bill_back_and_another_one_takes_its_place(world: World, driver: Driver, credit_first: bool) -> None:
    await told_price(world, "0.30")
    await offer(world, fee={"percentage": 10})
    drive = await begun(world, driver)
    first = cdr(world, driver, drive)
    credit = cdr(world, driver, drive, "C1-C", credit=True, credit_reference_id="c1", total_cost={"before_taxes": -3})
    if credit_first:
        assert (await billed(world, credit)).reason == NOT_HERE
    await billed(world, first)
    back = await billed(world, credit) if not credit_first else await _named(world, "c1-c")
    assert (back.bought_net, back.sold_net, back.kwh) == (-3, D("-3.3"), -10)
    shown = await receipt_of(world, drive)
    assert shown.taken_back and shown.total is not None and (shown.total.net, shown.total.gross) == (0, 0)
    assert sums(shown.lines) == 0
    await billed(world, cdr(world, driver, drive, "C2", kwh=8))
    shown = await receipt_of(world, drive)
    assert not shown.taken_back and shown.total is not None and shown.total.net == D("2.64")
    (row,) = margins(await world.node.store.read(lambda tx: tx.bills.ended(0, 2**62)))
    assert (row.cdrs, row.kwh, row.bought, row.sold, row.margin) == (3, 8, D("2.4"), D("2.64"), D("0.24"))


@pytest.mark.parametrize("credits_first", [False, True])
async def test_two_credit_cdrs_give_the_drivers_money_back_once(world: World, driver: Driver, credits_first: bool) -> None:
    drive = await begun(world, driver)
    named: dict[str, Any] = {"credit": True, "credit_reference_id": "C1", "total_cost": {"before_taxes": -3}}
    documents = [cdr(world, driver, drive), *(cdr(world, driver, drive, f"C1-{name}", **named) for name in "ab")]
    for document in documents[1:] + documents[:1] if credits_first else documents:
        await billed(world, document)
    first, second = await _named(world, "c1-a"), await _named(world, "c1-b")
    assert (first.sold_net, first.kwh, second.sold_net, second.kwh, second.reason) == (-3, -10, None, 0, TWICE)
    shown = await receipt_of(world, drive)
    assert shown.taken_back and shown.total is not None and shown.total.net == 0
    (row,) = margins(await world.node.store.read(lambda tx: tx.bills.ended(0, 2**62)))
    assert (row.kwh, row.bought, row.sold, row.bought_unknown, row.reasons) == (0, 0, 0, -3, {TWICE: 1})


@pytest.mark.parametrize("checked_first", [False, True])
async def test_a_second_cdr_for_one_charge_is_sold_to_nobody_as_long_as_the_first_stands(
    world: World, driver: Driver, checked_first: bool
) -> None:
    """The check of CDRs and the bills read the log each at its own pace."""
    checker = Checker(world.node)
    await checker.start()
    await told_price(world, "0.30")
    await offer(world, fee={"percentage": 10})
    drive = await begun(world, driver)
    await world.tell("sessions", session(world, driver, drive))
    first = await billed(world, cdr(world, driver, drive, session_id="S1"))
    if checked_first:
        await checker.tick()
    second = await billed(world, cdr(world, driver, drive, "C2", session_id="S1", kwh=8))
    assert (first.sold_net, second.bought_net, second.sold_net, second.kwh, second.reason) == (D("3.3"), D("2.4"), None, 0, DOUBLED)
    nobodys, sold = margins([first, second])
    assert (sold.kwh, sold.bought, sold.sold, sold.unknown) == (10, 3, D("3.3"), 0)
    assert (nobodys.kwh, nobodys.sold, nobodys.bought_unknown, nobodys.reasons) == (0, 0, D("2.4"), {DOUBLED: 1})
    shown = await receipt_of(world, drive)
    assert (shown.cdr["id"], shown.kwh, shown.taken_back) == ("C1", 10, False)
    await Biller(world.node).tick()
    assert (await _named(world, "c2"), (await receipt_of(world, drive)).cdr["id"]) == (second, "C1")
    await checker.tick()
    check = await world.node.store.read(lambda tx: tx.checks.get(second.cdr))
    assert check is not None and "doubled" in check.verdicts
    # With the first one taken back, the second is the bill.
    back = {"credit": True, "credit_reference_id": "C1", "total_cost": {"before_taxes": -3}}
    await billed(world, cdr(world, driver, drive, "C1-C", session_id="S1", **back))
    second = await _named(world, "c2")
    assert (second.sold_net, second.kwh, second.reason) == (D("2.64"), 8, "")
    shown = await receipt_of(world, drive)
    assert (shown.cdr["id"], shown.taken_back) == ("C2", False) and shown.total is not None and shown.total.net == D("2.64")


async def test_two_currencies_have_no_margin(world: World, driver: Driver) -> None:
    await told_price(world, "0.30")
    await offer(world, tariff={**RETAIL, "currency": "SEK"})
    bill = await billed(world, cdr(world, driver, await begun(world, driver)))
    assert (bill.sold_net, bill.sold_currency, bill.bought_currency) == (5, "SEK", "EUR")
    found, reason = margin(bill)
    assert found is None and "EUR, SEK" in reason
    (row,) = margins([bill])
    assert (row.unknown, row.bought, row.sold, row.bought_unknown) == (1, 0, 0, 3)


async def test_a_fee_in_another_currency_than_the_bill_makes_the_price_unknown(world: World, driver: Driver) -> None:
    await offer(world, fee={"per_session": 1, "currency": "SEK"})
    drive = await begun(world, driver)
    bill = await billed(world, cdr(world, driver, drive))
    assert bill.sold_net is None and margin(bill) == (None, "the fee is in SEK, the operator's bill in EUR")
    shown = await receipt_of(world, drive)
    assert shown.total is None and "SEK" in shown.reason


async def test_taxes_that_the_operator_does_not_tell_stay_unknown(world: World, driver: Driver) -> None:
    await offer(world, fee={"percentage": 10})
    drive = await begun(world, driver)
    bill = await billed(world, cdr(world, driver, drive, price=None, total_cost={"before_taxes": 3}))
    assert (bill.sold_net, bill.sold_gross, margin(bill)[0]) == (D("3.3"), None, D("0.3"))


async def test_a_fee_for_each_kwh_takes_them_from_the_totals_where_the_periods_do_not_tell(world: World, driver: Driver) -> None:
    await offer(world, fee={"per_kwh": D("0.02"), "currency": "EUR"})
    drive = await begun(world, driver)
    hour = {"start_date_time": world.clock.text(), "dimensions": [{"type": "TIME", "volume": D("0.5")}]}
    bill = await billed(world, cdr(world, driver, drive, price=None, charging_periods=[hour]))
    assert bill.sold_net == D("3.2")
    later = {**hour, "start_date_time": world.clock.text(1800)}
    next_day = {"start_date_time": world.clock.text(86_400), "end_date_time": world.clock.text(90_000)}
    bill = await billed(world, cdr(world, driver, drive, "C2", price=None, charging_periods=[hour, later], **next_day))
    assert bill.sold_net is None and "ENERGY by period" in bill.reason


# --- cards: nobody was shown a price


async def carded(world: World, **more: Any) -> None:
    """CARD is a Token of ours."""
    await own(world.node, "tokens", said.token("CARD", country_code="DE", party_id="ABC", contract_id="DE-ABC-C1", type="RFID", **more))


CARD = {"country_code": "DE", "party_id": "ABC", "uid": "CARD", "type": "RFID", "contract_id": "DE-ABC-C1"}


async def test_a_card_pays_the_offer_that_held_when_its_session_started(world: World, driver: Driver) -> None:
    await carded(world, group_id="FLEET")
    await offer(world, "FLEET", groups=["FLEET"], operators=["BE-XYZ"], fee={"percentage": 10})
    started = world.clock.text()
    world.clock.move(60)
    await offer(world, "FLEET", groups=["FLEET"], fee={"percentage": 50})
    bill = await billed(world, cdr(world, driver, None, cdr_token=CARD, start_date_time=started))
    assert (bill.offer, bill.contract, bill.drive, bill.sold_net) == ("FLEET", "DE-ABC-C1", "", D("3.3"))
    world.clock.move(3600)
    later = await billed(world, cdr(world, driver, None, "C2", cdr_token=CARD))
    assert later.sold_net == D("4.5")


async def test_a_token_that_is_none_of_ours_is_sold_to_nobody(world: World, driver: Driver) -> None:
    await told_price(world, "0.30")
    await offer(world, fee={"percentage": 10})
    bill = await billed(world, cdr(world, driver, None, cdr_token=CARD))
    assert (bill.bought_net, bill.sold_net, bill.lines, margin(bill)) == (3, None, b"[]", (None, NOBODYS))
    (row,) = margins([bill])
    assert (row.sold, row.bought, row.unknown, row.bought_unknown, row.reasons) == (0, 0, 1, 3, {NOBODYS: 1})


async def test_the_power_of_a_plug_is_looked_up_for_a_card(world: World, driver: Driver) -> None:
    await told_price(world, "0.30")
    place = {**said.cdr()["cdr_location"], "id": "L1", "evse_uid": "E1", "connector_id": "1"}
    await carded(world)
    await offer(world, "ANY", fee={"percentage": 10})
    await offer(world, "STRONG", min_kw=1, fee={"percentage": 20})
    bill = await billed(world, cdr(world, driver, None, cdr_token=CARD, cdr_location=place))
    unknown = await billed(world, cdr(world, driver, None, "C2", cdr_token=CARD, cdr_location={**place, "evse_uid": "E9"}))
    assert (bill.offer, unknown.offer) == ("STRONG", "ANY")


async def test_the_drivers_own_station_is_not_sold_to_the_driver(world: World, driver: Driver) -> None:
    await carded(world)
    document = cdr(world, driver, None, cdr_token=CARD)
    await world.tell("cdrs", said.said("cdr", document, "2.2.1"))
    assert (await _named(world, "c1")).sold_net == 3
    world.clock.move(3600)
    document = cdr(world, driver, None, cdr_token=CARD)
    await world.tell("cdrs", said.said("cdr", {**document, "id": "C2", "home_charging_compensation": True}, "2.2.1"))
    assert (await _named(world, "c2")).reason == AT_HOME


# --- the reader


async def test_a_bill_stands_as_it_was_made(world: World, driver: Driver) -> None:
    """A reader that has lost its cursor begins again, and bills nothing anew."""
    await carded(world)
    bill = await billed(world, cdr(world, driver, None, cdr_token=CARD))
    await world.node.store.write(lambda tx: tx.offers.put("LATE", read_offer({"id": "LATE", "fee": {"percentage": 10}}).document(), 0))
    await Biller(world.node).tick()
    assert await _named(world, "c1") == bill


async def test_after_a_restart_the_reader_goes_on(world: World, driver: Driver) -> None:
    await billed(world, cdr(world, driver, None, cdr_token=CARD))
    again = Biller(world.node)
    await again.reader.start()
    assert again.reader.position == world.biller.reader.position > 0


async def test_a_correction_finds_its_drive_by_the_session(world: World, driver: Driver) -> None:
    """An operator that does not give the reference back."""
    drive = await begun(world, driver)
    await world.tell("sessions", session(world, driver, drive))
    known = {"authorization_reference": None, "session_id": "S1"}
    assert (await billed(world, cdr(world, driver, drive, **known))).drive == drive.id
    assert (await billed(world, cdr(world, driver, drive, "C2", **known))).drive == drive.id
    assert (await world.now(drive)).cdr == (await _named(world, "c1")).cdr
    assert decode_json((await world.now(drive)).offer) is None


async def _named(world: World, name: str) -> Bill:
    found = await world.node.store.read(lambda tx: tx.bills.named(world.partner.connection.id, name))
    assert found is not None
    return found


@pytest.mark.parametrize("more", [{"kwh": -10}, {"kwh": 0, "total_cost": {"before_taxes": -3}, "price": None}])
async def test_a_cdr_that_comes_to_less_than_nothing_and_is_no_credit_gives_nobody_money(
    world: World, driver: Driver, more: dict[str, Any]
) -> None:
    drive = await begun(world, driver)
    bill = await billed(world, cdr(world, driver, drive, **more))
    assert (bill.reason, bill.sold_currency, bill.kwh) == (NEGATIVE, "", 0)
    assert not (await world.now(drive)).cdr, "as if it had not come"


async def test_a_currency_that_an_operator_writes_small_is_the_same_one(world: World, driver: Driver) -> None:
    await offer(world, fee={"per_session": D("0.35"), "currency": "EUR"})
    bill = await billed(world, cdr(world, driver, await begun(world, driver), price=None, currency="eur"))
    assert (bill.bought_currency, bill.sold_currency, bill.sold_net, bill.reason) == ("EUR", "EUR", D("3.35"), "")
    assert margin(bill) == (D("0.35"), "")
