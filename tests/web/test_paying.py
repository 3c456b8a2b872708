"""Paying on the driver's pages: what is shown before, the pay step, the provider's own page, webhooks, and what the receipt says."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from pypdf import PdfReader

from interplug.config import Payments
from interplug.drivers.cashier import Cashier
from interplug.drivers.offers import read_offer
from interplug.payments.port import Found, NoAnswer
from interplug.payments.service import delivery
from interplug.payments.trial import TestProvider
from interplug.protocol.http import Request, Response, Unreachable
from interplug.store.tx import Tx
from interplug.web.driver.pages import Pages
from tests.drivers.played import RETAIL, World, cdr
from tests.modules import said
from tests.payments.standing import CHALLENGED, DECLINED, GOOD
from tests.web.starting import begin, words
from tests.web.visiting import Answer, Visit


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"payments": Payments(provider="test", webhook_secret="s")}


@pytest.fixture
async def world(world: World) -> World:
    """Its price is our own."""
    offer = read_offer({"id": "OURS", "tariff": RETAIL})
    await world.node.store.write(lambda tx: tx.offers.put("OURS", offer.document(), world.clock() - 1))
    return world


def place(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


async def entered(visit: Visit, drive: str, card: str, proof: str = "yes", *, remember: bool = False) -> Answer:
    """Follows the pay button, enters the card, answers the challenge, and comes back."""
    form = await visit.get(place((await visit.get(f"{drive}/pay")).header("location")))
    fields = {"secret": form.field("secret"), "card": card, **({"remember": "yes"} if remember else {})}
    answer = await visit.post(place(re.findall(r'action="([^"]+)"', form.text)[0]), fields)
    where = place(answer.header("location"))
    if "/challenge/" in where:
        asked = await visit.get(where)
        assert 'id="yes"' in asked.text
        answer = await visit.post(place(re.findall(r'action="([^"]+)"', asked.text)[0]), {"secret": asked.field("secret"), "answer": proof})
        where = place(answer.header("location"))
    return await visit.get(where)


async def test_what_will_be_held_is_said_before_the_start(visit: Visit) -> None:
    station = (await visit.get("/stations.json")).json["stations"][0]["id"]
    assert "€37.00 will be held on your card before the start. You pay what you use." in words(await visit.get(f"/stations/{station}"))
    plugs = (await visit.get(f"/stations/{station}.json")).json["evses"][0]["connectors"]
    assert plugs[0]["hold"] == {"currency": "EUR", "amount": 37}


async def test_the_pay_step_stands_between_the_button_and_the_operator(world: World, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    page = words(await visit.get(drive))
    assert "Payment first" in page and "€37.00 will be held" in page and world.cpo.asked == []
    back = await entered(visit, drive, GOOD)
    assert (back.status, place(back.header("location"))) == (303, drive)
    page = words(await visit.get(drive))
    assert "Payment first" not in page and "€37.00. This much is held on your card" in page
    assert len(world.cpo.asked) == 1
    paid = (await visit.get(f"{drive}.json")).json["payment"]
    assert (paid["state"], paid["held"], paid["pay_at"]) == ("held", 37, None)


async def test_a_challenge_is_met_and_may_be_missed(world: World, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    page = await entered(visit, drive, CHALLENGED, proof="no")
    assert "not recognised" in page.text and world.cpo.asked == []
    await entered(visit, drive, CHALLENGED)
    assert len(world.cpo.asked) == 1


async def test_a_declined_card_says_so_where_another_one_can_be_entered(world: World, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    page = await entered(visit, drive, DECLINED)
    assert "The card is declined." in words(page) and world.cpo.asked == []
    await visit.get(f"{drive}/paid")
    assert "The card is declined." in words(await visit.get(drive))


async def test_a_start_is_given_up_with_a_proof_alone(world: World, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    assert (await visit.post(f"{drive}/give-up")).status == 403
    csrf = (await visit.get(drive)).field("csrf")
    assert (await visit.post(f"{drive}/give-up", {"csrf": csrf})).status == 303
    assert (await visit.get(f"{drive}.json")).json["state"] == "FAILED" and world.cpo.asked == []


async def test_a_start_that_failed_after_the_hold_says_that_nothing_was_paid_and_when_it_is_let_go(world: World, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    page = words(await visit.get("/"))
    assert "A charge of yours waits for its payment." in page and "charging already" not in page
    await entered(visit, drive, GOOD)
    assert "You are charging already." in words(await visit.get("/"))
    row = await world.node.store.read(lambda tx: tx.drivers.get(drive.rpartition("/")[2]))
    assert row is not None
    await world.result(row, "REJECTED")
    await world.follower.tick()
    assert "Nothing was paid. What is held is let go 5 minutes after the start failed" in words(await visit.get(drive))


async def test_a_provider_that_is_away_is_said_to_be_and_asked_again_by_the_press_of_the_button(pages: Pages, visit: Visit) -> None:
    assert pages.desk is not None
    provider = pages.desk.till.provider
    assert isinstance(provider, TestProvider)
    bank, provider._send = provider._send, _nobody
    drive = (await begin(visit)).header("location")
    assert "payment provider does not answer" in words(await visit.get(drive))
    assert place((await visit.get(f"{drive}/pay")).header("location")) == drive
    provider._send = bank
    await entered(visit, drive, GOOD)
    page = words(await visit.get(drive))
    assert "held on your card" in page and "does not answer" not in page


async def _nobody(request: Request) -> Response:
    raise Unreachable("nobody is there")


async def test_the_open_page_hears_of_the_payment(world: World, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    async with visit.stream(f"{drive}/live") as events:
        await entered(visit, drive, GOOD)
        while "held on your card" not in await events.next("figures"):
            pass


async def test_a_payment_is_nobody_elses(pages: Pages, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    stranger = Visit(pages)
    for url in (f"{drive}/pay", f"{drive}/paid"):
        assert (await stranger.get(url)).status == 404


async def test_a_webhook_starts_what_was_paid_and_a_false_one_nothing(world: World, pages: Pages, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    form = await visit.get(place((await visit.get(f"{drive}/pay")).header("location")))
    url = re.findall(r'action="([^"]+)"', form.text)[0]
    await visit.post(place(url), {"secret": form.field("secret"), "card": GOOD})
    event = {"id": "ev_1", "type": "held", "hold": url.rpartition("/")[2], "at": 0}
    wrong = delivery(event, "", "other", world.clock())
    assert (await visit.post_raw("/payments/webhook", wrong.body, wrong.headers)).status == 400 and world.cpo.asked == []
    right = delivery(event, "", "s", world.clock())
    for _ in range(2):
        assert (await visit.post_raw("/payments/webhook", right.body, right.headers)).status == 204
    assert len(world.cpo.asked) == 1
    stranger = delivery({**event, "hold": "th_unknown"}, "", "s", world.clock())
    assert (await visit.post_raw("/payments/webhook", stranger.body, stranger.headers)).status == 204


async def test_the_shops_side_of_the_test_provider_is_not_reached_from_outside(visit: Visit) -> None:
    assert (await visit.post("/payments/test/holds/x", {})).status == 404


async def test_nothing_of_it_is_there_where_nobody_takes_money(world: World) -> None:
    world.node.settings = msgspec.structs.replace(world.node.settings, payments=Payments())
    visit = Visit(Pages(world.node))
    drive = (await begin(visit)).header("location")
    found = (await visit.get(f"{drive}.json")).json
    assert (found["state"], found["payment"]) == ("ACCEPTED", None)
    assert (await visit.post("/payments/webhook")).status == 404


@pytest.mark.parametrize("provider", ["test", "stripe"])
async def test_only_the_page_with_the_field_may_load_something_from_outside(world: World, provider: str) -> None:
    if provider == "stripe":
        payments = Payments(provider="stripe", stripe_key="sk_test_1", stripe_public_key="pk_test_1", stripe_url="http://127.0.0.1:1")
        world.node.settings = msgspec.structs.replace(world.node.settings, payments=payments)
    made = Pages(world.node)
    visit = Visit(made)
    for url in ("/", "/drives"):
        assert "stripe" not in (await visit.get(url)).header("content-security-policy")
    drive = (await begin(visit)).header("location")
    assert "stripe" not in (await visit.get(drive)).header("content-security-policy")
    assert made.desk is not None
    await made.desk.till.provider.close()


async def test_the_page_with_stripes_field(world: World, visit: Visit, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = (await begin(visit)).header("location")
    assert pages.desk is not None
    find = pages.desk.till.provider.find

    async def with_secret(reference: str) -> object:
        return msgspec.structs.replace(await find(reference), url="", secret="pi_1_secret_2")

    monkeypatch.setattr(pages.desk.till.provider, "find", with_secret)
    settings = msgspec.structs.replace(world.node.settings.payments, stripe_public_key="pk_test_1")
    world.node.settings = msgspec.structs.replace(world.node.settings, payments=settings)
    page = await visit.get(f"{drive}/pay")
    assert 'data-secret="pi_1_secret_2"' in page.text and 'data-key="pk_test_1"' in page.text
    policies = [value for name, value in page.headers if name == "content-security-policy"]
    assert len(policies) == 1 and "script-src 'self' https://js.stripe.com;" in policies[0] and "unsafe" not in policies[0]
    assert 'data-session=""' in page.text, "a guest is not asked whether the card shall be remembered"


async def test_the_field_offers_a_member_to_remember_the_card(
    world: World, visit: Visit, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = (await begin(visit)).header("location")
    found = await world.node.store.read(lambda tx: tx.drivers.get(guest.rpartition("/")[2]))
    assert found is not None and pages.desk is not None
    provider = pages.desk.till.provider

    async def work(tx: Tx) -> None:
        payment = await tx.payments.of_drive(found.id)
        assert payment is not None
        payment.customer = "cus_1"
        await tx.payments.update(payment)

    async def with_secret(reference: str) -> Found:
        return msgspec.structs.replace(await find(reference), url="", secret="pi_1_secret_2")

    async def session(customer: str) -> str:
        if customer != "cus_1":
            raise NoAnswer("another one")
        return "cuss_1"

    async def away(customer: str) -> str:
        raise NoAnswer("not there")

    find = provider.find
    await world.node.store.write(work)
    monkeypatch.setattr(provider, "find", with_secret)
    settings = msgspec.structs.replace(world.node.settings.payments, stripe_public_key="pk_test_1")
    world.node.settings = msgspec.structs.replace(world.node.settings, payments=settings)
    for form, said_ in ((session, "cuss_1"), (away, "")):
        monkeypatch.setattr(provider, "form", form)
        page = await visit.get(f"{guest}/pay")
        assert page.status == 200 and f'data-session="{said_}"' in page.text, "who cannot be asked pays all the same"


async def test_the_cashier_and_the_page_share_a_desk(pages: Pages) -> None:
    assert pages.desk is not None and Cashier(pages.desk).till is pages.desk.till


async def test_the_invoice_of_a_drive_is_the_drivers_alone(world: World, pages: Pages, visit: Visit) -> None:
    drive = (await begin(visit)).header("location")
    await entered(visit, drive, GOOD)
    found = await world.node.store.read(lambda tx: tx.drivers.get(drive.rpartition("/")[2]))
    driver = await world.node.store.read(lambda tx: tx.drivers.driver(found.driver)) if found is not None else None
    assert found is not None and driver is not None and pages.desk is not None
    await world.tell("cdrs", said.said("cdr", cdr(world, driver, found), "2.2.1"))
    for _ in range(4):
        await Cashier(pages.desk).tick()
        world.clock.move(60)
    place = f"{drive}/invoices/INV-000001.pdf"
    assert f'href="{place}"' in (await visit.get(drive)).text
    answer = await visit.get(place)
    assert (answer.status, answer.header("content-type")) == (200, "application/pdf")
    assert "€6.05" in PdfReader(io.BytesIO(answer.body)).pages[0].extract_text()
    assert (await visit.get(f"{drive}/invoices/INV-000002.pdf")).status == 404
    assert (await Visit(pages).get(place)).status == 404
