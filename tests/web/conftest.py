"""A node with its driver's pages on, a partner that a test plays, and somebody who looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.drivers.places import PlaceList
from interplug.web.driver.pages import Pages
from tests.drivers.played import World, open_world
from tests.nodes import close
from tests.web.visiting import Visit


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await open_world(tmp_path)
    await PlaceList(made.node).tick()
    yield made
    await close(made.node)


@pytest.fixture
async def pages(world: World) -> AsyncIterator[Pages]:
    """With its loop running."""
    made = Pages(world.node)
    loop = asyncio.create_task(made.run())
    yield made
    made.end()
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


@pytest.fixture
def visit(pages: Pages) -> Visit:
    return Visit(pages)
