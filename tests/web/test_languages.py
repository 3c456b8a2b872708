"""The language of a page: the visitor's choice, else the browser's, else English."""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from starlette.datastructures import Headers

from interplug.model.said import Figure, said
from interplug.web import languages, writing
from tests.web.visiting import Visit


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    languages.speak(Headers())


@pytest.mark.parametrize(
    ("cookie", "browser", "spoken"),
    [
        ("", "", "en"),
        ("", "nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("", "fr-FR,de;q=0.5", "de"),
        ("", "fr", "en"),
        ("", ";;,*,\x00", "en"),
        ("language=de", "nl", "de"),
        ("language=xx", "nl", "nl"),
        ("a=b; language=nl", "", "nl"),
    ],
)
def test_the_language_of_a_request(cookie: str, browser: str, spoken: str) -> None:
    languages.speak(Headers({"cookie": cookie, "accept-language": browser}))
    assert languages.spoken() == spoken


def test_what_has_no_translation_is_said_in_english() -> None:
    languages.speak(Headers({"accept-language": "nl"}))
    assert languages._("A sentence that nobody has translated.") == "A sentence that nobody has translated."


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of this test's own."""
    texts = {
        "{price} per kWh": "{price} je kWh",
        "otherwise {price}": "sonst {price}",
        "The station is in use.": "Die Ladestation ist belegt.",
    }

    class Catalogue(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return texts.get(message, message)

    monkeypatch.setattr(languages, "catalogue", lambda language: Catalogue() if language == "de" else gettext.NullTranslations())
    languages.speak(Headers({"accept-language": "de"}))


@pytest.mark.usefixtures("german")
def test_what_a_lower_room_says_is_translated_with_its_parts() -> None:
    price = said("{price} per kWh", price=Figure(Decimal("0.35"), "€0.35", "EUR"))
    assert price == "€0.35 per kWh"
    assert languages.say(said("otherwise {price}", price=price)) == "sonst 0,35\N{NO-BREAK SPACE}€ je kWh"


@pytest.mark.usefixtures("german")
def test_the_words_of_an_operator_stay_as_they_are() -> None:
    assert languages.say("The station is in use.") == "Die Ladestation ist belegt."
    assert languages.say("The station is in use. (Bay 4 (left) {x})") == "Die Ladestation ist belegt. (Bay 4 (left) {x})"
    assert languages.say("") == ""


@pytest.mark.parametrize(
    ("language", "money", "number", "moment"),
    [
        ("en", "€1,234.50", "1,234.5", "28 Nov 2026, 12:00 CET"),
        ("nl", "€\N{NO-BREAK SPACE}1.234,50", "1.234,5", "28 nov 2026, 12:00 CET"),
        ("de", "1.234,50\N{NO-BREAK SPACE}€", "1.234,5", "28.11.2026, 12:00 CET"),
    ],
)
def test_numbers_money_and_times(language: str, money: str, number: str, moment: str) -> None:
    assert writing.money(Decimal("1234.5"), "EUR", language) == money
    assert writing.number(Decimal("1234.50"), language) == number
    assert writing.moment(1_795_863_600_000_000, ZoneInfo("Europe/Amsterdam"), language) == moment


async def test_the_visitor_chooses(visit: Visit) -> None:
    page = await visit.get("/nowhere?a=b", **{"accept-language": "nl"})
    assert '<html lang="nl">' in page.text
    chosen = await visit.post("/language", {"csrf": page.field("csrf"), "back": page.field("back"), "language": "de"})
    assert (chosen.status, chosen.header("location")) == (303, "/nowhere?a=b")
    assert '<html lang="de">' in (await visit.get("/", **{"accept-language": "nl"})).text


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example/", "", "/a\r\nset-cookie: b=c"])
async def test_the_way_back_stays_here(visit: Visit, back: str) -> None:
    page = await visit.get("/")
    answer = await visit.post("/language", {"csrf": page.field("csrf"), "back": back, "language": "xx"})
    assert answer.header("location") == "/" and not answer.header("set-cookie")
    assert (await visit.post("/language", {"csrf": "guessed", "language": "de"})).status == 403


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nl", ("Laadpunt", "Vrij", "Er laadt hier iemand.", "Laden starten", "0 s geleden")),
        ("de", ("Ladepunkt", "Frei", "Hier lädt gerade jemand.", "Laden starten", "vor 0 s")),
    ],
)
async def test_a_station_in_other_languages(visit: Visit, language: str, said: tuple[str, ...]) -> None:
    """Also what lower rooms say."""
    number = (await visit.get("/stations.json")).json["stations"][0]["id"]
    page = await visit.get(f"/stations/{number}", **{"accept-language": language})
    assert [text for text in said if text not in page.text] == []
    assert f'<html lang="{language}">' in page.text
