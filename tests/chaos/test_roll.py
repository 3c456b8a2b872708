"""Upgrades that nobody notices: the release that was kept last and the next one on one database, under load."""

from pathlib import Path

import pytest

from chaos import releases
from chaos.outcome import Plan
from chaos.report import rows
from chaos.roll import Roll
from chaos.stage import stage
from interplug.store.urls import place_of
from tests import postgres


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_release_takes_the_place_of_another_and_goes_again(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    cluster: postgres.Cluster | None = request.getfixturevalue("cluster") if engine == "postgresql" else None
    plan = Plan(1, engine=engine, roll=True)
    async with stage(tmp_path, plan, cluster=cluster, release=releases.before(tmp_path / "before")) as built:
        outcome = await Roll(built, work=10).run()
        schemas = {place_of(one.store.url).found() for one in built.settings.values()}
    assert {row.claim: row.details or row.measured for row in rows([outcome]) if not row.holds} == {}
    assert len(schemas) == 1 and str(schemas.pop()).endswith("_rehearsal")
    assert outcome.compared > 100 and outcome.acknowledged > 50
