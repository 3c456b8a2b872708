"""An operator, a provider whose drivers charge there, and a station that others have written, of either version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.foreign.pair import Pair, pair
from tests.foreign.stations import STATIONS, Station, need


@pytest.fixture(params=STATIONS)
def version(request: pytest.FixtureRequest) -> str:
    need()
    return str(request.param)


@pytest.fixture
async def roaming(tmp_path: Path, version: str) -> AsyncIterator[Pair]:
    async with pair(tmp_path) as joined:
        yield joined


@pytest.fixture
async def station(roaming: Pair, version: str) -> AsyncIterator[Station]:
    password = await roaming.add("CS1")
    async with STATIONS[version](roaming.addresses["ws"], "CS1", password) as one:
        await one.hears("connected")
        assert (await one.does("boot"))["status"] == "Accepted"
        yield one
