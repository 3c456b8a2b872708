"""`python -m bench [NAME ...]`: the table, and exit code 1 where a row does not hold; `--help` says what else."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import alone, deep, fanout, finding, million, money, pages, soak, stations, storm, whole, workers, writes
from bench.rows import Plan, Row, table

ROWS: dict[str, Callable[[Plan], Iterator[Row]]] = {
    "pages": pages.rows,
    "writes": writes.rows,
    "whole": whole.rows,
    "deep": deep.rows,
    "alone": alone.rows,
    "fanout": fanout.rows,
    "workers": workers.rows,
    "soak": soak.rows,
    "storm": storm.rows,
    "stations": stations.rows,
    "million": million.rows,
    "money": money.rows,
    "finding": finding.rows,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Speed of a node against a bare server in the same run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(ROWS)}; without one, all")
    parser.add_argument("--quick", action="store_true", help="two short rounds: a first look, not a measurement")
    parser.add_argument("--by-cpu", action="store_true", help="compare CPU time a request: for a machine that others use, too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each round of wrk")
    parser.add_argument("--minutes", type=float, default=2.0, help="that the soak lasts; 30 say something")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are stopped on the way out
    if unknown := [name for name in wanted.names if name not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}")
    rounds, seconds = (2, 1) if wanted.quick else (wanted.rounds, wanted.seconds)
    with tempfile.TemporaryDirectory(prefix="interplug-bench-") as folder:
        plan = Plan(Path(folder), rounds, seconds, wanted.by_cpu, lambda text: print(text, file=sys.stderr, flush=True), wanted.minutes)
        rows = list(_measured(plan, wanted.names or list(ROWS)))
    print(table(rows))
    if wanted.json:
        wanted.json.write_text(json.dumps([{"claim": row.claim, "verdict": row.verdict, **row.numbers} for row in rows], indent=1))
    return 0 if all(row.verdict == "holds" for row in rows) else 1


def _measured(plan: Plan, names: list[str]) -> Iterator[Row]:
    for name in names:
        began = time.monotonic()
        for row in ROWS[name](plan):
            plan.say(f"{name}: {row.claim}: {row.measured}, {row.verdict} ({time.monotonic() - began:.0f} s)")
            yield row


if __name__ == "__main__":
    sys.exit(main())
