"""A node of ours with a partner of the newest version that a test plays; a file of tests that is about others says `version`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sync.pushing import World, opened


@pytest.fixture
def version() -> str:
    return "2.3.0"


@pytest.fixture
async def world(tmp_path: Path, version: str) -> AsyncIterator[World]:
    async with opened(tmp_path, version) as made:
        yield made


@pytest.fixture
async def newest(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, "2.3.0") as made:
        yield made
