"""What a CSMS may want of a station, in no version's words: each answer is what a dialect needs to spell its own."""

from __future__ import annotations

from dataclasses import replace

from interplug.stations.ocpp.frames import Payload

from .cards import Standing
from .cars import some_car
from .evse import Evse, Hold
from .limits import OUTSIDE, Period, Profile
from .machine import Machine
from .transaction import SECOND, Permit
from .variables import Setting

UNLOCKED = 10 * SECOND
"""After which a driver whose plug was unlocked has gone, where nobody says when drivers leave."""


class Station(Machine):
    def start(self, number: int, permit: Permit, connector: int | None = None) -> Evse | None:
        """A start from afar; the EVSE that lets the driver in, None: refused. 0: whichever is best."""
        self.advance()
        wanted = [one for one in self.evses if number in (0, one.number) and self.startable(one, permit.token, permit.group)]
        evse = min(wanted, key=lambda one: (one.hold is None, one.car is None), default=None)
        if evse is None or (connector is not None and evse.car is not None and evse.plug != connector):
            return None
        if self.variables.on("AuthorizeRemoteTxRequests"):
            self.authorise(permit.token, lambda standing: self._asked(evse, permit, standing, connector))
        else:
            self._asked(evse, permit, Standing("Accepted"), connector)
        return evse

    def _asked(self, evse: Evse, permit: Permit, standing: Standing, connector: int | None) -> None:
        now = self.advance()
        if not standing.accepted or not self.startable(evse, permit.token, permit.group):
            return
        if evse.car is None and self.arrives is not None:
            evse.arrival = now + int(self.arrives * SECOND), some_car(self.chance), connector or 1
        evse.let_in(now, permit)
        self.settle()

    def stop(self, evse: Evse, trigger: str = "RemoteStop", reason: str = "Remote") -> None:
        now = self.advance()
        evse.stop(now, trigger, reason)
        if evse.car is not None and self.leaves is not None:
            evse.car.leaves_at = now + int(self.leaves * SECOND)
        self.settle()

    def unlock(self, evse: Evse) -> bool:
        """False: the lock does not open. A driver whose plug is loose takes it out."""
        now = self.advance()
        if any(one.code == "ConnectorLockFailure" and one.evse == evse.number for one in self.faults):
            return False
        if evse.tx is not None:
            evse.stop(now, "UnlockCommand", "UnlockCommand")
        if evse.car is not None:
            evse.car.leaves_at = now + (UNLOCKED if self.leaves is None else int(self.leaves * SECOND))
        self.settle()
        return True

    def reserve(self, number: int, hold: Hold) -> str:
        """Accepted, or why not."""
        now = self.advance()
        old = next((one for one in self.evses if one.hold is not None and one.hold.id == hold.id), None)
        asked = [one for one in self.evses if number in (0, one.number)]
        able = [one for one in asked if one is old or (one.usable and one.hold is None and one.car is None and not one.authorised)]
        if not able:
            return _why_not(asked)
        evse = old if old in able else able[0]
        assert evse is not None
        if old is not None and old is not evse:
            old.release(now)
        evse.reserve(now, hold)
        self.settle()
        return "Accepted"

    def cancel(self, id: int) -> bool:
        now = self.advance()
        evse = next((one for one in self.evses if one.hold is not None and one.hold.id == id), None)
        if evse is not None:
            evse.release(now)
            self.settle()
        return evse is not None

    def limit(self, profile: Profile, transaction: str | None = None) -> bool:
        """A charging profile holds from now on. False: there are too many."""
        self.advance()
        return self.power.install(replace(profile, transaction=transaction))

    def allow(self, watts: float | None) -> None:
        """What the place around the station allows it from now on; None: everything again. The CSMS is told where its version can be."""
        now = self.advance()
        self.power.place = None if watts is None else Profile(0, 0, OUTSIDE, 0, "Absolute", "W", (Period(0, watts),), begins=now)
        self.say.allowed(watts, now)
        self.settle()

    def change(self, setting: Setting, value: str) -> str:
        """Accepted, Rejected or RebootRequired."""
        self.advance()
        if setting.access == "ReadOnly" or not setting.fits(value):
            return "Rejected"
        if setting.key == "AuthorizationKey":
            self.password = _password(value, self.plan.version)
        self.variables.set(setting, value)
        if setting.key == "HeartbeatInterval":
            self._beat()
        return "RebootRequired" if setting.reboot else "Accepted"

    def operate(self, number: int, operative: bool) -> str:
        """In service or not; who charges goes on until the end."""
        now = self.advance()
        for evse in self.evses:
            if number in (0, evse.number):
                evse.operative = operative
                if not operative and evse.tx is None:
                    evse.permit, evse.arrival = None, None
                    evse.release(now, "Removed")
        waits = not operative and any(one.tx is not None for one in self.evses if number in (0, one.number))
        self.settle()
        return "Scheduled" if waits else "Accepted"

    def reset(self, *, idle: bool, because: str) -> str:
        """Starts again: a moment after the answer, or when nobody charges any more."""
        now = self.advance()
        self.because = because
        if idle and any(one.tx is not None for one in self.evses):
            self._idle_reset = True
            return "Scheduled"
        self._reset_at = now + SECOND
        return "Accepted"

    def answer(self, action: str, payload: Payload) -> Payload:
        """To a CALL of the CSMS; raises Refused."""
        self.advance()
        found = self.say.answer(action, payload)
        self.settle()
        return found


def _why_not(evses: list[Evse]) -> str:
    if not evses:
        return "Rejected"
    if all(one.fault is not None for one in evses):
        return "Faulted"
    return "Unavailable" if not any(one.usable for one in evses) else "Occupied"


def _password(value: str, version: str) -> bytes:
    """1.6 writes it as hexadecimal digits."""
    try:
        return bytes.fromhex(value) if version == "1.6" else value.encode()
    except ValueError:
        return value.encode()
