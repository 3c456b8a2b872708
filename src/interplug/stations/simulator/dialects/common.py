"""What all dialects do alike: put a call into the outbox, read a limit of power, answer by a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from interplug.model.types import format_time, parse_time
from interplug.stations.ocpp.frames import Payload
from interplug.stations.ocpp.link import Refused
from interplug.stations.simulator.evse import Evse
from interplug.stations.simulator.limits import KINDS, ROUNDS, Period, Profile
from interplug.stations.simulator.outbox import Call
from interplug.stations.simulator.station import Station

Answer = Callable[[Payload], Payload]
Reply = Callable[[Payload | None], None]


class Speaker:
    """A dialect of one station. `answers` has what it can be asked."""

    def __init__(self, station: Station) -> None:
        self.of = station
        self.answers: dict[str, Answer] = {}

    def put(self, action: str, payload: Payload | Callable[[], Payload], replied: Reply | None = None, *, kept: bool = False) -> None:
        call = Call(action, payload, kept=kept)
        if replied is not None:
            call.replied = replied
        self.of.outbox.put(call)

    def answer(self, action: str, payload: Payload) -> Payload:
        answer = self.answers.get(action)
        if answer is None:
            raise Refused("NotSupported", f"this station has no {action}")
        return answer(payload)

    # --- boot and heart, whose names are the same everywhere

    def booted(self, answer: Payload | None) -> None:
        self.of.booted(answer["status"], int(answer["interval"])) if answer is not None else self.of.booted("", 0)

    def heartbeat(self) -> None:
        self.put("Heartbeat", {})

    def connector_told(self, evse: Evse, connector: int, state: str) -> Reply:
        """A state that was not delivered is told again."""
        evse.told[connector] = state

        def replied(answer: Payload | None) -> None:
            if answer is None and evse.told.get(connector) == state:
                del evse.told[connector]

        return replied


def time(at: int) -> str:
    return format_time(at)


def moment(text: str | None) -> int | None:
    """Raises Refused for what is no time."""
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError:
        raise Refused("PropertyConstraintViolation", f"no time: {text[:40]}") from None


def word(accepted: bool) -> Payload:
    return {"status": "Accepted" if accepted else "Rejected"}


def profile(document: dict[str, Any], schedule: dict[str, Any], id: int, evse: int, purpose: str) -> Profile | None:
    """A charging profile; None: of a kind that this station does not know."""
    kind, periods = document["chargingProfileKind"], schedule["chargingSchedulePeriod"]
    if kind not in KINDS or not all("limit" in one for one in periods):
        return None
    valid_from, transaction = moment(document.get("validFrom")), document.get("transactionId")
    return Profile(
        id=id,
        evse=evse,
        purpose=purpose,
        stack=document["stackLevel"],
        kind=kind,
        unit=schedule["chargingRateUnit"],
        periods=tuple(Period(one["startPeriod"], float(one["limit"]), one.get("numberPhases")) for one in _in_order(periods)),
        begins=moment(schedule.get("startSchedule")),
        duration=schedule.get("duration"),
        round=ROUNDS.get(document.get("recurrencyKind", "Daily")) if kind == "Recurring" else None,
        valid_from=valid_from or 0,
        valid_to=moment(document.get("validTo")),
        transaction=None if transaction is None else str(transaction),
        document=document,
    )


def _in_order(periods: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(periods, key=lambda one: int(one["startPeriod"]))
