"""A TransactionEvent of 2.x with nothing in it but readings, read from its text at once: by far the most of all messages are like it, and
so it costs a third of what a message costs that is read with care. What it says is the same; whatever is not plain is not read here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from . import samples
from .events import Phase, Sample, Told
from .speech import Ear

PHASES: dict[Any, Phase] = {
    "Charging": "charging",
    "SuspendedEVSE": "charging",
    "SuspendedEV": "parked",
    "EVConnected": "parked",
    "Idle": "parked",
}


class Info(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", gc=False):
    transaction_id: str
    charging_state: str = ""
    time_spent_charging: int = 0
    remote_start_id: int = 0


Integer = Annotated[int, Meta(ge=-(2**31), lt=2**31)]


class Evse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", gc=False):
    id: Integer
    connector_id: Integer = 1


class MeterValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", gc=False):
    timestamp: str
    sampled_value: list[samples.Value]


class GoesOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", gc=False):
    event_type: Literal["Updated"]
    timestamp: str
    trigger_reason: str
    seq_no: int
    transaction_info: Info
    evse: Evse = Evse(0)
    meter_value: list[MeterValue] = []
    offline: bool = False
    number_of_phases_used: int = 0
    cable_max_current: int = 0


_goes_on = msgspec.json.Decoder(tuple[Literal[2], str, Literal["TransactionEvent"], GoesOn]).decode


def quick(ear: Ear, text: str) -> Told | None:
    """What `v201.transaction` says of it, too. None: it is not plain."""
    try:
        event = _goes_on(text)[3]
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
    info, at = event.transaction_info, ear.time(event.timestamp)
    found: list[Sample] = []
    for value in event.meter_value:
        found += samples.summed(at if value.timestamp == event.timestamp else ear.time(value.timestamp), value.sampled_value)
    return Told(
        kind="went on",
        number=info.transaction_id,
        evse=event.evse.id,
        connector=event.evse.connector_id or 1,
        at=at,
        said_at=event.timestamp,
        samples=tuple(found),
        phase=PHASES.get(info.charging_state),
        state=info.charging_state,
        offline=event.offline,
    )
