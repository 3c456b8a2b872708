"""A node with its driver's pages on, a partner that a test plays, and somebody who looks; a file of tests that needs other settings says
so in `sections`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.drivers.places import PlaceList
from interplug.web.driver.pages import Pages
from tests.drivers.played import World, open_world
from tests.nodes import close
from tests.web.visiting import Visit, running


@pytest.fixture
def sections() -> dict[str, Any]:
    return {}


@pytest.fixture
async def world(tmp_path: Path, sections: dict[str, Any]) -> AsyncIterator[World]:
    made = await open_world(tmp_path, **sections)
    await PlaceList(made.node).tick()
    yield made
    await close(made.node)


@pytest.fixture
async def pages(world: World) -> AsyncIterator[Pages]:
    async with running(Pages(world.node)) as made:
        yield made


@pytest.fixture
def visit(pages: Pages) -> Visit:
    return Visit(pages)
