"""The language of a page: the visitor's choice, else the browser's, else English."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from interplug.web import languages


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
