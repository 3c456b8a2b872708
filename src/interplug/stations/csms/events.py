"""What a station tells, in words that no version of OCPP owns. The files of the versions make these; `desk` knows what they mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

Phase = Literal["charging", "parked"]
Status = Literal[
    "Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved", "Unavailable", "Faulted", "Occupied"
]


class Superseded(Exception):
    """The station has a newer connection; this one may say nothing more."""


class IdToken(NamedTuple):
    """A token as the station read it; `type` is that of 2.x, 1.6 has none."""

    text: str
    type: str = ""


class Signed(msgspec.Struct, frozen=True, array_like=True):
    """A meter value that the meter signed, byte for byte as it came; `data` may hold its key, else that is in `public_key`."""

    context: str
    at: int
    data: str
    encoding: str = ""
    method: str = ""
    public_key: str = ""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What the meter showed at a moment, in Wh, W, A and per cent; sums of the phases."""

    at: int
    register: Decimal | None = None
    interval: Decimal | None = None
    """Wh since the sample before, where the meter has no register."""
    power: Decimal | None = None
    current: Decimal | None = None
    soc: Decimal | None = None
    context: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a transaction. `number` is the station's name for it (empty: it gave none), `at` is when it happened."""

    kind: Literal["begun", "went on", "ended"]
    named_by_us: bool = False
    """It gets its number from us."""
    number: str = ""
    evse: int = 0
    """0: the station did not say where."""
    connector: int = 1
    at: int
    said_at: str = ""
    """The time as the station wrote it, by which a repeated beginning is known."""
    token: IdToken | None = None
    samples: tuple[Sample, ...] = ()
    signed: tuple[Signed, ...] = ()
    phase: Phase | None = None
    """None: as before."""
    state: str = ""
    """What the station calls it, as Charging or SuspendedEV; empty: it does not say."""
    began_with: Decimal | None = None
    """The register at the beginning, in Wh."""
    reason: str = ""
    reservation: int | None = None
    offline: bool = False
    aside: bool = False
    """A status said it, of whatever runs there."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector is doing; `evse` 0 is the whole station. `error`: NoError, or the code of what is wrong; None: it tells of none."""

    evse: int
    connector: int
    status: Status
    at: int
    error: str | None = None
    vendor_code: str = ""
    info: str = ""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that opened or closed, told by an event of 2.x. `code` is normalised."""

    evse: int
    connector: int
    code: str
    at: int
    open: bool
    severity: str = ""
    vendor_code: str = ""
    info: str = ""


class Admission(NamedTuple):
    """What a station hears of a token. `status` is one of 2.x; older versions say it otherwise."""

    status: str
    group: IdToken | None = None
    number: str = ""
    """The transaction, where it is we who name it."""
    lasting: bool = False
    """The station may remember it."""
    begins: bool = False
    """A charge that somebody pays for begins with it."""

    @property
    def accepted(self) -> bool:
        return self.status == "Accepted"


INVALID = Admission("Invalid")
