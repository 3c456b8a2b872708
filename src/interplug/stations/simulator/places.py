"""A station for a Location of OCPI: what stands there according to the operator's books, and how it numbers its plugs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .plan import Connector, Evse, Plan, Version

Document = dict[str, Any]
VERSIONS: tuple[Version, ...] = ("1.6", "2.0.1", "2.1")
CHADEMO = {"CHADEMO": "cG105"}


def station_at(location: Document, version: Version, settings: Mapping[str, str]) -> Plan:
    """One station with every EVSE of the Location. A start from afar names the connector in 1.6 only, so where an EVSE has several the
    station speaks 1.6, or nobody could say which one the driver will take."""
    evses = tuple(Evse(tuple(_connector(one) for one in evse["connectors"])) for evse in location["evses"])
    several = any(len(evse.connectors) > 1 for evse in evses)
    return Plan(
        id=f"CP-{location['party_id']}-{location['id']}", version="1.6" if several else version, evses=evses, settings=dict(settings)
    )


def _connector(document: Document) -> Connector:
    phases = 1 if document["power_type"] in ("DC", "AC_1_PHASE") else 3
    watts = document.get("max_electric_power") or document["max_voltage"] * document["max_amperage"] * phases
    return Connector(document["power_type"], int(watts), CHADEMO.get(document["standard"], ""))


def outlets(plan: Plan, location: Document) -> list[str]:
    """What `interplug station add` has to be told: 1.6 numbers its connectors through; in 2.x the order of the EVSEs is the Location's."""
    if plan.version != "1.6":
        return []
    plugs = [f"{evse['uid']}/{connector['id']}" for evse in location["evses"] for connector in evse["connectors"]]
    return [f"{number}={plug}" for number, plug in enumerate(plugs, 1)]
