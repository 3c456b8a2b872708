"""What the nodes of the bench hold: made-up Locations of about 4 KB, Tokens, and the real set where there is one.

The Locations are made from their number alone, so the bare application and a node have the same ones without a file between
them. They say nothing that 2.2.1 could not say.
"""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]

PARTY = ("NL", "TNM")
STATUSES = ("AVAILABLE", "CHARGING", "BLOCKED", "INOPERATIVE", "UNKNOWN")
STANDARDS = ("IEC_62196_T2", "IEC_62196_T2_COMBO", "CHADEMO", "IEC_62196_T1")
BORN = "2026-01-01T00:00:00Z"
REAL = "locations_221.json.gz"
REAL_SIZE = 69_186


def real_folder() -> Path | None:
    """Where the real set lies: $INTERPLUG_REAL_DATA, or `shared/real-data` beside the clone."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "real-data"
    folder = Path(os.environ.get("INTERPLUG_REAL_DATA") or beside)
    return folder if (folder / REAL).exists() else None


def whole_set(folder: Path) -> tuple[Path, str]:
    """A file with the real set or with as many made-up Locations, and what to call it."""
    if (real := real_folder()) is not None:
        return real / REAL, "the real set"
    path = folder / "locations.json.gz"
    if not path.exists():
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.writelines(encoded(location(n)) + b"\n" for n in range(REAL_SIZE))
    return path, "made-up Locations"


def encoded(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def locations(count: int, evses: int | None = None) -> Iterator[Document]:
    return (location(n, evses) for n in range(count))


def location(n: int, evses: int | None = None) -> Document:
    chance = random.Random(n)
    return {
        "country_code": PARTY[0],
        "party_id": PARTY[1],
        "id": location_id(n, evses),
        "publish": True,
        "name": f"Parkeergarage Centrum {n}",
        "address": f"Stationsstraat {n % 400}",
        "city": "Zoetermeer",
        "postal_code": "2711AB",
        "state": "Zuid-Holland",
        "country": "NLD",
        "coordinates": _place(chance),
        "related_locations": [{**_place(chance), "name": _text("nl", "Ingang vanaf de Dorpsstraat")}],
        "parking_type": "PARKING_GARAGE",
        "evses": [_evse(n, number, chance) for number in range(evses or 1 + n % 4)],
        "directions": [
            _text("en", "From the motorway take exit 7, then follow the signs to the centre."),
            _text("nl", "Vanaf de snelweg afslag 7, daarna de borden Centrum volgen, daar rechtsaf."),
        ],
        "operator": _company("Alfa"),
        "owner": _company("Gamma"),
        "facilities": ["PARKING_LOT", "CAFE", "MALL"],
        "time_zone": "Europe/Amsterdam",
        "opening_times": {
            "twentyfourseven": False,
            "regular_hours": [{"weekday": day, "period_begin": "08:00", "period_end": "20:00"} for day in range(1, 6)],
        },
        "charging_when_closed": True,
        "images": [_image(f"loc/{n}", "ENTRANCE", 1280, 720)],
        "energy_mix": {
            "is_green_energy": True,
            "energy_sources": [{"source": "SOLAR", "percentage": 60.5}, {"source": "WIND", "percentage": 39.5}],
            "environ_impact": [{"category": "CARBON_DIOXIDE", "amount": 12.5}],
            "supplier_name": "Green Power Ltd",
            "energy_product_name": "Wind & Sun",
        },
        "last_updated": BORN,
    }


def location_id(n: int, evses: int | None = None) -> str:
    return f"LOC{n:07d}" if evses is None else f"L{evses}-{n:05d}"


def evse_uid(n: int, number: int) -> str:
    return f"{3256 + n}-{number + 1}"


def _evse(n: int, number: int, chance: random.Random) -> Document:
    return {
        "uid": evse_uid(n, number),
        "evse_id": f"NL*TNM*E{n:06d}*{number + 1}",
        "status": chance.choice(STATUSES),
        "capabilities": ["RFID_READER", "REMOTE_START_STOP_CAPABLE", "RESERVABLE"],
        "connectors": [_connector(number, chance) for number in range(1 + number % 2)],
        "floor_level": "-1",
        "coordinates": _place(chance),
        "physical_reference": str(number + 1),
        "directions": [_text("en", "Second ramp on the left, next to the lift.")],
        "parking_restrictions": ["EV_ONLY", "CUSTOMERS"],
        "last_updated": BORN,
    }


def _connector(number: int, chance: random.Random) -> Document:
    return {
        "id": str(number + 1),
        "standard": chance.choice(STANDARDS),
        "format": "CABLE",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 16,
        "max_electric_power": 11000,
        "tariff_ids": [f"T{chance.randrange(100)}"],
        "terms_and_conditions": "https://www.example.com/terms",
        "last_updated": BORN,
    }


def _place(chance: random.Random) -> Document:
    return {"latitude": f"{chance.uniform(50, 53):.6f}", "longitude": f"{chance.uniform(4, 7):.6f}"}


def _text(language: str, text: str) -> Document:
    return {"language": language, "text": text}


def _company(name: str) -> Document:
    return {
        "name": f"{name} Energy B.V.",
        "website": f"https://www.{name.lower()}.example.com",
        "logo": _image(f"{name}/logo", "OPERATOR", 512, 512),
    }


def _image(name: str, category: str, width: int, height: int) -> Document:
    url = f"https://img.example.com/{name}"
    return {"url": f"{url}.jpg", "thumbnail": f"{url}-t.jpg", "category": category, "type": "jpeg", "width": width, "height": height}


def token(n: int) -> Document:
    return {
        "country_code": "DE",
        "party_id": "ABC",
        "uid": f"{n:012X}",
        "type": "RFID",
        "contract_id": f"DE8ABC{n:08d}",
        "issuer": "The Company",
        "valid": True,
        "whitelist": "ALLOWED",
        "last_updated": BORN,
    }
