"""An eMSP with a CPO that a test plays, and a driver; a file of tests that needs other settings says so in `sections`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.drivers.drives import new_driver
from interplug.store.drivers import Driver
from tests.drivers.played import World, open_world
from tests.drivers.shopping import Shop, open_paid_world
from tests.nodes import close


@pytest.fixture
def sections() -> dict[str, Any]:
    return {}


@pytest.fixture
async def world(tmp_path: Path, sections: dict[str, Any]) -> AsyncIterator[World]:
    made = await open_world(tmp_path, **sections)
    yield made
    await close(made.node)


@pytest.fixture
async def paid(tmp_path: Path) -> AsyncIterator[World]:
    """One whose drivers pay by card, for files whose `world` it is."""
    made = await open_paid_world(tmp_path)
    yield made
    await close(made.node)


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


@pytest.fixture
async def driver(world: World) -> Driver:
    return await new_driver(world.node)
