"""What an EVSE of the simulator is doing, as a table, and what its operator publishes of that (8.4.26 Status).

A cable without a driver, a driver without a cable, a car that takes nothing more: a station knows more states than OCPI. A
pair that is not in the table cannot happen and changes nothing. A station out of reach keeps its state and goes on; only
what is published of it is UNKNOWN (LOC-043).
"""

from __future__ import annotations

STATES: dict[tuple[str, str], str] = {
    ("free", "plug"): "plugged",
    ("free", "authorise"): "awaiting",
    ("free", "reserve"): "held",
    ("free", "close"): "closed",
    ("free", "fault"): "faulted",
    ("held", "reserve"): "held",
    ("held", "release"): "free",
    ("held", "plug"): "plugged",
    ("held", "authorise"): "awaiting",
    ("held", "fault"): "faulted",
    ("awaiting", "plug"): "charging",
    ("awaiting", "give_up"): "free",
    ("awaiting", "fault"): "faulted",
    ("plugged", "authorise"): "charging",
    ("plugged", "unplug"): "free",
    ("plugged", "fault"): "faulted",
    ("charging", "fill"): "full",
    ("charging", "stop"): "finishing",
    ("charging", "unplug"): "free",
    ("charging", "fault"): "faulted",
    ("full", "stop"): "finishing",
    ("full", "unplug"): "free",
    ("full", "fault"): "faulted",
    ("finishing", "unplug"): "free",
    ("finishing", "fault"): "faulted",
    ("faulted", "plug"): "faulted",
    ("faulted", "unplug"): "faulted",
    ("faulted", "clear"): "free",
    ("closed", "open"): "free",
}

PUBLISHED = {
    "free": "AVAILABLE",
    "held": "RESERVED",
    # For one driver and for no other, until the cable is in.
    "awaiting": "RESERVED",
    "plugged": "CHARGING",  # in use
    "charging": "CHARGING",
    "full": "CHARGING",
    "finishing": "BLOCKED",  # a car stands there and takes nothing
    "faulted": "OUTOFORDER",
    "closed": "INOPERATIVE",
}
OFFLINE = "UNKNOWN"

REFUSALS = {
    "faulted": ("EVSE_INOPERATIVE", "the station is out of order"),
    "closed": ("EVSE_INOPERATIVE", "the station is out of service"),
    "charging": ("EVSE_OCCUPIED", "a car is charging there"),
    "full": ("EVSE_OCCUPIED", "a car is charging there"),
    "finishing": ("EVSE_OCCUPIED", "a car still stands there"),
    "awaiting": ("EVSE_OCCUPIED", "another driver is about to charge there"),
}
"""Why nobody can start here, by state: a CommandResultType and a text for the driver."""


def advance(state: str, event: str) -> str | None:
    return STATES.get((state, event))
