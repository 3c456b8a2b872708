"""A bench that finds nothing proves nothing: each rule of the node is broken on purpose, and the bench has to turn red. Its rounds are as
wild as those of a whole seed; there are more of them, and the first that finds something is the last."""

from pathlib import Path

import pytest

from chaos.outcome import Plan
from chaos.report import rows
from chaos.seed import Storms
from chaos.stage import stage
from interplug.faults import SABOTAGES


@pytest.mark.parametrize("name", SABOTAGES)
async def test_a_broken_build_is_found(tmp_path: Path, name: str) -> None:
    async with stage(tmp_path, Plan(1, rounds=8, kills=100, faults=400, sabotage=name)) as built:
        outcome = await Storms(built).run()
    assert outcome.different or outcome.lost
    assert not all(row.holds for row in rows([outcome]))
