"""Brings the catalogues of the languages level with the texts in the code: new texts come in without a translation, and texts that nobody
says any more go. Then translate what is empty in src/interplug/web/locale/*.po. Nothing is guessed: there are no fuzzy entries.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src/interplug"
LOCALE = SOURCE / "web/locale"
METHODS = [
    *((f"{room}/**.py", "python") for room in ("web", "drivers", "payments", "tariffs")),
    ("backend/words.py", "python"),
    ("web/templates/**.html", "jinja2"),
    ("web/templates/**.js", "jinja2"),
]
OPTIONS = {"jinja2": {"trimmed": "true", "silent": "false"}}
# Texts that are marked where they stand, and those that are said where somebody is refused.
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "N_": None,
    "said": None,
    "ngettext": (1, 2),
    "gettext": None,
    "HTTPException": (2,),
}
PASSING = tuple(
    f'"{name}' for name in ("Project-Id", "Report-Msgid", "POT-Creation", "PO-Revision", "Last-Translator", "Language-Team", "Generated-By")
)
Message = str | tuple[str, str]


def texts() -> Iterator[tuple[Message, str]]:
    """Every text that is said to people on pages, with the file that says it."""
    options = {pattern: OPTIONS.get(method, {}) for pattern, method in METHODS}
    found = extract_from_dir(SOURCE, METHODS, options, KEYWORDS)
    for file, _line, message, _comments, _context in sorted(found, key=lambda one: (one[0], one[1])):
        yield message, file


def template() -> Catalog:
    catalogue = Catalog()
    for message, file in texts():
        catalogue.add(message, locations=[(file, 0)])
    return catalogue


def catalogue(language: str) -> Catalog:
    path = LOCALE / f"{language}.po"
    if not path.exists():
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, language)


def write(language: str, filled: Catalog) -> None:
    """With the header that a reader needs, and without the times at which it was written."""
    whole = BytesIO()
    write_po(whole, filled, width=0, include_lineno=False)
    kept = [line for line in whole.getvalue().decode().splitlines() if not line.startswith(PASSING)]
    (LOCALE / f"{language}.po").write_text("\n".join(kept).rstrip() + "\n")


def missing(language: str) -> list[str]:
    """What a reader of this language would see in English."""
    known = catalogue(language)
    return [str(one.id) for one in template() if one.id and not _whole(known.get(_key(one.id)))]


def stale(language: str) -> list[str]:
    """What is translated and said nowhere."""
    used = template()
    return [str(one.id) for one in catalogue(language) if one.id and used.get(_key(one.id)) is None]


def _key(id: object) -> str:
    return str(id[0]) if isinstance(id, (tuple, list)) else str(id)


def _whole(message: object) -> bool:
    text = getattr(message, "string", "")
    return all(text) if isinstance(text, (tuple, list)) else bool(text)


def main() -> int:
    LOCALE.mkdir(exist_ok=True)
    for language in ("nl", "de"):
        known, fresh = catalogue(language), Catalog(language, fuzzy=False, header_comment="# Interplug, under its licence Apache-2.0.")
        for one in template():
            if one.id:
                before = known.get(_key(one.id))
                fresh.add(one.id, before.string if before is not None else None, locations=one.locations, flags=one.flags)
        write(language, fresh)
        print(f"{language}: {sum(1 for one in fresh if one.id)} texts, {len(missing(language))} without a translation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
