"""What is claimed, what was found, and whether it holds, over any number of seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .outcome import Outcome

MEMORY = 300_000_000
"""Bytes that a node may have at most; a body without an end would pass any bound."""
BYTES_A_WRITE = 10_000


@dataclass(frozen=True)
class Row:
    claim: str
    measured: str
    holds: bool
    details: tuple[str, ...] = ()


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    def nothing(claim: str, name: str) -> Row:
        found = tuple(f"seed {one.plan.seed}: {text}" for one in outcomes for text in getattr(one, name))
        return Row(claim, str(len(found)), not found, found)

    ended = tuple(f"seed {one.plan.seed}: {text}" for one in outcomes for text in one.deaths.ended)
    storms = [one for one in outcomes if not one.plan.roll and not one.plan.sabotage]
    memory = max(one.deaths.memory for one in outcomes)
    stored = max(one.stored / max(one.tried + one.messages, 1) for one in outcomes)
    done = []
    if storms:
        kills, faults, plan = min(one.deaths.kills for one in storms), min(one.all_faults for one in storms), storms[0].plan
        done = [
            Row(f"kills: at least {plan.kills} a seed", str(kills), kills >= plan.kills),
            Row(f"faults: at least {plan.faults} a seed", str(faults), faults >= plan.faults),
        ]
    if any(one.plan.roll for one in outcomes):
        done.append(nothing("requests that noticed that a release took another's place: none", "noticed"))
    return [
        *done,
        nothing("acknowledged writes lost: none", "lost"),
        nothing("CDRs doubled: none", "doubled"),
        nothing("objects stale, missing or different: none", "different"),
        nothing("sent in an older state after a newer one: none", "older"),
        nothing("refused or still to be brought level: none", "left_over"),
        Row("processes that ended without being killed: none", str(len(ended)), not ended, ended),
        Row(f"memory of a node: at most {MEMORY // 1_000_000} MB", f"{memory / 1_000_000:.0f}", memory <= MEMORY),
        Row(f"bytes stored for each write and message: at most {BYTES_A_WRITE}", f"{stored:.0f}", stored <= BYTES_A_WRITE),
    ]


def table(found: Sequence[Row]) -> str:
    width, measured = max(len(row.claim) for row in found), max(len(row.measured) for row in found)
    return "\n".join(f"{row.claim:{width}}  {row.measured:>{measured}}  {'holds' if row.holds else 'falls short'}" for row in found)


def summary(outcomes: Sequence[Outcome]) -> str:
    """What was done, in figures."""
    killed: Counter[str] = sum((one.deaths.killed for one in outcomes), Counter())
    faults: Counter[str] = sum((one.faults for one in outcomes), Counter())
    faults |= Counter({"disk full": sum(one.deaths.disks for one in outcomes), "clock jumps": sum(one.deaths.jumps for one in outcomes)})
    lines = [
        f"{_done(outcomes)} on {outcomes[0].plan.engine}: "
        f"{killed.total()} kills, {faults.total()} faults, {sum(one.messages for one in outcomes)} messages, "
        f"{sum(one.tried for one in outcomes)} writes tried, {sum(one.acknowledged for one in outcomes)} acknowledged, "
        f"{sum(one.compared for one in outcomes)} comparisons, {sum(one.seconds for one in outcomes):.0f} s, "
        f"level again after at most {max(one.slowest_calm for one in outcomes):.0f} s",
        "kills: " + ", ".join(f"{name} {count}" for name, count in killed.most_common()),
        "faults: " + ", ".join(f"{name} {count}" for name, count in faults.most_common()),
    ]
    if starved := sum(one.deaths.starved for one in outcomes):
        lines.append(f"processes that began while the database was away and ended: {starved}")
    for one in outcomes:
        if one.plan.roll:
            lines.append(f"roll: {one.acknowledged} acknowledged, the slowest answer took {one.slowest_answer:.1f} s")
    return "\n".join(lines)


def _done(outcomes: Sequence[Outcome]) -> str:
    rolls = sum(one.plan.roll for one in outcomes)
    return " and ".join(
        f"{count} {name}{'' if count == 1 else 's'}" for count, name in ((len(outcomes) - rolls, "seed"), (rolls, "roll")) if count
    )
