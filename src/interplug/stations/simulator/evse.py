"""One EVSE: what stands at it, who may charge, what flows, and what follows from that.

It keeps facts (a cable, a driver, a transaction, a reservation, a fault) and derives every state from them; `settle` tells what has
changed since it was told. It knows no version of OCPP: `say` is the dialect. Whoever calls has brought the meter to `now` before.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from . import plan as plans
from . import readings
from .cars import Car
from .faults import Fault
from .limits import Profile
from .readings import Reading
from .transaction import SECOND, Permit, Token, Transaction, identity
from .variables import Variables

LINGERS = 30 * 60 * SECOND
"""How long a car that is full stands there when nobody says when it leaves."""


@dataclass(slots=True)
class Hold:
    id: int
    token: Token
    group: str
    expires_at: int


class Say(Protocol):
    """What a dialect has to say of an EVSE."""

    def status(self, evse: Evse, connector: int, state: str, now: int) -> None: ...
    def started(self, evse: Evse, tx: Transaction, trigger: str, now: int) -> None: ...
    def updated(self, evse: Evse, tx: Transaction, trigger: str, reading: Reading | None, now: int) -> None: ...
    def ended(self, evse: Evse, tx: Transaction, trigger: str, reason: str, reading: Reading, now: int) -> None: ...
    def hold_over(self, hold: Hold, how: str) -> None: ...


class Signer(Protocol):
    def sign(self, reading: Reading, token: Token | None, mark: str) -> Reading: ...


class Power(Protocol):
    """Who divides the power of the station."""

    def recap(self, now: int) -> None: ...
    def attach(self, profile: Profile, transaction: str) -> None: ...
    def detach(self, transaction: str) -> None: ...


@dataclass(slots=True)
class Evse:
    number: int
    plan: plans.Evse
    station: str
    say: Say
    power: Power
    variables: Variables
    faults: list[Fault]
    """Of the whole station, shared."""
    chance: random.Random
    register: float
    """Watt-hours that the meter has counted until the running transaction."""
    signer: Signer | None = None
    car: Car | None = None
    plug: int = 1
    permit: Permit | None = None
    tx: Transaction | None = None
    hold: Hold | None = None
    operative: bool = True
    finished: bool = False
    """The cable of a transaction that has ended is still in."""
    cap: float = inf
    count: int = 0
    told: dict[int, str] = field(default_factory=dict)
    arrival: tuple[int, Car, int] | None = None
    """When the driver who was let in plugs in, with which car and where."""

    # --- what follows from the facts

    @property
    def connector(self) -> plans.Connector:
        return self.plan.connectors[self.plug - 1]

    @property
    def fault(self) -> Fault | None:
        return next((one for one in self.faults if one.blocks and one.evse in (0, self.number)), None)

    @property
    def authorised(self) -> bool:
        return self.permit is not None

    @property
    def usable(self) -> bool:
        return self.operative and self.fault is None

    @property
    def flows(self) -> bool:
        return self.tx is not None and self.car is not None and self.authorised and self.cap > 0 and not self.tx.full

    @property
    def charging_state(self) -> str:
        if self.car is None:
            return "Idle"
        if not self.authorised:
            return "EVConnected"
        if self.tx is not None and self.tx.full:
            return "SuspendedEV"
        return "Charging" if self.cap > 0 else "SuspendedEVSE"

    def state(self, connector: int) -> str:
        """In the words of 1.6, which has more of them."""
        if self.fault is not None:
            return "Faulted"
        if not self.operative and self.tx is None:
            return "Unavailable"
        if self.car is not None and connector != self.plug:
            return "Unavailable"
        if self.tx is not None and self.car is not None and self.authorised:
            return self.charging_state
        if self.car is not None:
            return "Finishing" if self.finished or (self.tx is not None and self.tx.stop) else "Preparing"
        if self.authorised:
            return "Preparing"
        return "Reserved" if self.hold is not None else "Available"

    def lets(self, token: Token, group: str = "") -> bool:
        """Whether the reservation, if there is one, is this driver's."""
        hold = self.hold
        return hold is None or hold.token.same(token) or bool(group and hold.group == group)

    # --- what happens at it

    def plug_in(self, now: int, car: Car, connector: int) -> bool:
        """False: there is a car already."""
        if self.car is not None:
            return False
        self.car, self.plug, self.finished = car, connector, False
        self.arrival = None
        if self.permit is not None:
            self.permit.until = 0
        if self.tx is not None:
            self.tx.connect(car, self.connector)
        self.settle(now, "CablePluggedIn")
        return True

    def let_in(self, now: int, permit: Permit) -> None:
        if self.car is None:
            permit.until = now + self.variables.number("ConnectionTimeOut") * SECOND
        self.permit = permit
        if self.tx is not None:
            self.tx.token, self.tx.token_told = permit.token, False
            self.tx.remote_id, self.tx.remote_told = permit.remote_id, False
            self.tx.stop = None
        self.settle(now, permit.trigger)

    def stop(self, now: int, trigger: str, reason: str) -> None:
        """Nobody may charge any more; the cable stays."""
        self.permit, self.arrival = None, None
        if self.tx is None:
            self.settle(now)
        elif self.car is None or {"Authorized", "PowerPathClosed"} & set(self.variables.list("TxCtrlr.TxStopPoint")):
            self._end(now, trigger, reason)
        else:
            self.tx.stop = trigger, reason
            self.settle(now, trigger)

    def unplug(self, now: int) -> None:
        if self.car is None:
            return
        tx, stopped = self.tx, self.tx.stop if self.tx is not None else None
        if tx is not None and tx.charge is not None:
            self.car.soc = tx.charge.soc
        self.car, self.finished = None, False
        if tx is not None:
            self.permit = None
            self._end(now, "EVCommunicationLost", stopped[1] if stopped else "EVDisconnected")
        else:
            self.settle(now)

    def broken(self, now: int, fault: Fault) -> None:
        """What is wrong is told before what follows from it."""
        self._tell_states(now)
        self.permit, self.arrival = None, None
        if self.tx is not None:
            self._end(now, "AbnormalCondition", fault.stopped)
        if self.hold is not None:
            self.release(now, "Removed")
        self.settle(now)

    def reserve(self, now: int, hold: Hold) -> None:
        self.hold = hold
        self.settle(now)

    def release(self, now: int, how: str = "") -> None:
        """`how` it ended, where the CSMS does not know it: Expired, Removed."""
        hold, self.hold = self.hold, None
        if hold is not None and how:
            self.say.hold_over(hold, how)
        self.settle(now)

    # --- its transaction

    def _begins(self) -> bool:
        if not self.usable:
            return False
        points = self.variables.list("TxCtrlr.TxStartPoint")
        connected = "EVConnected" in points and self.car is not None and not self.finished
        both = "PowerPathClosed" in points and self.car is not None and self.authorised
        return connected or both or ("Authorized" in points and self.authorised)

    def _begin(self, now: int, trigger: str) -> None:
        self.count += 1
        now -= now % SECOND
        tx = Transaction(identity(self.station, self.number, now, self.count), now, int(self.register))
        self.tx, self.finished = tx, False
        if self.car is not None:
            tx.connect(self.car, self.connector)
        if self.permit is not None:
            tx.token, tx.remote_id = self.permit.token, self.permit.remote_id
        if self.hold is not None and self.permit is not None:
            tx.reservation, self.hold = self.hold.id, None
        if self.permit is not None and self.permit.profile is not None:
            self.power.attach(self.permit.profile, tx.id)
        self.power.recap(now)
        tx.begin = self._signed(self.reading(now, "SampledDataCtrlr.TxStartedMeasurands", "Transaction.Begin"), "B")
        tx.told = self.charging_state
        self.say.started(self, tx, trigger, now)

    def _end(self, now: int, trigger: str, reason: str) -> None:
        tx = self.tx
        assert tx is not None
        now = max(now - now % SECOND, tx.began)
        final = self._signed(self.reading(now, "StopTxnSampledData", "Transaction.End"), "E")
        self.say.ended(self, tx, trigger, reason, final, now)
        self.register += tx.charge.delivered if tx.charge is not None else 0.0
        if self.car is not None and tx.charge is not None:
            self.car.soc = tx.charge.soc
        self.tx, self.permit, self.arrival = None, None, None
        self.finished = self.car is not None
        self.power.detach(tx.id)
        self.power.recap(now)
        self.settle(now)

    def _signed(self, reading: Reading, mark: str) -> Reading:
        token = self.tx.token if self.tx is not None else None
        return self.signer.sign(reading, token, mark) if self.signer is not None else reading

    # --- what is told

    def settle(self, now: int, trigger: str = "ChargingStateChanged") -> None:
        """Tells what has changed; `trigger` is what has happened."""
        tx = self.tx
        if tx is None and self._begins():
            self._begin(now, trigger)
        elif tx is not None and (trigger != "ChargingStateChanged" or tx.told != self.charging_state):
            tx.told = self.charging_state
            self.say.updated(self, tx, trigger, self.reading(now, "MeterValuesSampledData", "Other"), now)
        self._tell_states(now)

    def _tell_states(self, now: int) -> None:
        for connector in range(1, len(self.plan.connectors) + 1):
            state = self.state(connector)
            if self.told.get(connector) != state:
                self.say.status(self, connector, state, now)

    def reading(self, now: int, measurands: str, context: str) -> Reading:
        """`measurands` names the setting that says which."""
        tx = self.tx
        charge = tx.charge if tx is not None else None
        register = int(self.register + (charge.delivered if charge is not None else 0.0))
        found = readings.samples(self.variables.list(measurands), register, charge, self.connector, self.cap, flows=self.flows)
        return Reading(now, register, tuple(found), context)

    # --- time passes

    def run(self, until: int) -> int | None:
        """The meter, under the cap that holds; when the car was full, if it is now."""
        return self.tx.run(until, self.cap, flows=self.flows) if self.tx is not None else None

    def next(self, now: int) -> int | None:
        """The next moment after `now` at which something happens by itself."""
        moments = [
            self.tx.next_reading(now, self._interval) if self.tx is not None else None,
            self._aligned(now),
            self.hold.expires_at if self.hold is not None else None,
            self.permit.until if self.permit is not None and self.permit.until else None,
            self.arrival[0] if self.arrival is not None else None,
            self.car.leaves_at if self.car is not None and self.car.leaves_at else None,
        ]
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def _interval(self) -> int:
        return self.variables.number("MeterValueSampleInterval")

    def _aligned(self, now: int) -> int | None:
        step = self.variables.number("ClockAlignedDataInterval") * SECOND
        return None if not step or self.tx is None else (now // step + 1) * step

    def at(self, now: int) -> None:
        """What is due at this moment."""
        if self.hold is not None and self.hold.expires_at <= now:
            self.release(now, "Expired")
        if self.arrival is not None and self.arrival[0] <= now:
            (_, car, connector), self.arrival = self.arrival, None
            self.plug_in(now, car, connector)
        if self.permit is not None and self.permit.until and self.permit.until <= now:
            self.stop(now, "EVConnectTimeout", "Timeout")
        self._meter(now)
        if self.car is not None and self.car.leaves_at and self.car.leaves_at <= now:
            self.leave(now)

    def _meter(self, now: int) -> None:
        tx = self.tx
        if tx is None:
            return
        step = self._interval * SECOND
        if step and now > tx.began and (now - tx.began) % step == 0:
            self.say.updated(self, tx, "MeterValuePeriodic", self.reading(now, "MeterValuesSampledData", "Sample.Periodic"), now)
        aligned = self.variables.number("ClockAlignedDataInterval") * SECOND
        if aligned and now % aligned == 0 and now > tx.began:
            self.say.updated(self, tx, "MeterValueClock", self.reading(now, "MeterValuesAlignedData", "Sample.Clock"), now)

    def filled(self, now: int) -> None:
        """The car takes nothing more."""
        if self.car is not None and not self.car.leaves_at:
            self.car.leaves_at = now + LINGERS
        self.settle(now)

    def leave(self, now: int) -> None:
        """The driver comes back: one who charges with a card shows it again, then the cable comes out."""
        if self.tx is not None and self.permit is not None and self.permit.trigger == "Authorized":
            self.stop(now, "StopAuthorized", "Local")
        self.unplug(now)
