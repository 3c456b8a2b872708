"""Writes the reference pages from the tables that the program itself uses, so that they cannot tell another story.

`make docs` runs this, and tests/house/test_docs.py compares.
"""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import interplug
from interplug import config
from interplug.cli.commands import app
from interplug.modules.rows import MODULES
from interplug.protocol.routes import Module, Route, Router
from interplug.versions.losses import LOSSES
from interplug.versions.table import NEWEST, VERSIONS

DOCS = Path(__file__).resolve().parent
SOURCE = Path(interplug.__file__).resolve().parent
OLDEST = list(VERSIONS)[-1]
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


def states() -> Iterator[str]:
    yield "# States\n"
    yield "What may follow what. A pair that is not in a table changes nothing; a deadline that passes is one more event."
    for module in state_modules():
        yield f"\n## {re.split(r'[.(]', module.__doc__ or '')[0].replace(chr(10), ' ').strip()}\n"
        yield f"From `{module.__name__.replace('.', '/').removeprefix('interplug/')}.py`."
        for name, table in vars(module).items():
            if name.isupper() and isinstance(table, dict) and all(isinstance(value, str) for value in table.values()):
                yield f"\n### {name.lower().replace('_', ' ')}\n"
                yield from state_rows(table)


def state_rows(table: dict[Any, str]) -> Iterator[str]:
    if all(isinstance(key, str) for key in table):
        return rows(("state", "means"), ((state or "(none yet)", meaning) for state, meaning in table.items()))
    return rows(("in state", "on", "becomes"), ((state or "(none yet)", event, after) for (state, event), after in table.items()))


def losses() -> Iterator[str]:
    yield "# Losses\n"
    yield "What does not survive the way from one version of OCPI to its neighbour, and what is done about it. Two versions apart means"
    yield "both links. `$` is the whole object: it is withheld. `[]` stands for every item of a list. Objects inside others are listed"
    yield "once, under their own kind."
    links = sorted({(loss.source, loss.target) for loss in LOSSES}, reverse=True)
    for source, target in links:
        yield f"\n## {source} → {target}\n"
        found = [loss for loss in LOSSES if (loss.source, loss.target) == (source, target)]
        yield from rows(("kind", "field", "what happens", "why"), ((loss.kind, f"`{loss.path}`", loss.what, loss.why) for loss in found))


def address(module: Module, version: str, route: Route) -> str:
    """Where a route is served in a version: the side of the module from 2.2.1 on, one of our roles in 2.1.1."""
    if version not in route.versions:
        return "-"
    doors = list(Router.doors(module, version, route.side))
    door = doors[0] if len(doors) == 1 else "{role}"
    shared = all(number in route.versions for number, one in VERSIONS.items() if one.endpoint_roles)
    number = "{version}" if VERSIONS[version].endpoint_roles and shared else version
    inside = module.id if module.endpoint != module.id else ""
    return "`/" + "/".join(part for part in ("ocpi", number, door, module.endpoint, inside, route.path) if part) + "`"


# Their places differ from the others' and stand in the page's first lines.
TOLD_ABOVE = ("versions", "version_details", "credentials")


def routes() -> Iterator[str]:
    yield "# Routes\n"
    yield "Every URL that a partner may call, from the rows of the modules. A 2.1.1 partner talks to one of our roles, named in the URL;"
    yield "from 2.2.1 on the URL names the side of the module. Partners find all of this from the versions URL, `/ocpi/versions` (for a"
    yield "2.1.1 partner of one role also `/ocpi/{role}/versions`), version details at `/ocpi/{version}` (`/ocpi/2.1.1/{role}`) and"
    yield "credentials at `/ocpi/{version}/credentials` (`/ocpi/2.1.1/{role}/credentials`)."
    for module in MODULES:
        yield f"\n## {module.id}\n"
        if module.id in TOLD_ABOVE:
            yield from rows(("method", "function"), ((route.method, f"`{function(route)}`") for route in module.routes))
        else:
            yield from rows(
                ("method", "2.2.1 and 2.3.0", "2.1.1", "function"),
                (
                    (route.method, address(module, NEWEST, route), address(module, OLDEST, route), f"`{function(route)}`")
                    for route in module.routes
                ),
            )


def function(route: Route) -> str:
    return f"{route.handler.__module__.removeprefix('interplug.')}.{route.handler.__qualname__}"


def commands() -> Iterator[str]:
    text = app.generate_docs(max_heading_level=3, usage_name="interplug")
    yield text.partition("## Table of Contents")[0].rstrip().replace("# interplug", "# Commands", 1)
    yield "\nExit codes: 0 done (import: read to its end, whatever was refused), 1 failed, 2 usage, 3 partner or network, 4 configuration."
    yield "Reports go to standard output, as one JSON document with `--json`; progress, warnings and reasons go to standard error.\n"
    yield text[text.index("**Commands**") :]


# The words of the program's own tables: a page says exactly this.
PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "configuration.md": configuration,
    "losses.md": losses,
    "routes.md": routes,
    "states.md": states,
}
# Laid out by a library, which may change its layout: here the test asks that every command and option is told.
LAID_OUT: dict[str, Callable[[], Iterator[str]]] = {"commands.md": commands}


def render(page: Callable[[], Iterator[str]]) -> str:
    return "\n".join((NOTICE, "", *page())).rstrip() + "\n"


if __name__ == "__main__":
    for name, page in (PAGES | LAID_OUT).items():
        (DOCS / name).write_text(render(page))
