"""`python -m chaos [--seeds N] [--first N] [--rolls N] [--sabotage NAME] [--short]`: the table, and exit code 1 where a row falls short."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interplug.faults import SABOTAGES
from tests import postgres

from . import releases
from .outcome import Outcome, Plan
from .report import Row, rows, summary, table
from .roll import Roll
from .seed import Storms
from .stage import stage

SHORT: dict[str, Any] = {"rounds": 2, "kills": 6, "faults": 30}
WORK, SHORT_WORK = 60, 15
"""Writes between two steps of a roll."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description="Two nodes that are killed and lied to, and must be level afterwards.")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--rolls", type=int, default=1, help="how often a release takes another's place and goes again, after the seeds")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite", help="the database of the nodes")
    parser.add_argument("--sabotage", choices=SABOTAGES, help="break a rule of the node: the bench has to notice")
    parser.add_argument("--short", action="store_true", help="a few kills and faults: a first look")
    parser.add_argument("--keep", type=Path, help="an empty folder for databases and logs, which stay there")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the processes are ended on the way out
    outcomes = []
    with postgres.cluster() if wanted.engine == "postgresql" else contextlib.nullcontext() as cluster:
        for seed in range(wanted.first, wanted.first + wanted.seeds):
            plan = Plan(seed, engine=wanted.engine, sabotage=wanted.sabotage, **(SHORT if wanted.short else {}))
            outcomes.append(asyncio.run(_seed(plan, wanted.keep, cluster)))
            _tell(rows([outcomes[-1]]), outcomes[-1])
        for number in range(wanted.first, wanted.first + (0 if wanted.sabotage else wanted.rolls)):
            plan, work = Plan(number, engine=wanted.engine, roll=True), SHORT_WORK if wanted.short else WORK
            outcomes.append(asyncio.run(_roll(plan, work, wanted.keep, cluster)))
            _tell(rows([outcomes[-1]]), outcomes[-1])
    found = rows(outcomes)
    print(summary(outcomes))
    print(table(found))
    return 0 if all(row.holds for row in found) else 1


async def _seed(plan: Plan, keep: Path | None, cluster: postgres.Cluster | None) -> Outcome:
    with _folder(keep, f"seed-{plan.seed}") as place:
        async with stage(place, plan, _say, cluster) as built:
            return await Storms(built).run()


async def _roll(plan: Plan, work: int, keep: Path | None, cluster: postgres.Cluster | None) -> Outcome:
    with _folder(keep, f"roll-{plan.seed}") as place:
        async with stage(place, plan, _say, cluster, releases.before(place / "before")) as built:
            return await Roll(built, work).run()


@contextlib.contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="interplug-chaos-") as folder:
        place = Path(folder) if keep is None else keep / name
        place.mkdir(parents=True, exist_ok=True)
        yield place


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _tell(found: list[Row], outcome: Outcome) -> None:
    for row in found:
        if not row.holds:
            print(f"seed {outcome.plan.seed}: {row.claim}: {row.measured}", file=sys.stderr)
            for line in row.details[:20]:
                print(f"    {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
