"""What may go wrong between two nodes, by name, and which of it happens to a request: decided by the seed alone."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

BEFORE = ("refused", "500", "401", "429", "html", "3000", "endless", "late", "slow")
"""What becomes of a request that does not reach its node; `late` does, when the caller has long given up, and `slow` in the end."""
AFTER = ("answer lost", "500 afterwards", "cut short", "html afterwards", "doubled", "doubled late", "endless afterwards")
"""What becomes of one that its node has carried out."""
LISTS = ("wrong total", "wrong limit", "page again", "page missing")
"""What becomes of a page of a list besides."""


@dataclass
class Weather:
    """`wildness` is the chance of a fault; `lists` False: no list is given to anybody, so that pushes alone must keep the sides level."""

    chance: random.Random
    wildness: float = 0.0
    lists: bool = True
    happened: Counter[str] = field(default_factory=Counter)

    def fault(self, *, is_list: bool) -> str | None:
        if is_list and not self.lists:
            return "list refused"
        if self.chance.random() >= self.wildness:
            return None
        name = self.chance.choice(BEFORE + AFTER + (LISTS * 3 if is_list else ()))
        self.happened[name] += 1
        return name

    def calm(self) -> None:
        self.wildness = 0.0
