"""A row: what is claimed, what was measured, and whether it holds.

A ratio is the median of the rounds, each of them the node's rate over that of the application beside it, seconds apart. On a machine
that others use, too, `by_cpu` compares what the server's process has spent a request instead. A row whose generator was the limit is
void: it shows nothing, so it does not hold.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Run


@dataclass(frozen=True)
class Plan:
    """How long, how often, where."""

    folder: Path
    rounds: int
    seconds: int
    by_cpu: bool
    say: Callable[[str], None]
    minutes: float = 2.0
    """Of the soak."""


@dataclass(frozen=True)
class Row:
    claim: str
    measured: str
    holds: bool
    details: str = ""
    void: bool = False
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return "void" if self.void else "holds" if self.holds else "falls short"


def ratio(plan: Plan, name: str, at_least: float, node: Sequence[Run], bare: Sequence[Run], *, saturated: bool = True) -> Row:
    """The node's share of the bare application's rate. `saturated`: the processor is what limits the bare one, not a disk or a server."""
    shares = [_share(plan, ours, theirs) for ours, theirs in zip(node, bare, strict=True)]
    share = statistics.median(shares)
    return Row(
        claim=f"{name}: at least {at_least:g} of bare",
        measured=f"{share:.2f}",
        holds=share >= at_least and not any(run.errors for run in node),
        details=f"{_told('node', node)}; {_told('bare', bare)}; rounds {min(shares):.2f}-{max(shares):.2f}",
        void=any(run.void for run in node) or (saturated and not all(run.busy_enough for run in bare)),
        numbers={
            "ratio": share,
            "node_cpu_us": _median(node, "cpu"),
            "bare_cpu_us": _median(bare, "cpu"),
            "node_rate": _median(node, "rate"),
        },
    )


def times(plan: Plan, name: str, at_most: float, slow: Sequence[Run], quick: Sequence[Run], words: tuple[str, str]) -> Row:
    """How many times as much one thing costs as another."""
    found = [1 / _share(plan, one, other) for one, other in zip(slow, quick, strict=True)]
    factor = statistics.median(found)
    return Row(
        claim=f"{name}: at most {at_most:g} times",
        measured=f"{factor:.2f}",
        holds=factor <= at_most and not any(run.errors for run in (*slow, *quick)),
        details=f"{_told(words[0], slow)}; {_told(words[1], quick)}; rounds {min(found):.2f}-{max(found):.2f}",
        void=any(run.void for run in (*slow, *quick)),
        numbers={"factor": factor},
    )


def _share(plan: Plan, one: Run, other: Run) -> float:
    return other.cpu / one.cpu if plan.by_cpu else one.rate / other.rate


def _told(who: str, runs: Sequence[Run]) -> str:
    errors = sum(run.errors for run in runs)
    wrong = f", {errors} errors" if errors else ""
    return f"{who} {_median(runs, 'rate'):.0f}/s, {_median(runs, 'cpu'):.0f} µs CPU, p99 {_median(runs, 'p99'):.1f} ms{wrong}"


def _median(runs: Sequence[Run], name: str) -> float:
    return float(statistics.median(getattr(run, name) for run in runs))


def table(rows: Sequence[Row]) -> str:
    width = max(len(row.claim) for row in rows)
    measured = max(len(row.measured) for row in rows)
    lines = []
    for row in rows:
        lines.append(f"{row.claim:{width}}  {row.measured:>{measured}}  {row.verdict}")
        if row.details:
            lines.append(f"    {row.details}")
    return "\n".join(lines)
