"""A driver's cards: ordered, sent, blocked; what is charged with one appears as a drive by itself, with its price, cost and receipt."""

from typing import Any

import pytest

from interplug.drivers import accounts, cards
from interplug.drivers.billing import NEGATIVE
from interplug.drivers.drives import new_driver, start
from interplug.drivers.plugs import NotPossible
from interplug.drivers.receipt import live, receipt
from interplug.store.cards import Card
from interplug.store.drivers import Drive, Driver
from tests.drivers.played import UID, World, session
from tests.drivers.test_reserving import reserved, station
from tests.modules import said
from tests.nodes import befriend

HOME = "Ann Example\nStreet 1\n10115 Berlin"


@pytest.fixture
async def card(world: World, driver: Driver) -> Card:
    ordered = await cards.order(world.node, driver, "blue", HOME)
    return await cards.sent(world.node, ordered.id, UID)


def tapped(world: World, driver: Driver, **more: Any) -> dict[str, Any]:
    """A Session that began with the card: no reference of ours, for nobody asked for it here."""
    token = {"country_code": "DE", "party_id": "ABC", "uid": UID, "type": "RFID", "contract_id": driver.contract_id}
    document = said.theirs(said.session(location_id="L1", evse_uid="E1", connector_id="1", cdr_token=token, status="ACTIVE"))
    document |= {"start_date_time": world.clock.text(), "last_updated": world.clock.text(), **more}
    document.pop("authorization_reference", None)
    return said.said("session", document, "2.2.1")


def cdr(world: World, driver: Driver, **more: Any) -> dict[str, Any]:
    token = {"country_code": "DE", "party_id": "ABC", "uid": UID, "type": "RFID", "contract_id": driver.contract_id}
    document = said.theirs(said.cdr(cdr_token=token, **more))
    document.pop("authorization_reference", None)
    document |= {"start_date_time": world.clock.text(), "end_date_time": world.clock.text(1800)}
    return said.said("cdr", document, "2.2.1")


async def drives(world: World, driver: Driver) -> list[Drive]:
    return await world.node.store.read(lambda tx: tx.drivers.of_driver(driver.id))


async def asked(world: World, uid: str = UID) -> dict[str, Any]:
    answer = await world.partner.fetch(f"tokens/{uid}/authorize", "POST")
    assert isinstance(answer.data, dict)
    return answer.data


async def test_a_card_is_a_token_of_the_drivers_contract_once_it_is_sent(world: World, driver: Driver) -> None:
    ordered = await cards.order(world.node, driver, "blue", HOME)
    assert await world.node.store.read(lambda tx: cards.cards_of(tx, world.node, driver.id)) == []
    await cards.sent(world.node, ordered.id, UID)
    (shown,) = await world.node.store.read(lambda tx: cards.cards_of(tx, world.node, driver.id))
    assert (shown.uid, shown.valid, shown.card.label, shown.card.contract_id) == (UID, True, "blue", driver.contract_id)
    kept = await world.node.store.read(lambda tx: tx.cards.get_order(ordered.id))
    assert kept is not None and kept.address == ""


async def test_no_card_is_given_twice(world: World, driver: Driver, card: Card) -> None:
    other = await cards.order(world.node, await new_driver(world.node), "mine", HOME)
    for uid, why in ((UID.lower(), "already"), ("nonsense", "hexadecimal"), (driver.token_uid.lower(), "already")):
        with pytest.raises(NotPossible, match=why):
            await cards.sent(world.node, other.id, uid)
    still = await world.node.store.read(lambda tx: tx.cards.get_order(other.id))
    assert still is not None and still.state == "ordered" and still.address == HOME


async def test_an_order_can_be_cancelled_by_its_driver_alone_and_until_it_is_sent(world: World, driver: Driver) -> None:
    ordered = await cards.order(world.node, driver, "blue", HOME)
    with pytest.raises(NotPossible):
        await cards.cancel(world.node, "somebody", ordered.id)
    await cards.cancel(world.node, driver.id, ordered.id)
    for again in (cards.cancel(world.node, driver.id, ordered.id), cards.sent(world.node, ordered.id, UID)):
        with pytest.raises(NotPossible):
            await again


async def test_a_blocked_card_is_refused_at_once_and_good_again_when_it_is_found(world: World, driver: Driver, card: Card) -> None:
    assert (await asked(world))["allowed"] == "ALLOWED"
    before, _, _ = await world.node.store.news(0, 1000, ("tokens",))
    await world.node.store.write(lambda tx: cards.block(tx, world.node, card, True))
    assert (await asked(world))["allowed"] == "BLOCKED"
    news, _, _ = await world.node.store.news(max(one.no for one in before), 1000, ("tokens",))
    assert [one.key.id for one in news] == [card.uid]  # which is what push goes by
    await world.node.store.write(lambda tx: cards.block(tx, world.node, card, False))
    assert (await asked(world))["allowed"] == "ALLOWED"


async def test_what_is_charged_with_a_card_is_a_drive_with_price_cost_and_receipt(world: World, driver: Driver, card: Card) -> None:
    await world.tell("sessions", tapped(world, driver))
    (drive,) = await drives(world, driver)
    assert (drive.state, drive.token, drive.evse) == ("CHARGING", UID.lower(), "E1")
    assert (await live(world.node, drive)).kwh is not None
    await world.tell("sessions", tapped(world, driver, status="COMPLETED", end_date_time=world.clock.text()))
    await world.tell("cdrs", cdr(world, driver))
    (drive,) = await drives(world, driver)
    assert drive.state == "BILLED"
    bill = await receipt(world.node, drive)
    assert bill is not None and bill.total is not None
    (found,) = await world.node.store.read(lambda tx: tx.bills.ended(0, 2**62))
    assert (found.drive, found.contract) == (drive.id, driver.contract_id)
    assert await world.node.store.read(lambda tx: tx.payments.of_drive(drive.id)) is None  # so it is for the monthly invoice


@pytest.mark.parametrize("more", [{"total_energy": -5}, {"total_cost": {"before_taxes": -3}}])
async def test_a_cdr_of_less_than_nothing_makes_no_drive_of_a_card(world: World, driver: Driver, card: Card, more: dict[str, Any]) -> None:
    await world.tell("cdrs", cdr(world, driver, **more))
    assert await drives(world, driver) == []
    (found,) = await world.node.store.read(lambda tx: tx.bills.ended(0, 2**62))
    assert (found.reason, found.kwh, found.sold_currency) == (NEGATIVE, 0, "")


async def test_a_cdr_that_comes_before_its_session_makes_the_same_drive(world: World, driver: Driver, card: Card) -> None:
    await world.tell("cdrs", cdr(world, driver, session_id=None))
    await world.tell("sessions", tapped(world, driver, status="COMPLETED", end_date_time=world.clock.text()))
    (drive,) = await drives(world, driver)
    assert drive.state == "BILLED" and drive.session and drive.cdr


async def test_what_is_nobodys_or_was_never_makes_no_drive(world: World, driver: Driver, card: Card) -> None:
    await world.tell("sessions", tapped(world, driver, status="INVALID"))
    assert await drives(world, driver) == []
    world.clock.move(-3600)  # before the card was this driver's
    await world.tell("sessions", tapped(world, driver, id="S9"))
    assert await drives(world, driver) == []


async def test_a_start_that_failed_long_ago_does_not_take_the_session_of_a_card(world: World, driver: Driver, card: Card) -> None:
    world.cpo.word = "REJECTED"
    failed = await start(world.node, driver, await world.plug())
    world.clock.move(86_400)
    await world.tell("sessions", tapped(world, driver))
    newest, first = await drives(world, driver)
    assert (first.id, first.state, newest.state) == (failed.id, "FAILED", "CHARGING")


async def test_a_guest_who_comes_to_an_account_brings_what_is_charged_and_what_may_still_come(world: World, driver: Driver) -> None:
    account = await accounts.open_account(world.node, "", email="ann@example.org")
    drive = await start(world.node, driver, await world.plug())
    await world.node.store.write(lambda tx: accounts.bring(tx, driver.id, account.driver))
    await world.tell("sessions", session(world, driver, drive, authorization_reference=None))
    owner = await world.node.store.read(lambda tx: tx.drivers.driver(account.driver))
    assert owner is not None
    (found,) = await drives(world, owner)
    assert (found.id, found.state) == (drive.id, "CHARGING")
    assert await world.node.store.read(lambda tx: tx.drivers.driver(driver.id)) is None


async def test_nobody_takes_what_belongs_to_an_account(world: World, driver: Driver) -> None:
    await accounts.open_account(world.node, driver.id, email="ann@example.org")
    other = await accounts.open_account(world.node, "", email="bob@example.org")
    await world.node.store.write(lambda tx: accounts.bring(tx, driver.id, other.driver))
    assert await world.node.store.read(lambda tx: tx.drivers.driver(driver.id)) is not None
    with pytest.raises(NotPossible):
        await accounts.open_account(world.node, driver.id, email="eve@example.org")
    with pytest.raises(accounts.Taken):
        await accounts.open_account(world.node, "", email="bob@example.org")


async def test_who_is_erased_leaves_bills_of_nobody_and_tokens_that_are_good_no_longer(world: World, driver: Driver, card: Card) -> None:
    await accounts.open_account(world.node, driver.id, email="ann@example.org")
    await world.tell("sessions", tapped(world, driver))
    with pytest.raises(NotPossible, match="charging"):
        await accounts.erase(world.node, driver.id)
    await world.tell("sessions", tapped(world, driver, status="COMPLETED", end_date_time=world.clock.text()))
    erased = await accounts.erase(world.node, driver.id)
    assert erased.contracts == (driver.contract_id,) and erased.drives == 1
    assert await drives(world, driver) == []
    assert (await asked(world))["allowed"] == "BLOCKED"
    assert await world.node.store.read(lambda tx: tx.accounts.by_email("ann@example.org")) is None
    await world.tell("cdrs", cdr(world, driver))  # what comes late is billed all the same
    (bill,) = await world.node.store.read(lambda tx: tx.bills.ended(0, 2**62))
    assert bill.drive and bill.sold_currency


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" Ann@Example.ORG ", "ann@example.org"),
        ("a@b", None),
        ("a b@c.de", None),
        ("a@b.de\nBcc: x@y.de", None),
        ("", None),
        ("@b.de", None),
    ],
)
def test_an_address_is_one_or_none(text: str, kept: str | None) -> None:
    assert accounts.email_of(text) == kept


async def test_an_operator_of_2_1_1_names_the_contract_and_the_card_is_found(world: World, driver: Driver, card: Card) -> None:
    world.partner = await befriend(world.node, "2.1.1", parties=(("CPO", "NL", "OLD"),), name="old")
    place = said.location(country_code="NL", party_id="OLD", evses=[said.evse(status="AVAILABLE")])
    await tell_old(world, "locations", said.said("location", place, "2.1.1"))
    token = {"country_code": "DE", "party_id": "ABC", "uid": UID, "type": "RFID", "contract_id": driver.contract_id}
    document = said.session(country_code="NL", party_id="OLD", id="S9", cdr_token=token, status="ACTIVE", location_id="L1", evse_uid="E1")
    document |= {"start_date_time": world.clock.text(), "last_updated": world.clock.text()}
    await tell_old(world, "sessions", said.said("session", document, "2.1.1", location=place))
    (drive,) = await drives(world, driver)
    assert (drive.state, drive.token) == ("CHARGING", UID.lower())


async def tell_old(world: World, module: str, document: dict[str, Any]) -> None:
    answer = await world.partner.send("PUT", f"{module}/NL/OLD/{document['id']}", document)
    assert answer.ok, answer.message
    await world.follower.tick()


@pytest.mark.parametrize("how", [{"status": "PENDING", "kwh": 0}, {"status": "COMPLETED", "kwh": 0}])
async def test_how_an_operator_tells_of_a_reservation_is_no_charge_with_a_card(
    world: World, driver: Driver, card: Card, how: dict[str, Any]
) -> None:
    await station(world)
    await reserved(world, driver)
    document = tapped(world, driver, **how)
    await world.tell("sessions", document)
    assert await drives(world, driver) == []
    await world.tell("sessions", {**document, "status": "ACTIVE", "kwh": 1, "last_updated": world.clock.text(1)})
    assert [one.token for one in await drives(world, driver)] == [card.uid], "until something is charged"
