"""The device model of a 2.x station: its variables read, changed and reported."""

from __future__ import annotations

from collections.abc import Callable

from interplug.stations.ocpp.frames import Payload
from interplug.stations.simulator.station import Station
from interplug.stations.simulator.variables import WO, Setting

from .common import Answer, time

PAGE = 20
"""Variables in one report."""


class Device:
    def __init__(self, station: Station, put: Callable[[str, Payload], None]) -> None:
        self._of, self._put = station, put
        self.answers: dict[str, Answer] = {
            "GetVariables": lambda asked: {"getVariableResult": [self._read(one) for one in asked["getVariableData"]]},
            "SetVariables": lambda asked: {"setVariableResult": [self._set(one) for one in asked["setVariableData"]]},
            "GetBaseReport": self._base,
            "GetReport": self._some,
        }

    def _find(self, asked: Payload) -> Setting | str:
        """The variable, or why there is none."""
        component, variable = asked["component"], asked["variable"]
        found = self._of.variables.variable(component["name"], variable["name"], variable.get("instance"))
        if found is not None and asked.get("attributeType", "Actual") != "Actual":
            return "NotSupportedAttributeType"
        return found or ("UnknownVariable" if self._of.variables.component(component["name"]) else "UnknownComponent")

    def _read(self, asked: Payload) -> Payload:
        found = self._find(asked)
        result = {name: asked[name] for name in ("component", "variable", "attributeType") if name in asked}
        if isinstance(found, str):
            return result | {"attributeStatus": found}
        if found.access == WO:
            return result | {"attributeStatus": "Rejected"}
        return result | {"attributeStatus": "Accepted", "attributeValue": self._of.variables.value(found)}

    def _set(self, asked: Payload) -> Payload:
        found = self._find(asked)
        result = {name: asked[name] for name in ("component", "variable", "attributeType") if name in asked}
        return result | {"attributeStatus": found if isinstance(found, str) else self._of.change(found, asked["attributeValue"])}

    # --- reports

    def _base(self, asked: Payload) -> Payload:
        kind = asked["reportBase"]
        found = [one for one in self._of.variables if one.component]
        if kind == "ConfigurationInventory":
            found = [one for one in found if one.access != "ReadOnly"]
        return self._report(asked["requestId"], [*map(self._shown, found), *([] if kind == "ConfigurationInventory" else self._plugs())])

    def _some(self, asked: Payload) -> Payload:
        wanted = asked.get("componentVariable")
        if wanted is None:
            return self._report(asked["requestId"], [])
        names = {(one["component"]["name"].lower(), one.get("variable", {}).get("name", "").lower()) for one in wanted}
        found = [one for one in self._of.variables if {(one.component.lower(), ""), (one.component.lower(), one.variable.lower())} & names]
        return self._report(asked["requestId"], [self._shown(one) for one in found if one.component])

    def _report(self, request: int, rows: list[Payload]) -> Payload:
        if not rows:
            return {"status": "EmptyResultSet"}
        pages = [rows[start : start + PAGE] for start in range(0, len(rows), PAGE)]
        for number, page in enumerate(pages):
            more = number + 1 < len(pages)
            now = time(self._of.now)
            self._put("NotifyReport", {"requestId": request, "generatedAt": now, "seqNo": number, "tbc": more, "reportData": page})
        return {"status": "Accepted"}

    def _shown(self, setting: Setting) -> Payload:
        value = {} if setting.access == WO else {"value": self._of.variables.value(setting)}
        return {
            "component": {"name": setting.component},
            "variable": {"name": setting.variable} | ({"instance": setting.instance} if setting.instance else {}),
            "variableAttribute": [{"type": "Actual", "mutability": setting.access, **value}],
            "variableCharacteristics": {"dataType": setting.kind, "supportsMonitoring": False}
            | ({"unit": setting.unit} if setting.unit else {}),
        }

    def _plugs(self) -> list[Payload]:
        """What a CSMS wants to know of the plugs: their kind, power and state."""
        rows = []
        for evse in self._of.evses:
            most = max(one.watts for one in evse.plan.connectors)
            rows.append(_fact("EVSE", {"id": evse.number}, "Power", str(most), "decimal", "W"))
            for number, connector in enumerate(evse.plan.connectors, 1):
                place = {"id": evse.number, "connectorId": number}
                rows.append(_fact("Connector", place, "ConnectorType", connector.named, "string"))
                rows.append(_fact("Connector", place, "SupplyPhases", "0" if connector.dc else str(connector.phases), "integer"))
        return rows


def _fact(component: str, evse: Payload, variable: str, value: str, kind: str, unit: str = "") -> Payload:
    return {
        "component": {"name": component, "evse": evse},
        "variable": {"name": variable},
        "variableAttribute": [{"type": "Actual", "value": value, "mutability": "ReadOnly"}],
        "variableCharacteristics": {"dataType": kind, "supportsMonitoring": False} | ({"unit": unit} if unit else {}),
    }
