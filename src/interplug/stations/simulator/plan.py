"""What a station of the simulator is: its name, its dialect, its plugs and its habits. A list of these is the file of `--stations`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

Version = Literal["1.6", "2.0.1", "2.1"]
PowerType = Literal["AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"]
Point = Literal["EVConnected", "Authorized", "PowerPathClosed"]
Positive = Annotated[int, msgspec.Meta(gt=0)]


class Connector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    power_type: PowerType = "AC_3_PHASE"
    watts: Positive = 11_000
    standard: Annotated[str, msgspec.Meta(max_length=20)] = ""
    """As OCPP 2.x names it (cType2, cCCS2, sType2 …); empty: by the kind of power."""

    @property
    def dc(self) -> bool:
        return self.power_type == "DC"

    @property
    def phases(self) -> int:
        return {"AC_1_PHASE": 1, "AC_3_PHASE": 3, "DC": 1}.get(self.power_type, 2)

    @property
    def volts(self) -> float:
        """Of a phase; of the battery, with direct current."""
        return 400.0 if self.dc else 230.0

    @property
    def named(self) -> str:
        return self.standard or ("cCCS2" if self.dc else "sType2")


class Evse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connectors: Annotated[tuple[Connector, ...], msgspec.Meta(min_length=1)] = (Connector(),)


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=48, pattern=r"^[A-Za-z0-9*+=|@._-]+$")]
    """The identity, the end of the address."""
    version: Version = "1.6"
    evses: Annotated[tuple[Evse, ...], msgspec.Meta(min_length=1)] = (Evse(),)
    password: str = ""
    """Of HTTP Basic authentication; empty: none is sent."""
    certificate: str = ""
    key: str = ""
    """PEM files with which the station proves itself (security profile 3)."""
    vendor: Annotated[str, msgspec.Meta(max_length=20)] = "Interplug"
    model: Annotated[str, msgspec.Meta(max_length=20)] = "Simulated"
    firmware: Annotated[str, msgspec.Meta(max_length=50)] = "1.0"
    signed: bool = False
    """Its meter signs what it shows (OCMF)."""
    starts: tuple[Point, ...] = ("PowerPathClosed",)
    stops: tuple[Point, ...] = ("Authorized", "EVConnected")
    """TxStartPoint and TxStopPoint of 2.x; in 1.6 a transaction is where a driver and a cable are."""
    state_events: bool = False
    """2.1: tells the state of its connectors by NotifyEvent in place of StatusNotification."""
    settings: dict[str, str] = {}
    """Standard settings that differ, by their 1.6 key or as Component.Variable."""


def read(path: Path) -> list[Plan]:
    """The stations of a file; `ValueError` says what is wrong with it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Plan])
    except msgspec.ValidationError as error:
        raise ValueError(f"{path}: {error}") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
