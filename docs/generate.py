"""Writes the reference pages from the tables that the program itself uses, so that they cannot tell another story.

    python docs/generate.py            write the pages that differ
    python docs/generate.py --check    only name them (exit 1 if any)

`make docs` runs the first, tests/house/test_docs.py the second.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import interplug
from interplug import config

DOCS = Path(__file__).resolve().parent
SOURCE = Path(interplug.__file__).resolve().parent
NOTICE = "<!-- written by `make docs`; change the table in the code instead -->"


def rows(head: Iterable[str], lines: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(head)
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for line in lines:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"


def shown(default: Any) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return f"`{','.join(map(str, default))}`" if default else "(none)"
    return f"`{default}`" if default != "" else "(empty)"


def configuration() -> Iterator[str]:
    yield "# Configuration\n"
    yield "These settings are about the process. They come from the default, then from a TOML file (`--config FILE`, a table for each"
    yield "section), then from the environment; the later wins. Lists are written with commas in the environment. Parties, partners and"
    yield "visibility are business: they live in the database and are changed by command.\n"
    for section, settings in groupby(config.table(), key=lambda row: row[0]):
        yield f"\n## {section}\n"
        yield from rows(
            ("setting", "environment", "default", "means"),
            (
                (f"`{section}.{key}`", f"`{f'interplug__{section}__{key}'.upper()}`", shown(default), text)
                for _, key, default, text in settings
            ),
        )


def state_modules() -> Iterator[Any]:
    for file in sorted(SOURCE.rglob("*states.py")):
        yield importlib.import_module(".".join(("interplug", *file.relative_to(SOURCE).with_suffix("").parts)))


def state_tables(module: Any) -> Iterator[tuple[str, dict[tuple[str, str], str]]]:
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, dict) and value and all(isinstance(key, tuple) and len(key) == 2 for key in value):
            yield name, value


def states() -> Iterator[str]:
    yield "# States\n"
    yield "What may follow what. A pair that is not in a table changes nothing; a deadline that passes is one more event."
    for module in state_modules():
        for name, table in state_tables(module):
            subject = module.__name__.rpartition(".")[2].removesuffix("_states")
            yield f"\n## {subject}: {name.lower().replace('_', ' ')}\n"
            yield f"From `{module.__name__.replace('.', '/').removeprefix('interplug/')}.py`.\n"
            yield from rows(("in state", "on", "becomes"), ((state, event, after) for (state, event), after in table.items()))


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "configuration.md": configuration,
    "states.md": states,
}


def render(page: Callable[[], Iterator[str]]) -> str:
    return "\n".join((NOTICE, "", *page())).rstrip() + "\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the reference pages from the program's own tables.")
    parser.add_argument("--check", action="store_true", help="write nothing, name the pages that differ")
    options = parser.parse_args(argv)
    stale = [name for name, page in PAGES.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != render(page)]
    for name in stale:
        if options.check:
            print(f"docs/{name} differs from the code: run `make docs`", file=sys.stderr)
        else:
            (DOCS / name).write_text(render(PAGES[name]))
            print(f"docs/{name} written")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
