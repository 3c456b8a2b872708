"""A strict CSMS in memory: it takes what a simulated station says, checks each message against the schema of its version, and answers.

`Csms` has no socket; `pump` is the wire. A message that is not as OCPP says it fails the test, and so does an answer of the station.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interplug.model.types import decode_json, encode_json, format_time
from interplug.stations.ocpp.dialects import DIALECTS, Dialect
from interplug.stations.ocpp.frames import Payload
from interplug.stations.ocpp.schemas import actions, check_request, check_response
from interplug.stations.simulator.dialects import build
from interplug.stations.simulator.plan import Connector, Evse, Plan
from interplug.stations.simulator.station import Station
from tests.nodes import Clock

VERSIONS = ("1.6", "2.0.1", "2.1")
LATER = ("2.0.1", "2.1")
AC, DC = Connector(), Connector("DC", 50_000)


def wire(payload: Payload) -> Payload:
    """As it arrives at the other end."""
    arrived: Payload = decode_json(encode_json(payload))
    return arrived


class Book:
    """What one station has said, checked, and what it is answered."""

    def __init__(self, dialect: Dialect, clock: Callable[[], int]) -> None:
        self.dialect, self.now = dialect, clock
        self.heard: list[tuple[str, Payload]] = []
        self.blocked: set[str] = set()
        self.boots = "Accepted"
        self._number = 0

    def hear(self, action: str, payload: Payload) -> None:
        problem = check_request(self.dialect, action, payload)
        assert problem is None, f"{action}: {problem.description if problem else ''}: {payload}"
        self.heard.append((action, payload))

    def answer(self, action: str, payload: Payload) -> Payload:
        answer = wire(self._answer(action, payload))
        problem = check_response(self.dialect, action, answer)
        assert problem is None, problem
        return answer

    def _answer(self, action: str, payload: Payload) -> Payload:
        now = format_time(self.now())
        if action == "BootNotification":
            return {"status": self.boots, "currentTime": now, "interval": 600}
        if action == "Heartbeat":
            return {"currentTime": now}
        if action == "Authorize":
            return self._standing(payload)
        if action == "StartTransaction":
            self._number += 1
            return {"transactionId": self._number, **self._standing(payload)}
        if action == "TransactionEvent":
            return self._standing(payload) if "idToken" in payload else {}
        return {}

    def _standing(self, payload: Payload) -> Payload:
        if self.dialect.version == "1.6":
            return {"idTagInfo": {"status": "Blocked" if payload["idTag"] in self.blocked else "Accepted", "parentIdTag": "FAMILY"}}
        status = "Blocked" if payload["idToken"]["idToken"] in self.blocked else "Accepted"
        return {"idTokenInfo": {"status": status, "groupIdToken": {"idToken": "FAMILY", "type": "Central"}}}

    def of(self, action: str) -> list[Payload]:
        return [payload for name, payload in self.heard if name == action]

    def events(self) -> list[tuple[str, str]]:
        """Of 2.x: what kind, and why."""
        return [(one["eventType"], one["triggerReason"]) for one in self.of("TransactionEvent")]

    def statuses(self, evse: int = 1) -> list[str]:
        if self.dialect.version == "1.6":
            return [one["status"] for one in self.of("StatusNotification") if one["connectorId"] == evse]
        return [one["connectorStatus"] for one in self.of("StatusNotification") if one["evseId"] == evse]

    def forget(self) -> None:
        self.heard.clear()


class Csms(Book):
    """The CSMS of one station, without a socket between them."""

    def __init__(self, station: Station, clock: Clock) -> None:
        super().__init__(DIALECTS[f"ocpp{station.plan.version}"], clock)
        self.station, self.clock = station, clock
        self.refuses: set[str] = set()

    # --- what it hears

    def pump(self) -> None:
        """Until the station has nothing more to say."""
        while self.station.linked:
            self.station.advance()
            outbox = self.station.outbox
            call = outbox.next(self.station.now) if self.station.accepted else outbox.fresh()
            if call is None:
                return
            payload = wire(call.body())
            self.hear(call.action, payload)
            if call.action in self.refuses:
                outbox.refused(call, self.station.now, 3, 10)
            else:
                outbox.done(call, self.answer(call.action, payload))

    # --- what it wants

    def ask(self, action: str, **payload: Any) -> Payload:
        asked = wire(payload)
        assert action in actions(self.dialect)
        problem = check_request(self.dialect, action, asked)
        assert problem is None, problem
        answer = wire(self.station.answer(action, asked))
        problem = check_response(self.dialect, action, answer)
        assert problem is None, f"{action}: {problem.description if problem else ''}: {answer}"
        self.pump()
        return answer

    # --- time passes

    def wait(self, seconds: int, step: int = 10) -> None:
        for _ in range(seconds // step):
            self.clock.move(step)
            self.pump()

    def drop(self) -> None:
        self.station.lost()

    def link(self) -> None:
        self.station.connected()
        self.pump()


def plugged(version: str, clock: Clock, *, evses: int = 2, connector: Connector = AC, link: bool = True, **more: Any) -> Csms:
    """A station that has booted, and its CSMS, which has forgotten what it heard of that."""
    habits = {name: more.pop(name) for name in ("arrives", "leaves") if name in more}
    plan = Plan(id="CP1", version=version, evses=(Evse((connector,)),) * evses, **more)  # type: ignore[arg-type]
    csms = Csms(build(plan, clock, "seed", **habits), clock)
    if link:
        csms.link()
        csms.forget()
    return csms
