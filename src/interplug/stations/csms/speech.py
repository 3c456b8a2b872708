"""What a version of OCPP has to say of itself: how its messages become events, how answers are spelled, how commands become calls.

`Speech` is that as one record; the newer version is the older one with what it changes. `Ear` is all that the files of the versions
see of the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from interplug.model.types import format_time
from interplug.stations.ocpp.dialects import Dialect
from interplug.stations.ocpp.frames import Payload
from interplug.store.charging_stations import Outlet

from .events import Admission, IdToken, Standing, Told, Trouble
from .schedules import Ability, Schedule


class Ear(Protocol):
    """The station's counterpart here, as the file of a version speaks to it."""

    def time(self, text: object) -> int:
        """When it was, by the station's clock, corrected."""

    def heard(self, text: object) -> None:
        """A time that the station sent as it happened."""

    def now(self) -> str:
        """For the station's clock."""

    async def booted(self, about: dict[str, str], *, anew: bool = True) -> str:
        """Accepted, or Pending. Not `anew`: it was asked to say again what it is."""

    @property
    def heartbeat(self) -> int: ...
    async def admit(self, token: IdToken, evse: int | None) -> Admission: ...
    async def standing(self, standing: Standing) -> None: ...
    def goes_on(self, told: Told) -> None:
        """A status says how a transaction goes on."""

    async def trouble(self, trouble: Trouble) -> None: ...
    async def reservation_over(self, number: int, event: str) -> None: ...
    async def limited(self, evse: int) -> None:
        """The station has got other limits, or has lost them; 0: the whole station."""

    async def certify(self, csr: str, named: Payload) -> bool:
        """Whether the station gets the certificate that it asks for; it follows the answer, with what the request is known by."""

    def remark(self, what: str, said: Payload) -> None:
        """Something for the operator's log only."""


class Asked(NamedTuple):
    """A call to a station, and what each status that it may answer is as a CommandResultType."""

    action: str
    payload: Payload
    results: Mapping[str, str]


class Want(NamedTuple):
    """What a command wants of a station, in no version's words. `number`: of the remote start, of the reservation or of the charging
    profile, or the seconds of a plan."""

    outlet: Outlet | None = None
    token: IdToken = IdToken("")
    group: IdToken | None = None
    number: int = 0
    transaction: str = ""
    until: str = ""
    evse: int = 0
    schedule: Schedule | None = None
    unit: str = ""


Handler = Callable[[Ear, Payload], Awaitable[Payload]]
LATER, SOON, NOW = range(3)
"""When a message about a transaction is carried into the book: with others that say how it goes on, without waiting for them, or before
its answer, which names a transaction or judges a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    dialect: Dialect
    transactions: Mapping[str, Callable[[Ear, Payload], Told]]
    """Messages about transactions: stored before anything else, answered whatever they say."""
    quick: Callable[[Ear, str], Told | None] | None = None
    """Reads the most frequent of them from its text at once; None where it is not one of these."""
    haste: Callable[[str, str], int]
    """LATER, SOON or NOW, by the action and the text of one of them, before it is read: in doubt rather too soon."""
    answer: Callable[[str, Payload, Admission | None, str], Payload]
    """The answer to one of them: action, payload, what a token is told, and until when the station may remember that. It is told
    nothing where nothing was asked (LATER, SOON); the payload of what is carried LATER is not read by then, and empty."""
    handlers: Mapping[str, Handler]
    """All other messages."""
    wants: Mapping[str, Callable[[Want], Asked]]
    """By the name of the command in `ChargingStations`; and `ability`, what the station can take of charging profiles."""
    able: Callable[[Payload], Ability]
    """The answer to that."""
    local_list: Callable[[int, bool, Sequence[IdToken]], tuple[str, Payload]]
    """A call with a part of a local list: its number, whether it replaces what is there, and who is on it."""
    named_by_us: bool
    """Transactions have the number that we give them."""
    longest_token: int


def reason(answer: Payload) -> str | None:
    """Why a station refuses; 2.x can say so."""
    info = answer.get("statusInfo")
    info = info if isinstance(info, dict) else {}
    text = info.get("additionalInfo") or info.get("reasonCode")
    return str(text) if text else None


# --- messages that every version has


async def noted(ear: Ear, payload: Payload) -> Payload:
    """A message that is good to know and asks for nothing."""
    return {}


async def heartbeat(ear: Ear, payload: Payload) -> Payload:
    return {"currentTime": ear.now()}


async def data_transfer(ear: Ear, payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


async def security_event(ear: Ear, payload: Payload) -> Payload:
    ear.remark("security event", payload)
    return {}


async def sign_certificate(ear: Ear, payload: Payload) -> Payload:
    """For its line to us; one for vehicles (ISO 15118) has to come from an authority of theirs."""
    named: Payload = {name: payload[name] for name in ("certificateType", "requestId") if name in payload}
    ours = named.get("certificateType", OWN_LINE) == OWN_LINE
    return {"status": "Accepted" if ours and await ear.certify(str(payload["csr"]), named) else "Rejected"}


OWN_LINE = "ChargingStationCertificate"
COMMON: dict[str, Handler] = {
    "DataTransfer": data_transfer,
    "FirmwareStatusNotification": noted,
    "Heartbeat": heartbeat,
    "LogStatusNotification": noted,
    "SecurityEventNotification": security_event,
    "SignCertificate": sign_certificate,
}


# --- what every version says alike


START = {"Accepted": "ACCEPTED", "Rejected": "REJECTED"}
STOP = START
RESERVE = {
    "Accepted": "ACCEPTED",
    "Occupied": "EVSE_OCCUPIED",
    "Faulted": "EVSE_INOPERATIVE",
    "Unavailable": "EVSE_INOPERATIVE",
    "Rejected": "REJECTED",
}
CANCEL = {"Accepted": "ACCEPTED", "Rejected": "UNKNOWN_RESERVATION"}
"""What the status of an answer is as a CommandResultType (14.4.2)."""


def number(value: Any) -> int | None:
    """Some stations write numbers as strings. One of OCPP has 32 bits."""
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if -(2**31) <= found < 2**31 else None


def schedule_said(schedule: Schedule) -> Payload:
    """The same in all versions, but for the id that 2.x gives it."""
    said: Payload = {
        "chargingRateUnit": schedule.unit,
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in schedule.periods],
    }
    if schedule.start is not None:
        said["startSchedule"] = format_time(schedule.start, whole_seconds=True)
    if schedule.duration is not None:
        said["duration"] = schedule.duration
    if schedule.least is not None:
        said["minChargingRate"] = schedule.least
    return said


UNITS = {"Current": "A", "A": "A", "Power": "W", "W": "W"}


def ability_of(units: str, periods: str, stack: str) -> Ability:
    """From the words of a station; what it does not say is not known to be wanting."""
    named = frozenset(UNITS[unit.strip()] for unit in units.split(",") if unit.strip() in UNITS)
    highest = number(stack)
    return Ability(named or Ability().units, max(0, number(periods) or 0), Ability().stack if highest is None else max(0, highest))
