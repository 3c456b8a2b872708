"""A small storm: real processes, a few deaths, a wire that lies, and both sides level afterwards."""

from pathlib import Path

from chaos.outcome import Plan
from chaos.report import rows
from chaos.seed import Storms
from chaos.stage import stage


async def test_two_nodes_that_are_killed_and_lied_to_are_level_afterwards(tmp_path: Path) -> None:
    async with stage(tmp_path, Plan(1, rounds=2, kills=6, faults=30)) as built:
        outcome = await Storms(built).run()
    short = {row.claim: row.details or row.measured for row in rows([outcome]) if not row.holds}
    assert short == {}
    assert outcome.compared > 100 and outcome.acknowledged > 50
