"""Every text of the pages is there in every language, nothing is translated that nobody says, and no text was forgotten in a template."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from interplug.web.languages import LANGUAGES
from interplug.web.rendering import HERE

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [language for language in LANGUAGES if language != "en"]
NAMES = {"Interplug", "EVSE", "kWh", "kW", "CSV", "JSON", "PDF"}


@pytest.fixture(scope="module")
def texts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("texts", ROOT / ".ci/texts.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_and_none_in_vain(texts: ModuleType, language: str) -> None:
    assert (texts.missing(language), texts.stale(language)) == ([], []), "make texts, then translate what is empty in web/locale"


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fills_the_same_places(texts: ModuleType, language: str) -> None:
    for one in texts.catalogue(language):
        said = [(one.id, one.string)] if isinstance(one.id, str) else [(one.id[1], one.string[1])]
        for english, other in said if one.id else ():
            assert _places(english) == _places(other), (english, other)


@pytest.mark.parametrize("path", sorted((HERE / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_no_text_of_a_template_is_kept_from_the_translators(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{% trans.*?endtrans %\}|\{[{%].*?[}%]\}", "", path.read_text(), flags=re.DOTALL)
    shown = re.sub(r"<[^>]*>", "|", text)
    spoken = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', text)
    words = set(re.findall(r"[A-Za-z]{3,}", " ".join([shown, *spoken]))) - NAMES
    assert words == set()


def _places(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)s|%s|%%|\{\w+\}", text))
