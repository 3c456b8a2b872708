"""How wild a seed is and how long, and what was done and found in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .compare import Findings
from .lives import Deaths

VERSIONS = ("2.2.1", "2.3.0", "2.1.1")


@dataclass(frozen=True)
class Plan:
    """How wild, how long."""

    seed: int
    rounds: int = 4
    kills: int = 50
    faults: int = 200
    """At least so many of each, in all rounds together."""
    longest: float = 60.0
    """Seconds of storm after which a round ends, whatever has happened."""
    wildness: float = 0.25
    engine: str = "sqlite"
    sabotage: str | None = None
    roll: bool = False
    """No storm: the nodes are replaced by those of another release and back."""

    @property
    def workers(self) -> int:
        """Processes of each node."""
        return 2 if self.engine == "postgresql" else 1

    @property
    def version(self) -> str:
        return VERSIONS[self.seed % len(VERSIONS)]


@dataclass
class Outcome:
    plan: Plan
    deaths: Deaths = field(default_factory=Deaths)
    faults: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    compared: int = 0
    tried: int = 0
    acknowledged: int = 0
    different: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    noticed: list[str] = field(default_factory=list)
    """Requests that a roll left without an answer."""
    slowest_answer: float = 0.0
    """Seconds."""
    furnished: int = 0
    """Bytes of the databases before the storms."""
    stored: int = 0
    """Bytes that they have grown by in the end."""
    seconds: float = 0.0
    slowest_calm: float = 0.0

    @property
    def all_faults(self) -> int:
        return self.faults.total() + self.deaths.disks + self.deaths.jumps

    @property
    def found(self) -> bool:
        return bool(self.different or self.lost or self.doubled or self.left_over or self.older or self.noticed or self.deaths.ended)

    def take(self, findings: Findings) -> None:
        self.compared += findings.compared
        self.different += findings.different
        self.lost += findings.lost
        self.doubled += findings.doubled
        self.left_over += findings.left_over
