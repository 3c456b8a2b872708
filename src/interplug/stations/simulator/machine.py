"""A charging station without a socket: what happens at it goes in, what it says stands in its outbox. What its CSMS may want is `station`.

It keeps the time of its own clock: `advance` lets pass what has passed, event by event, so that it does not matter how often somebody
looks. The dialect turns what happens into messages of 1.6, 2.0.1 or 2.1 and answers the CSMS; who carries the messages is `line`.
Everything by chance comes from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

from interplug.stations.ocpp.frames import Payload

from .cards import Cards, Standing
from .cars import Car, some_car
from .evse import Evse, Say
from .faults import Fault
from .ocmf import Signer
from .outbox import Outbox
from .plan import Plan
from .power import Power
from .transaction import SECOND, Permit, Token
from .variables import Setting, Variables

RETRY = 60
"""Seconds until a station that was not accepted asks again, where the CSMS does not say."""
Told = Callable[[bool], None]


class Dialect(Say, Protocol):
    """What is said and answered in one version of OCPP."""

    def boot(self, reason: str) -> None: ...
    def heartbeat(self) -> None: ...
    def station(self, now: int) -> None:
        """What has changed of the station as a whole, and what is wrong with it."""

    def cleared(self, fault: Fault, now: int) -> None: ...
    def allowed(self, watts: float | None, now: int) -> None:
        """The place around the station has set it a limit, or has lifted it."""

    def forget(self) -> None:
        """Everything is to be told again."""

    def authorise(self, token: Token, then: Callable[[Standing | None], None]) -> None:
        """None: there was no answer."""

    def answer(self, action: str, payload: Payload) -> Payload: ...


def _nobody(accepted: bool) -> None:
    return None


class Machine:
    def __init__(
        self,
        plan: Plan,
        clock: Callable[[], int],
        speaks: Callable[[Any], Dialect],
        seed: str = "",
        *,
        arrives: float | None = None,
        leaves: float | None = None,
    ) -> None:
        """`arrives` and `leaves` in seconds of its clock: until a driver who was let in from afar plugs in, and until the car is gone
        after such a stop. None: somebody calls `plug_in` and `unplug`."""
        self.plan = plan
        self.clock = clock
        self.chance = random.Random(f"{seed}/{plan.id}")
        self.arrives, self.leaves = arrives, leaves
        self.signers = {n: Signer(f"{plan.id}-{n}", seed) for n in range(1, len(plan.evses) + 1)} if plan.signed else {}
        self.variables = Variables(_settings(plan), tuple(_keys(self.signers)))
        self.outbox = Outbox(clock())
        self.cards = Cards()
        self.faults: list[Fault] = []
        self.power = Power()
        self.say = speaks(self)
        self.evses = [self._evse(number) for number in range(1, len(plan.evses) + 1)]
        self.power.evses = list(self.evses)
        self.now = clock()
        self.linked = self.accepted = self.restarting = False
        self.because = "PowerUp"
        """Why it boots."""
        self.because_reset = "SoftReset"
        """What a 1.6 station says of the charges that this ends."""
        self._boot_at = self._heart_at = self._reset_at = 0
        self._idle_reset = False
        self._lost_at = 0
        self.password = plan.password.encode()

    def _evse(self, number: int) -> Evse:
        return Evse(
            number, self.plan.evses[number - 1], self.plan.id, self.say, self.power, self.variables, self.faults, self.chance,
            float(self.chance.randint(10_000, 9_000_000)), self.signers.get(number),
        )  # fmt: skip

    @property
    def online(self) -> bool:
        """It may speak of everything."""
        return self.linked and self.accepted

    def evse(self, number: int) -> Evse | None:
        return self.evses[number - 1] if 0 < number <= len(self.evses) else None

    def transaction(self, id: str) -> Evse | None:
        return next((one for one in self.evses if one.tx is not None and one.tx.id == id), None)

    # --- time passes

    def advance(self) -> int:
        """Everything that has happened by now, in its order; the time."""
        now = self.clock()
        while (due := self.due()) is not None and due <= now:
            self._run(due)
            self.now = max(self.now, due)
            self._at(self.now)
        self._run(now)
        self.now = max(self.now, now)
        return self.now

    def _run(self, until: int) -> None:
        for evse in self.evses:
            filled = evse.run(until)
            if filled is not None:
                evse.filled(filled)

    def due(self) -> int | None:
        """The next moment at which something happens by itself."""
        moments = [evse.next(self.now) for evse in self.evses]
        moments += [self.power.next(self.now), self._reset_at or None]
        if self.linked:
            moments.append(self._boot_at or None)
        if self.online:
            moments.append(self._heart_at or None)
        return min((moment for moment in moments if moment is not None), default=None)

    def _at(self, now: int) -> None:
        self.power.recap(now)
        for evse in self.evses:
            evse.at(now)
        if self.linked and self._boot_at and self._boot_at <= now:
            self._boot_at = 0
            self.say.boot(self.because)
        if self.online and self._heart_at and self._heart_at <= now:
            self._heart_at = now + self.variables.number("HeartbeatInterval") * SECOND
            self.say.heartbeat()
        if self._reset_at and self._reset_at <= now:
            self._restart(now)
        self.settle()

    def settle(self) -> None:
        """What follows for all of it: power that is divided otherwise, faults, states, a restart that waited for the last car."""
        self.power.recap(self.now)
        for evse in self.evses:
            evse.settle(self.now)
        self.say.station(self.now)
        self.outbox.woken()
        if self._idle_reset and all(one.tx is None for one in self.evses):
            self._idle_reset, self._reset_at = False, self.now

    # --- its line to the CSMS

    def connected(self) -> None:
        now = self.advance()
        self.linked, self.restarting = True, False
        self.outbox.linked()
        if not self.accepted:
            self.say.boot(self.because)
        else:
            self._back(everything=now - self._lost_at > self.variables.number("OCPPCommCtrlr.OfflineThreshold") * SECOND)

    def booted(self, status: str, interval: int) -> None:
        """The answer to a BootNotification; empty: there was none."""
        now = self.advance()
        if status == "Accepted":
            self.accepted = True
            if interval > 0:
                self.variables.set(self.variables.named("HeartbeatInterval"), str(interval))
            self._back(everything=True)
        else:
            self._boot_at = now + (interval or RETRY) * SECOND

    def _back(self, *, everything: bool) -> None:
        if everything:
            self.say.forget()
            for evse in self.evses:
                evse.told.clear()
        self._beat()
        self.settle()

    def _beat(self) -> None:
        interval = self.variables.number("HeartbeatInterval")
        self._heart_at = self.now + interval * SECOND if interval else 0

    def lost(self) -> None:
        self._lost_at = self.advance()
        self.linked = False
        self.outbox.cut()

    # --- what drivers and the weather do

    def plug_in(self, number: int, car: Car | None = None, connector: int = 1) -> bool:
        """False: there is a car already, or no such plug."""
        now, evse = self.advance(), self.evse(number)
        if evse is None or not 0 < connector <= len(evse.plan.connectors):
            return False
        done = evse.plug_in(now, car or some_car(self.chance), connector)
        self.settle()
        return done

    def unplug(self, number: int) -> None:
        self._do(number, lambda evse, now: evse.unplug(now))

    def leave(self, number: int) -> None:
        """As a driver does it who has a card: shows it, and takes the cable out."""
        self._do(number, lambda evse, now: evse.leave(now))

    def _do(self, number: int, what: Callable[[Evse, int], None]) -> None:
        now, evse = self.advance(), self.evse(number)
        if evse is None:
            raise LookupError(f"{self.plan.id} has no EVSE {number}")
        what(evse, now)
        self.settle()

    def fault(self, code: str, number: int = 0, *, vendor_code: str = "", text: str = "") -> None:
        """0: the whole station."""
        now = self.advance()
        fault = Fault(code, number, now, vendor_code, text)
        self.faults.append(fault)
        self.say.station(now)
        if fault.blocks:
            for evse in self.evses:
                if number in (0, evse.number):
                    evse.broken(now, fault)
        self.settle()

    def clear(self, number: int = 0, code: str | None = None) -> None:
        """Everything that is wrong with this EVSE, or with the station (0), or one of these."""
        self.advance()
        for fault in [one for one in self.faults if one.evse == number and code in (None, one.code)]:
            self.faults.remove(fault)
            self.say.cleared(fault, self.now)
        self.settle()

    # --- who may charge

    def tap(self, number: int | None, token: Token, told: Told = _nobody) -> None:
        """A card at the reader; `told` hears whether it was let in (or ended its own charge)."""
        now = self.advance()
        evse = self._before(number, token)
        if evse is None or any(one.code == "ReaderFailure" for one in self.faults):
            told(False)
        elif evse.permit is not None and evse.permit.token.same(token):
            evse.stop(now, "StopAuthorized", "Local")
            self.settle()
            told(True)
        else:
            self.authorise(token, lambda standing: self._shown(evse, token, standing, told))

    def _before(self, number: int | None, token: Token) -> Evse | None:
        """The EVSE that the card is meant for: its own, that with a car that waits, any that is free."""
        if number is not None:
            return self.evse(number)
        own = [one for one in self.evses if one.permit is not None and one.permit.token.same(token)]
        free = [one for one in self.evses if self.startable(one, token)]
        return next(iter([*own, *sorted(free, key=lambda one: (one.hold is None, one.car is None))]), self.evses[0])

    def _shown(self, evse: Evse, token: Token, standing: Standing, told: Told) -> None:
        now = self.advance()
        permit = evse.permit
        if standing.accepted and permit is not None and permit.group and permit.group == standing.group:
            evse.stop(now, "StopAuthorized", "Local")
        elif standing.accepted and self.startable(evse, token, standing.group):
            evse.let_in(now, Permit(token, "Authorized", standing.group))
        else:
            told(False)
            return
        self.settle()
        told(True)

    def startable(self, evse: Evse, token: Token, group: str = "") -> bool:
        taken = evse.authorised or (evse.tx is not None and evse.tx.stop is not None)
        return evse.usable and not taken and evse.lets(token, group)

    def authorise(self, token: Token, then: Callable[[Standing], None]) -> None:
        """Asks whoever is to be asked: the local list, what was said before, or the CSMS."""
        settings = self.variables
        alone = not self.online
        trusts = settings.on("LocalAuthorizeOffline" if alone else "LocalPreAuthorize")
        listed, remembered = trusts and settings.on("LocalAuthListEnabled"), trusts and settings.on("AuthorizationCacheEnabled")
        known = self.cards.known(token.id, self.now, listed=listed, remembered=remembered)
        if known is not None and (known.accepted or alone):
            then(known)
        elif not alone:
            self.say.authorise(token, lambda standing: self._told(token, standing, then))
        else:
            then(Standing("Accepted" if settings.on("AllowOfflineTxForUnknownId") else "Unknown"))

    def _told(self, token: Token, standing: Standing | None, then: Callable[[Standing], None]) -> None:
        """A line that broke while a card was looked at leaves the station to itself."""
        if standing is not None:
            self.cards.remember(token.id, standing)
            then(standing)
        elif self.online:
            then(Standing("Unknown"))
        else:
            self.authorise(token, then)

    def judged(self, token: Token, standing: Standing, transaction: str = "") -> None:
        """What the CSMS says of a card, perhaps of one that charges already."""
        now = self.advance()
        self.cards.remember(token.id, standing)
        evse = self.transaction(transaction)
        if evse is None or standing.accepted or evse.permit is None or not self.variables.on("StopTransactionOnInvalidId"):
            return
        evse.stop(now, "Deauthorized", "DeAuthorized")
        self.settle()

    # --- the end of a life

    def _restart(self, now: int) -> None:
        self._reset_at = 0
        for evse in self.evses:
            if evse.tx is not None:
                evse.stop(now, "ResetCommand", "ImmediateReset")
        self.accepted, self.restarting = False, True


def _settings(plan: Plan) -> dict[str, str]:
    points = {"TxCtrlr.TxStartPoint": plan.starts, "TxCtrlr.TxStopPoint": plan.stops}
    if plan.version == "1.6":
        points = {"TxCtrlr.TxStartPoint": ("PowerPathClosed",), "TxCtrlr.TxStopPoint": ("Authorized", "EVConnected")}
    profile = "0" if not plan.password and not plan.certificate else "3" if plan.certificate else "1"
    plugs = str(sum(len(one.connectors) for one in plan.evses))
    return {
        **{name: ",".join(words) for name, words in points.items()},
        "SecurityProfile": profile,
        "NumberOfConnectors": plugs,
        **plan.settings,
    }


def _keys(signers: dict[int, Signer]) -> list[Setting]:
    return [
        Setting(f"MeterPublicKey{number}", "FiscalMetering", "PublicKey", signer.public_key, "string", "ReadOnly", instance=str(number))
        for number, signer in signers.items()
    ]
