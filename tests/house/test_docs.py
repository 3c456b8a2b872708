"""Documentation that cannot rot: reference pages equal the tables of the code, links lead somewhere, commands exist."""

import re
from pathlib import Path

import pytest

from docs import generate

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == generate.render(generate.PAGES[name]), "run `make docs`"


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
