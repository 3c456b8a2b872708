"""A clock and a network that stand still until a test moves them."""

from __future__ import annotations

import pytest

from tests.nodes import Clock, Wire


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire() -> Wire:
    return Wire()
