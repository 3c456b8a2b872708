"""What stories of payment share; `world` is each file's own."""

from __future__ import annotations

import pytest

from interplug.drivers.drives import new_driver
from interplug.store.drivers import Driver
from tests.drivers.played import World
from tests.drivers.shopping import Shop


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


@pytest.fixture
async def driver(world: World) -> Driver:
    return await new_driver(world.node)
