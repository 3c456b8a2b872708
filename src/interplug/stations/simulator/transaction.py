"""A transaction as the station keeps it, and the meter that runs while current flows.

Physics goes second by second from when the transaction began, so that whoever looks late sees what whoever looks often has seen.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from . import physics
from .cars import Car
from .limits import Profile
from .plan import Connector
from .readings import Reading

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    type: str = "ISO14443"

    def same(self, other: Token | None) -> bool:
        return other is not None and self.id.lower() == other.id.lower()


@dataclass(slots=True)
class Permit:
    """Who may charge here: let in by a card or from afar."""

    token: Token
    trigger: str
    """Authorized or RemoteStart."""
    group: str = ""
    remote_id: int | None = None
    profile: Profile | None = None
    """That came with the start from afar."""
    until: int = 0
    """When the station stops waiting for the cable; 0: it is in."""


@dataclass(slots=True)
class Transaction:
    id: str
    began: int
    register: int
    """Of the meter, in whole watt-hours, when it began."""
    token: Token | None = None
    token_told: bool = False
    remote_id: int | None = None
    remote_told: bool = False
    reservation: int | None = None
    number: int | None = None
    """1.6: what the CSMS calls it, once it has said so."""
    seq: int = 0
    told: str = ""
    """The charging state that was reported last."""
    charge: physics.Charge | None = None
    reached: int = 0
    """Seconds since it began up to which the meter has run."""
    stop: tuple[str, str] | None = None
    """Trigger and reason of a stop that leaves the transaction open until the cable is out."""
    begin: Reading | None = None
    kept: list[Reading] = field(default_factory=list)
    """Readings for the end of the transaction."""

    @property
    def delivered(self) -> int:
        return physics.meter(self.charge) if self.charge is not None else 0

    @property
    def full(self) -> bool:
        return self.charge is not None and self.charge.full

    def seconds(self, at: int) -> int:
        return max(0, (at - self.began) // SECOND)

    def connect(self, car: Car, plug: Connector) -> None:
        self.charge = physics.Charge(car.vehicle, plug.power_type, float(plug.watts), car.soc)

    def run(self, until: int, cap: float, *, flows: bool) -> int | None:
        """Up to a moment under one cap; the moment at which the car was full, if that was meanwhile."""
        seconds = self.seconds(until) - self.reached
        if seconds <= 0:
            return None
        filled = None
        if flows and self.charge is not None and not self.charge.full:
            before = self.charge
            self.charge = physics.advance(before, seconds, cap)
            if self.charge.full:
                filled = self.began + (self.reached + int(self.charge.elapsed - before.elapsed)) * SECOND
        self.reached += seconds
        return filled

    def next_reading(self, after: int, interval: int) -> int | None:
        """On a grid of seconds since it began; with an interval of 0 there is none."""
        step = interval * SECOND
        return self.began + ((after - self.began) // step + 1) * step if step else None


def identity(station: str, evse: int, began: int, count: int) -> str:
    """The same for the same transaction and for no other, in this life of the station or another."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"ocpp:{station}/{evse}/{began}/{count}"))
