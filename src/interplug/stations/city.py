"""A city of charging stations that exists nowhere: streets, stations and tariffs invented from a seed.

The demo, the benches and the tests charge here. Everything is a 2.3.0 document that a partner could have sent: the
same seed gives the same city. This file knows no store and no clock; the caller says what time it is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from interplug.model.types import format_time

Document = dict[str, Any]

_STREETS = (
    "Havenkade", "Lindelaan", "Molenstraat", "Stationsplein", "Oude Gracht", "Zonnebloemweg", "Parklaan", "Kerkplein",
    "Waterstraat", "Industrieweg", "Beatrixlaan", "Marktplein", "Vlietkade", "Duinweg", "Spoorlaan", "Koningsplein",
)  # fmt: skip
_FACILITIES: tuple[list[str], ...] = (["SUPERMARKET"], ["RESTAURANT", "WIFI"], ["TRAIN_STATION", "BUS_STOP"], ["HOTEL"], ["SPORT"], [])


@dataclass(frozen=True, slots=True)
class Operator:
    """A charge point operator, and the middle of its part of the city."""

    country_code: str
    party_id: str
    name: str
    city: str
    latitude: Decimal
    longitude: Decimal

    def owned(self, id: str, now: int) -> Document:
        return {"country_code": self.country_code, "party_id": self.party_id, "id": id, "last_updated": format_time(now)}


@dataclass(frozen=True, slots=True)
class Plug:
    """A connector as the shop sells it: watts, and the volts and amperes that give them."""

    standard: str
    format: str
    power_type: str
    volts: int
    amperes: int
    watts: int


AC_11 = Plug("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 16, 11_000)
AC_22 = Plug("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 32, 22_000)
DC_50 = Plug("IEC_62196_T2_COMBO", "CABLE", "DC", 500, 125, 50_000)
CHADEMO_50 = Plug("CHADEMO", "CABLE", "DC", 500, 125, 50_000)
DC_150 = Plug("IEC_62196_T2_COMBO", "CABLE", "DC", 920, 300, 150_000)
DC_350 = Plug("IEC_62196_T2_COMBO", "CABLE", "DC", 920, 500, 350_000)

SITES: tuple[tuple[str, tuple[tuple[Plug, ...], ...], str], ...] = (
    ("ON_STREET", ((AC_11,), (AC_11,)), "STREET"),
    ("ON_STREET", ((AC_22,), (AC_22,)), "STREET"),
    ("PARKING_GARAGE", ((AC_22,), (AC_22,), (AC_11,), (AC_11,)), "GARAGE"),
    ("PARKING_LOT", ((DC_50, CHADEMO_50, AC_22),), "FAST"),
    ("ALONG_MOTORWAY", ((DC_150,), (DC_150,), (DC_350,), (DC_350,)), "FAST"),
)
"""What stands at a place: kind of parking, the connectors of each EVSE, and the tariff."""


def tariffs(operator: Operator, now: int) -> list[Document]:
    """Three tariffs as operators have them: a night rate; a fee to start, and one for standing there long by day; a dear quick one
    with a minimum and a fee for the car that is full."""
    vat = 21

    def component(type: str, price: str, step: int) -> Document:
        return {"type": type, "price": Decimal(price), "vat": vat, "step_size": step}

    def tariff(id: str, elements: list[Document], text: str, **more: Any) -> Document:
        return {
            **operator.owned(f"{operator.party_id}-{id}", now),
            "currency": "EUR",
            "type": "REGULAR",
            "tariff_alt_text": [{"language": "en", "text": text}],
            "elements": elements,
            "tax_included": "NO",
            **more,
        }

    return [
        tariff(
            "STREET",
            [
                {"price_components": [component("ENERGY", "0.24", 1)], "restrictions": {"start_time": "23:00", "end_time": "07:00"}},
                {"price_components": [component("ENERGY", "0.31", 1)]},
            ],
            "Chargers in the street",
        ),
        tariff(
            "GARAGE",
            [
                {"price_components": [component("FLAT", "0.35", 1), component("ENERGY", "0.33", 1)]},
                {
                    "price_components": [component("PARKING_TIME", "1.20", 60)],
                    "restrictions": {"start_time": "08:00", "end_time": "22:00", "min_duration": 4 * 3600},
                },
            ],
            "Chargers in garages; the entrance fee of the garage is not part of it",
        ),
        tariff(
            "FAST",
            [{"price_components": [component("ENERGY", "0.57", 1), component("PARKING_TIME", "6.00", 60)]}],
            "Fast chargers",
            min_price={"before_taxes": Decimal("0.42"), "after_taxes": Decimal("0.5082")},
        ),
    ]


def locations(operator: Operator, now: int, *, seed: int, count: int) -> list[Document]:
    """`count` Locations of `operator`, in turn of every kind of site."""
    chance = random.Random(f"{seed}/{operator.party_id}")
    return [_location(operator, now, chance, number) for number in range(1, count + 1)]


def _location(operator: Operator, now: int, chance: random.Random, number: int) -> Document:
    parking_type, evses, tariff = SITES[(number - 1) % len(SITES)]
    street, house = chance.choice(_STREETS), chance.randint(1, 180)
    return {
        **operator.owned(f"LOC{number:04d}", now),
        "publish": True,
        "name": f"{operator.name} {street} {house}",
        "address": f"{street} {house}",
        "city": operator.city,
        "postal_code": f"{chance.randint(1000, 9999)} {chance.choice('ABDEGH')}{chance.choice('ABDEGH')}",
        "country": "NLD",
        "coordinates": {
            "latitude": f"{operator.latitude + Decimal(chance.randint(-25_000, 25_000)) / 1_000_000:.6f}",
            "longitude": f"{operator.longitude + Decimal(chance.randint(-40_000, 40_000)) / 1_000_000:.6f}",
        },
        "parking_type": parking_type,
        "evses": [_evse(operator, now, number, place, plugs, tariff) for place, plugs in enumerate(evses, 1)],
        "operator": {"name": operator.name},
        "facilities": chance.choice(_FACILITIES),
        "time_zone": "Europe/Amsterdam",
        "opening_times": {"twentyfourseven": True},
        "charging_when_closed": True,
        "energy_mix": {"is_green_energy": True, "supplier_name": "Invented Wind"},
    }


def _evse(operator: Operator, now: int, number: int, place: int, plugs: tuple[Plug, ...], tariff: str) -> Document:
    return {
        "uid": f"{operator.party_id}{number:04d}{place}",
        "evse_id": f"{operator.country_code}*{operator.party_id}*E{number:04d}{place}",
        "status": "AVAILABLE",
        "capabilities": [
            "CHARGING_PREFERENCES_CAPABLE",
            "CHARGING_PROFILE_CAPABLE",
            "REMOTE_START_STOP_CAPABLE",
            "RESERVABLE",
            "RFID_READER",
            "UNLOCK_CAPABLE",
        ],
        "connectors": [_connector(operator, now, str(index), plug, tariff) for index, plug in enumerate(plugs, 1)],
        "physical_reference": str(place),
        "last_updated": format_time(now),
    }


def _connector(operator: Operator, now: int, id: str, plug: Plug, tariff: str) -> Document:
    return {
        "id": id,
        "standard": plug.standard,
        "format": plug.format,
        "power_type": plug.power_type,
        "max_voltage": plug.volts,
        "max_amperage": plug.amperes,
        "max_electric_power": plug.watts,
        "tariff_ids": [f"{operator.party_id}-{tariff}"],
        "last_updated": format_time(now),
    }
