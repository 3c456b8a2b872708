from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.nodes import close
from tests.payments.standing import Standing, open_standing


@pytest.fixture
async def standing(tmp_path: Path) -> AsyncIterator[Standing]:
    made = await open_standing(tmp_path)
    yield made
    await close(made.node)
