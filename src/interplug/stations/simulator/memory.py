"""What a station remembers when the power of its operator fails: plain data, kept in the store after each change.

The energy delivered is not remembered but follows from when the charge began (`physics`): a node that was killed finds the
car still charging, with what it took meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from .physics import Charge, Vehicle, advance


class Car(msgspec.Struct):
    vehicle: Vehicle
    soc: float
    leaves_at: int = 0
    """When its driver drives away; 0: when told to."""


class Current(msgspec.Struct):
    """A charge that is going on, or that has ended and was not told yet."""

    session: str
    card: str
    """The Token that began it, folded; shown again it ends it."""
    started_at: int
    power_type: str
    watts: float
    volts: float
    vehicle: Vehicle
    soc: float
    told_until: int = -1
    """Seconds of the charge whose readings were delivered; -1: none."""
    ended_at: int = 0
    fault: str = ""
    profiles: dict[int, str] = {}
    """Charging profiles as JSON, by the connection that set them; 0: the operator."""
    limits: list[tuple[int, float | None]] = []
    """From which second of the charge on at most so many watts flow; None: what the plug gives. What is past stays as it was."""

    def beginning(self) -> Charge:
        return Charge(self.vehicle, self.power_type, self.watts, self.soc)

    def held(self, second: int) -> tuple[float, int | None]:
        """The watts that the plug gives at that second, and until when."""
        watts = self.watts
        for start, limit in self.limits:
            if start > second:
                return watts, start
            watts = self.watts if limit is None else min(limit, self.watts)
        return watts, None


class Driver(msgspec.Struct):
    """Who may charge here: the answer to a START_SESSION or to a card."""

    token: dict[str, Any]
    auth_method: str
    connection: int
    reference: str | None = None
    connector_id: str | None = None
    until: int = 0
    """When the station stops waiting for the cable."""
    arrives_at: int = 0
    """When the simulated driver plugs in; 0: somebody has to."""


class Hold(msgspec.Struct):
    """A reservation. The station knows it by the id of its Session, which no two partners share (CMD-035)."""

    session: str
    connection: int
    reservation_id: str
    token_uid: str
    expires_at: int


class Memory(msgspec.Struct):
    state: str = "free"
    online: bool = True
    car: Car | None = None
    driver: Driver | None = None
    hold: Hold | None = None
    charge: Current | None = None
    most: float | None = None
    """Watts that the place allows this EVSE now, whatever is charging there."""

    def raw(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def read(cls, raw: bytes) -> Memory:
        return msgspec.json.decode(raw, type=cls)


class Meter:
    """The charge at any second; remembers how far it counted, for physics goes second by second."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._reached = current.beginning()
        self._second = 0

    def at(self, second: int) -> Charge:
        if second < self._second:
            self._reached, self._second = self._current.beginning(), 0
        while True:
            watts, until = self._current.held(self._second)
            self._reached = replace(self._reached, plug=watts)
            if self._second == second:
                return self._reached
            end = second if until is None else min(until, second)
            self._reached, self._second = advance(self._reached, end - self._second), end
