"""What the test provider remembers: a card where its driver wants it, held on at once, or not, and then another one is asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from interplug.payments.port import DECLINED as IS_DECLINED
from interplug.payments.port import EXPIRED, NOT_RECOGNISED, PROOF, WITHDRAWN, Method, Refused
from interplug.protocol.http import Request
from interplug.store.payments import Payment
from tests.payments.standing import AGED, CHALLENGED, DECLINED, GOOD, OTHER, SPENT, Standing, browse

D = Decimal


async def remembered(standing: Standing, card: str = GOOD, payer: str = "ann") -> tuple[str, Method]:
    """A customer who has paid with a card, and had it remembered."""
    customer = await standing.provider.customer(payer, f"{payer}.customer")
    payment = await standing.till.begin(await standing.payment(id=f"first-{card}-{payer}", customer=customer))
    await browse(standing.bank, (await standing.provider.find(payment.reference)).url, card, remember=True)
    assert (await standing.till.look(payment.id))[0].state == "held"
    return customer, (await standing.provider.methods(customer))[0]


async def used(standing: Standing, customer: str, method: str, id: str = "p2") -> Payment:
    return await standing.till.begin(await standing.payment(id=id, customer=customer, method=method))


async def test_a_card_is_remembered_without_its_number(standing: Standing) -> None:
    _, found = await remembered(standing)
    assert (found.brand, found.last4, found.month) == ("visa", "4242", 12) and GOOD not in repr(found)


@pytest.mark.parametrize(("customer", "remember"), [("ann", False), ("", True)])
async def test_nothing_is_remembered_that_nobody_wanted_or_of_a_guest(standing: Standing, customer: str, remember: bool) -> None:
    name = await standing.provider.customer("ann", "k")
    payment = await standing.till.begin(await standing.payment(customer=name if customer else ""))
    url = (await standing.provider.find(payment.reference)).url
    assert ("Remember this card" in (await page(standing, url))) == bool(customer)
    await browse(standing.bank, url, GOOD, remember=remember)
    assert (await standing.till.look("p1"))[0].state == "held" and await standing.provider.methods(name) == []


async def page(standing: Standing, url: str) -> str:
    path = url.removeprefix("https://bank.example")
    return (await standing.bank(Request("GET", path, {}, b""))).body.decode()


async def test_a_declined_card_is_not_remembered_and_one_that_was_proved_is(standing: Standing) -> None:
    customer = await standing.provider.customer("ann", "k")
    payment = await standing.till.begin(await standing.payment(customer=customer))
    url = (await standing.provider.find(payment.reference)).url
    await browse(standing.bank, url, DECLINED, remember=True)
    assert await standing.provider.methods(customer) == []
    await browse(standing.bank, url, CHALLENGED, remember=True)
    assert [one.last4 for one in await standing.provider.methods(customer)] == ["3155"]


async def test_a_remembered_card_is_held_on_at_once(standing: Standing) -> None:
    customer, method = await remembered(standing)
    payment = await used(standing, customer, method.reference)
    assert (payment.state, payment.held, payment.reason) == ("held", 50, "")
    await standing.due("p2", "12.34")
    assert (await standing.till.settle("p2")).kept == D("12.34")
    assert standing.moves(payment.reference) == (50, D("12.34"), 0)


@pytest.mark.parametrize(("card", "why"), [(SPENT, IS_DECLINED), (AGED, EXPIRED), (GOOD, WITHDRAWN)])
async def test_one_that_is_no_good_is_said_so_and_another_one_is_asked_for(standing: Standing, card: str, why: str) -> None:
    customer, method = await remembered(standing, card)
    if why == WITHDRAWN:
        await standing.provider.detach(method.reference, "detach")
    payment = await used(standing, customer, method.reference)
    assert (payment.state, payment.held, payment.reason) == ("requires_action", 0, why)
    url = (await standing.provider.find(payment.reference)).url
    assert "/form/" in url
    await browse(standing.bank, url, OTHER)
    payment, _ = await standing.till.look("p2")
    assert (payment.state, payment.held, payment.reason) == ("held", 50, "")


async def test_nobody_pays_with_a_card_that_another_one_had_remembered(standing: Standing) -> None:
    _, method = await remembered(standing)
    other = await standing.provider.customer("bob", "bob")
    for name, customer in (("p2", other), ("p3", "")):
        payment = await used(standing, customer, method.reference, name)
        assert (payment.state, payment.held, payment.reason) == ("requires_action", 0, WITHDRAWN)


@pytest.mark.parametrize(("proof", "state", "why"), [("yes", "held", ""), ("no", "requires_action", NOT_RECOGNISED)])
async def test_the_bank_may_ask_for_a_proof_each_time(standing: Standing, proof: str, state: str, why: str) -> None:
    customer, method = await remembered(standing, CHALLENGED)
    payment = await used(standing, customer, method.reference)
    assert (payment.state, payment.reason, payment.held) == ("requires_action", PROOF, 0)
    url = (await standing.provider.find(payment.reference)).url
    assert "/challenge/" in url
    await browse(standing.bank, url, "", proof)
    payment, _ = await standing.till.look("p2")
    assert (payment.state, payment.reason) == (state, why)


@pytest.mark.parametrize("fate", ["lost", "silent"])
async def test_an_answer_that_was_lost_holds_once(standing: Standing, fate: str) -> None:
    customer, method = await remembered(standing)
    holds = len([one for one in standing.ledger.documents if one.startswith("th_")])
    standing.line.fate = lambda request: fate if request.url.endswith("/holds") else "ok"
    assert (await used(standing, customer, method.reference)).state == "created"
    payment = await standing.calm("p2")
    assert (payment.state, payment.held) == ("held", 50)
    assert len([one for one in standing.ledger.documents if one.startswith("th_")]) == holds + 1


async def test_what_is_forgotten_is_gone_whatever_comes_later(standing: Standing) -> None:
    customer, method = await remembered(standing)
    payment = await standing.till.begin(await standing.payment(id="p2", customer=customer))
    await standing.provider.forget(customer, "forget")
    with pytest.raises(Refused):
        await standing.provider.methods(customer)
    with pytest.raises(Refused):
        await standing.provider.detach(method.reference, "detach")
    await browse(standing.bank, (await standing.provider.find(payment.reference)).url, OTHER, remember=True)
    assert (await standing.till.look("p2"))[0].state == "held", "who was forgotten meanwhile pays all the same"
    with pytest.raises(Refused):
        await standing.provider.methods(customer)
    books = b"".join(raw for name, raw in standing.ledger.documents.items() if name.startswith(("tm_", "tc_")))
    assert GOOD.encode() not in books and b"ann" not in books
