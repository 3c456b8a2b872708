"""The languages that the pages speak. English is written in the code and in the templates; the others are catalogues in `locale/`.

`_("Free")` is the text in the language of the request; `{{ _("Free") }}` and `{% trans %}…{% endtrans %}` are the same in templates. A text
that stands in a table is marked there with `N_` and said with `_` where it is shown. What a lower room says (`model/said.py`, a text of
the store) is said with `say`. What has no translation is said in English. The language is the visitor's choice (cookie `language`), else
the browser's (Accept-Language).
"""

from __future__ import annotations

import gettext
from collections import UserDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from http.cookies import CookieError, SimpleCookie
from io import BytesIO
from pathlib import Path

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.datastructures import Headers

from interplug.model.said import Figure, Said

from . import writing

LANGUAGES = {"en": "English", "nl": "Nederlands", "de": "Deutsch"}
CATALOGUES = Path(__file__).parent / "locale"
COOKIE = "language"
_spoken: ContextVar[str] = ContextVar("spoken", default="en")


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """One language, from the `.po` file that translators keep: there is nothing to build."""
    path = CATALOGUES / f"{language}.po"
    if not path.exists():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def spoken() -> str:
    """The language of this request, as its code."""
    return _spoken.get()


def speak(headers: Headers) -> None:
    """From here on, in this task, the language that the visitor chose or the browser asks for."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        morsel = None
    asked = [part.partition(";")[0].strip() for part in headers.get("accept-language", "")[:200].split(",")]
    wanted = [morsel.value] if morsel is not None and morsel.value in LANGUAGES else [one for one in asked if one]
    _spoken.set(negotiate_locale(wanted, list(LANGUAGES), sep="-") or "en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """For what is written without anybody's request."""
    before = _spoken.set(language if language in LANGUAGES else "en")
    try:
        yield
    finally:
        _spoken.reset(before)


def _(message: str) -> str:
    return catalogue(spoken()).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    return catalogue(spoken()).ngettext(one, many, count)


def say(text: str) -> str:
    """What a lower room has said. Of a text without parts that ends in the operator's own words in brackets, these stay as they are."""
    if isinstance(text, Said):
        values = {name: _value(value) for name, value in text.values.items()}
        return _(text.template).format(**values) if values else _(text.template)
    translated = _(text) if text else ""
    if translated == text and text.endswith(")") and " (" in text:
        ours, _between, theirs = text.partition(" (")
        return f"{_(ours)} ({theirs}"
    return translated


def _value(value: object) -> object:
    if isinstance(value, Figure):
        return writing.figure(value, spoken())
    return say(value) if isinstance(value, Said) else value


class Words(UserDict[str, str]):
    """A table of texts marked with `N_`; what is taken out of it is in the language of the request."""

    def __getitem__(self, key: str) -> str:
        return _(super().__getitem__(key))


def N_(message: str) -> str:
    """Marks a text of a table for the translators."""
    return message
