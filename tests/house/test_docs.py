"""Documentation that cannot rot: reference pages equal the tables of the code, links lead somewhere, commands exist."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from docs import generate
from interplug import config
from interplug.cli.commands import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == generate.render(generate.PAGES[name]), "run `make docs`"


def commands_below(group: App, *words: str) -> Iterator[tuple[str, App]]:
    for word in group:
        if not word.startswith("-"):
            yield " ".join((*words, word)), group[word]
            yield from commands_below(group[word], *words, word)


def test_every_command_and_every_option_is_told() -> None:
    page = (ROOT / "docs/commands.md").read_text()
    sections = {part.partition("\n")[0].strip("# "): part for part in re.split(r"^(?=##)", page, flags=re.MULTILINE)}
    found = dict(commands_below(app, "interplug"))
    assert set(found) == {name for name in sections if name.startswith("interplug ")}
    for name, command in found.items():
        if command.default_command:
            options = {
                option for argument in command.assemble_argument_collection() for option in argument.names if option.startswith("--")
            }
            assert {option for option in options if option not in sections[name]} == set(), name


def shown(path: Path) -> list[str]:
    """The calls of `interplug` in the shell blocks of a page, without what the shell does around them."""
    blocks = re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [call for line in lines for call in re.findall(r"(?:^|[(|&]\s*)interplug ([^|&;<>)]*)", line)]


@pytest.mark.parametrize("path", [path for path in PAGES if shown(path)], ids=lambda path: path.name)
def test_every_call_that_a_page_shows_is_understood(path: Path) -> None:
    for call in shown(path):
        app.parse_args(shlex.split(call, comments=True), exit_on_error=False, print_error=False)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())
    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs/index.md").read_text()
    assert [path.name for path in ROOT.glob("docs/*.md") if path.name != "index.md" and f"({path.name})" not in index] == []


def test_make_targets_that_the_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for path in PAGES for word in re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(), re.MULTILINE)}
    assert named
    assert named - targets == set()


def test_the_architecture_page_names_the_rooms_of_the_contract() -> None:
    contract = re.search(r"^layers = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert contract
    rooms = re.findall(r"\((\w+)\)", contract[1])
    page = (ROOT / "docs/architecture.md").read_text().partition("| room |")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in page.splitlines()[2:])) == rooms


def test_settings_and_extras_that_pages_and_containers_name_exist() -> None:
    texts = [path.read_text() for path in (*PAGES, *(ROOT / "deploy").iterdir())]
    variables = {(section.lower(), key.lower()) for text in texts for section, key in re.findall(r"\bINTERPLUG__([A-Z]+)__([A-Z_]+)", text)}
    assert variables
    assert variables - {(section, key) for section, key, _, _ in config.table()} == set()
    extras = {name for text in texts for names in re.findall(r"(?:interplug|whl\)|'\.)\[([a-z,]+)\]", text) for name in names.split(",")}
    assert extras
    assert extras - set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]) == set()
