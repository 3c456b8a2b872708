"""A place of our own to charge at, a meter that runs, and the two partners whose drivers come."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interplug.charges import charging
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.store.keys import OWN, Key
from interplug.store.stations import Reading
from tests.nodes import SECOND, T0, Partner, own

TOKEN = {"country_code": "BE", "party_id": "XYZ", "uid": "CARD1", "type": "RFID", "contract_id": "BE-XYZ-C1"}


def tariff(id: str = "T1", *elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "TNM",
        "id": id,
        "currency": "EUR",
        "tax_included": "NO",
        "elements": list(elements) or [element(("FLAT", "0.50"), ("ENERGY", "0.25"), ("PARKING_TIME", "2"))],
        "last_updated": format_time(T0),
        **more,
    }


def element(*components: tuple[str, str], **restrictions: Any) -> dict[str, Any]:
    listed = [{"type": name, "price": Decimal(price), "vat": 20, "step_size": 1} for name, price in components]
    return {"price_components": listed} | ({"restrictions": restrictions} if restrictions else {})


def location(*tariff_ids: str, id: str = "LOC1") -> dict[str, Any]:
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32,
        "max_electric_power": 22_000,
        "last_updated": format_time(T0),
    } | ({"tariff_ids": list(tariff_ids)} if tariff_ids else {})
    return {
        "country_code": "NL",
        "party_id": "TNM",
        "id": id,
        "publish": True,
        "name": "Harbour",
        "address": "Quay 1, behind the old customs house and the crane",
        "city": "Gieten",
        "country": "NLD",
        "coordinates": {"latitude": "53.00000", "longitude": "6.76000"},
        "evses": [evse("EVSE1", connector), evse("EVSE2", connector)],
        "time_zone": "Europe/Amsterdam",
        "last_updated": format_time(T0),
    }


def evse(uid: str, connector: dict[str, Any]) -> dict[str, Any]:
    steered = ["CHARGING_PREFERENCES_CAPABLE", "CHARGING_PROFILE_CAPABLE"]
    capabilities = [*steered, "REMOTE_START_STOP_CAPABLE", "RESERVABLE", "RFID_READER", "UNLOCK_CAPABLE"]
    return {
        "uid": uid,
        "evse_id": f"NL*TNM*{uid}",
        "status": "AVAILABLE",
        "capabilities": capabilities,
        "connectors": [connector],
        "last_updated": format_time(T0),
    }


async def open_place(node: Node, *tariffs: dict[str, Any], audience: int = 0) -> None:
    for one in tariffs:
        await own(node, "tariffs", one, audience=audience)
    await own(node, "locations", location(*(one["id"] for one in tariffs)))


async def plug(node: Node, partner: Partner | None = None, **more: Any) -> str:
    said = {"location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "1", "cdr_token": TOKEN, "auth_method": "WHITELIST"}
    connection = partner.connection.id if partner is not None else 0
    return await charging.begin(node, **{**said, "connection": connection, "at": node.clock(), **more})


def reading(seconds: float, kwh: str, phase: str = "charging", **more: Any) -> Reading:
    return Reading(T0 + int(seconds * SECOND), Decimal(kwh), phase, **more)


async def session(node: Node, id: str) -> dict[str, Any]:
    return await _object(node, "sessions", id)


async def cdr(node: Node, id: str) -> dict[str, Any]:
    return await _object(node, "cdrs", id)


async def has_cdr(node: Node, id: str) -> bool:
    return await node.store.read(lambda tx: tx.objects.get(Key("cdrs", OWN, "NL", "TNM", id))) is not None


async def _object(node: Node, module: str, id: str) -> dict[str, Any]:
    stored = await node.store.read(lambda tx: tx.objects.get(Key(module, OWN, "NL", "TNM", id)))
    assert stored is not None
    return stored.document


def volumes(period: dict[str, Any]) -> dict[str, Decimal]:
    return {dimension["type"]: dimension["volume"] for dimension in period["dimensions"]}
