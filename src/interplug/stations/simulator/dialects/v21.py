"""A 2.1 station: a 2.0.1 station, but for what is here."""

from __future__ import annotations

from collections.abc import Callable

from interplug.stations.ocpp.frames import Payload
from interplug.stations.simulator.evse import Evse
from interplug.stations.simulator.faults import Fault

from .v201 import V201

CRITICAL, SLIGHT = 2, 6
"""Severities, from 0 (danger) to 9 (debug)."""


class V21(V201):
    def connector(self, evse: Evse, connector: int, word: str, now: int, replied: Callable[[Payload | None], None]) -> None:
        """StatusNotification is on its way out: the state is a variable like others."""
        if not self.of.plan.state_events:
            super().connector(evse, connector, word, now, replied)
            return
        component = self.component("Connector", evse.number, connector)
        self.event(now, component, "AvailabilityState", {"actualValue": word, "trigger": "Delta"}, replied)

    def severity(self, fault: Fault) -> Payload:
        return {"severity": CRITICAL if fault.blocks else SLIGHT}
