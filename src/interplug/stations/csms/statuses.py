"""From what a station says of its connectors to the status of an EVSE (8.4.26). Pure.

There is no one way in the market, so the table is configuration; what stands here is the default. A fault or an unavailability of the
whole station overrides its EVSEs. Of several connectors that are one EVSE, the busiest one speaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .events import Phase, Status

DEFAULT: dict[str, str] = {
    "Available": "AVAILABLE",
    "Preparing": "CHARGING",  # the next driver cannot use it
    "Charging": "CHARGING",
    "SuspendedEV": "CHARGING",
    "SuspendedEVSE": "CHARGING",
    "Finishing": "CHARGING",  # somebody still stands there
    "Reserved": "RESERVED",
    "Unavailable": "INOPERATIVE",
    "Faulted": "OUTOFORDER",
    "Offline": "UNKNOWN",
}
BUSIEST = ("Charging", "SuspendedEV", "SuspendedEVSE", "Preparing", "Finishing", "Reserved", "Available", "Unavailable", "Faulted")


def published(
    station: str | None,
    connectors: Sequence[str],
    *,
    charging: bool,
    broken: bool,
    explained: bool = False,
    online: bool,
    table: Mapping[str, str],
) -> str | None:
    """The OCPI status. `station` is what was said of the whole of it; `charging`: a driver's transaction runs; `broken`: a critical fault
    is open; `explained`: a fault is open that explains why it is out of service. None: nothing was said yet."""
    state = _state(station, connectors, charging=charging, broken=broken, online=online)
    if state == "Unavailable" and explained:
        state = "Faulted"
    return None if state is None else table.get(state) or DEFAULT[state]


def _state(station: str | None, connectors: Sequence[str], *, charging: bool, broken: bool, online: bool) -> str | None:
    if not online:
        return "Offline"
    if broken or station == "Faulted":
        return "Faulted"
    if station == "Unavailable":
        return "Unavailable"
    states = [("Charging" if charging else "Preparing") if one == "Occupied" else one for one in connectors or ["Occupied"] * charging]
    return min(states, key=BUSIEST.index, default=None)


PHASES: dict[str, Phase] = {"Charging": "charging", "SuspendedEVSE": "charging", "SuspendedEV": "parked", "Finishing": "parked"}
"""What a transaction is doing where only the status of its connector says it (1.6). Waiting for the station is not parking."""
OVERTAKEN: tuple[Status, ...] = ("Available", "Preparing", "Finishing", "Reserved")
"""What a transaction that has begun since then makes untrue."""
FREE: tuple[Status, ...] = ("Available", "Reserved", "Unavailable")
"""Where none can."""
