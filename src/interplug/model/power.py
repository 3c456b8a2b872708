"""What a Connector gives at most: the one place that knows how OCPI says it (8.3.3)."""

from __future__ import annotations

from typing import Any

PHASES = {"DC": 1, "AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3}


def phases_of(connector: dict[str, Any]) -> int:
    """Of a power type that is not known: one, the least."""
    return PHASES.get(connector["power_type"], 1)


def watts_of(connector: dict[str, Any]) -> int:
    """In watts, of a Connector in the newest form: `max_electric_power` where it is said, else volts (between line and neutral) times
    amperes (of each phase) times phases. 0 where nothing is known."""
    return int(connector.get("max_electric_power") or connector["max_voltage"] * connector["max_amperage"] * phases_of(connector))
