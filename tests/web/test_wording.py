"""The same words on the server and in the browser, and money as it is written."""

from __future__ import annotations

import json
from datetime import UTC
from decimal import Decimal

import pytest
from playwright.async_api import Page

from interplug.web import wording
from interplug.web.rendering import HERE
from tests.nodes import SECOND, T0

SECONDS = [0, 59, 60, 61, 3599, 3600, 3661, 86_399, 172_799, 172_800, 900_000]


@pytest.mark.browser
async def test_the_browser_counts_on_in_the_words_of_the_server(page: Page) -> None:
    ages = "".join(f'<p><time data-age="{passed}" data-old="3600"></time></p>' for passed in SECONDS)
    lasting = "".join(f'<p><time data-lasting="{passed}"></time></p>' for passed in SECONDS)
    await page.set_content(
        f"<body data-ages='{json.dumps(wording.ages())}'><p id=\"offline\" hidden><time></time></p><div>{ages}{lasting}</div></body>"
    )
    await page.add_script_tag(path=HERE / "static/live.js")
    said = await page.locator("div time").all_inner_texts()
    speed_one = [*(wording.age(T0, T0 + passed * SECOND) for passed in SECONDS), *(wording.lasting(passed) for passed in SECONDS)]
    assert said == speed_one
    assert await page.locator("p.old").count() == sum(passed > 3600 for passed in SECONDS)


def test_clocks_that_differ_make_no_age_negative() -> None:
    assert wording.age(T0 + SECOND, T0) == "0 s ago"


@pytest.mark.parametrize(
    ("value", "currency", "finer", "written"),
    [
        ("1.005", "EUR", 2, "€1.005"),
        ("1.2", "EUR", 2, "€1.20"),
        ("1.43259", "EUR", 0, "€1.43"),
        # As much as is taken from the card: half a cent is one.
        ("2.7250", "EUR", 0, "€2.73"),
        ("250", "JPY", 0, "JP¥250"),
        ("3", "SEK", 0, "SEK\N{NO-BREAK SPACE}3.00"),
        ("-2", "GBP", 0, "−£2.00"),
    ],
)
def test_money_is_written_in_the_coins_of_its_currency(value: str, currency: str, finer: int, written: str) -> None:
    assert wording.money(Decimal(value), currency, finer) == written


@pytest.mark.parametrize(("watts", "written"), [(7360, "7.4 kW"), (22_000, "22 kW"), (150_000, "150 kW"), (100_000, "100 kW")])
def test_power(watts: int, written: str) -> None:
    assert wording.kw(watts) == written


def test_what_we_do_not_know_is_called_so() -> None:
    assert wording.status("TELEPORTED").text == "Not known (TELEPORTED)"
    assert wording.plug("SOMETHING_NEW") == "SOMETHING NEW"
    assert wording.plug("DOMESTIC_K") == "Household K"
    assert wording.zone("Mars/Olympus") is UTC and wording.zone("../etc/passwd") is UTC and wording.zone(None) is UTC


def test_times_are_those_of_the_station() -> None:
    assert wording.moment(T0, wording.zone("Europe/Amsterdam")) == "1 Jan 2026, 01:00 CET"
