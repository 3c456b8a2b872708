"""The simulated terminal: what it shows, what it refuses, and the same for programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from interplug import app
from interplug.config import BadSettings, Payments, Surfaces
from interplug.modules.payments import invoice_base_url
from interplug.web.terminals import Terminals, terminals_of
from tests.modules import said
from tests.nodes import own
from tests.payments.standing import DECLINED, GOOD
from tests.stories.paying import Street
from tests.web.visiting import Visit

PAGE = "/terminals/TM-1"


async def open_street(folder: Path) -> Street:
    """One plug, at which 10 kWh cost 6.00."""
    joined = await Street.join(folder)
    component = {"type": "ENERGY", "price": Decimal("0.50"), "vat": 20, "step_size": 1}
    elements = [{"price_components": [component]}]
    await own(joined.cpo, "tariffs", said.tariff("T", type="AD_HOC_PAYMENT", preauthorize_amount=Decimal(35), elements=elements))
    evses = [said.evse("E/1", connectors=[said.connector(tariff_ids=["T"])]), said.evse("E2", connectors=[said.connector(tariff_ids=[])])]
    await own(joined.cpo, "locations", said.location("L1", evses=evses))
    await joined.settle()
    await joined.terminal(location_ids=["L1"], invoice_creator="CPO", invoice_base_url=invoice_base_url(joined.cpo, joined.at_cpo))
    return joined


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    joined = await open_street(tmp_path)
    yield joined
    await joined.close()


@pytest.fixture
async def visit(street: Street) -> AsyncIterator[Visit]:
    shown = Terminals(street.desk)
    loop = asyncio.create_task(shown.run())
    yield Visit(shown)
    shown.end()
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def tapped(visit: Visit, card: str = GOOD, plug: str = "L1/E%2F1/1") -> str:
    """The path of the charge."""
    page = await visit.get(PAGE)
    return (await visit.post(PAGE, {"csrf": page.field("csrf"), "plug": plug, "card": card})).header("location")


async def test_the_screen_shows_what_the_terminal_serves_with_its_price(visit: Visit) -> None:
    assert 'href="/terminals/TM-1"' in (await visit.get("/terminals")).text
    page = (await visit.get(PAGE)).text
    assert "per kWh" in page and "€35.00 will be held on your card" in page and "no price for who pays here" in page
    plugs = (await visit.get(PAGE, accept="application/json")).json["plugs"]
    assert [(one["plug"], one["free"]) for one in plugs] == [("L1/E%2F1/1", True), ("L1/E2/1", False)]


async def test_from_the_card_to_the_receipt(street: Street, visit: Visit) -> None:
    charge = await tapped(visit)
    await street.settle()
    page = await visit.get(charge)
    assert "Charging." in page.text and "€35.00</strong> held on the card" in page.text
    await street.charge("10")
    assert "10.00 <abbr" in (await visit.get(charge)).text
    again = await visit.post(charge, {"csrf": page.field("csrf")})
    assert again.header("location") == charge
    await street.settle()
    told = (await visit.get(charge, accept="application/json")).json
    assert (told["state"], told["payment"]["state"], told["payment"]["paid"], told["over"]) == ("BILLED", "captured", 6, True)
    assert told["receipt"].startswith("https://cpo.example/invoices/")
    page = await visit.get(charge)
    assert "€6.00</strong> paid by card" in page.text and "<svg" in page.text and told["receipt"] in page.text
    async with visit.stream(f"{charge}/live") as events:
        assert "€6.00" in (figures := await events.next("charge")) and "<form" not in figures, "a button stays where it is"
        await events.next("over")


async def test_a_declined_card_is_told(visit: Visit) -> None:
    page = (await visit.get(await tapped(visit, DECLINED))).text
    assert "Nothing was charged." in page and "The card is declined." in page and "Nothing was taken" in page


@pytest.mark.parametrize("plug", ["", "L1", "L1/E9/1", "L9/E1/1", "L1/E2/1", "a/b/c/d"])
async def test_what_the_terminal_does_not_serve_cannot_be_chosen(street: Street, visit: Visit, plug: str) -> None:
    page = await visit.get(PAGE)
    assert (await visit.post(PAGE, {"csrf": page.field("csrf"), "plug": plug, "card": GOOD})).status == 409
    assert street.line.asked == []


async def test_a_forged_form_and_what_is_not_there(street: Street, visit: Visit) -> None:
    assert (await visit.post(PAGE, {"plug": "L1/E%2F1/1", "card": GOOD})).status == 403 and street.line.asked == []
    for path in ("/terminals/TM-9", f"{PAGE}/nothing", f"{PAGE}/nothing/live", "/terminals/TM-9/x/live"):
        assert (await visit.get(path)).status == 404


async def test_it_is_there_where_it_was_asked_for_and_the_money_is_no_money(street: Street) -> None:
    assert app.shown_of(street.ptp).terminals is None
    settings = street.ptp.settings
    street.ptp.settings = msgspec.structs.replace(settings, surfaces=Surfaces(terminals=True))
    assert app.shown_of(street.ptp).terminals is not None
    street.ptp.settings = msgspec.structs.replace(street.ptp.settings, payments=Payments())
    with pytest.raises(BadSettings, match=r"surfaces\.terminals"):
        app.shown_of(street.ptp)
    with pytest.raises(BadSettings):
        terminals_of(None)
