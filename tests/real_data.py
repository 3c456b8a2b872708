"""The real Locations and Tariffs where they are at hand, else a generated set with the same deviations.

They are found at INTERPLUG_REAL_DATA, else beside the project; they are not part of it, because their licence is not stated.
"""

from __future__ import annotations

import gzip
import itertools
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

from interplug.model.types import decode_json
from interplug.stations import city
from interplug.sync import files

Document = dict[str, Any]
FOLDER = Path(os.environ.get("INTERPLUG_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "real-data")
LOCATIONS = FOLDER / "locations_221.json.gz"
TARIFFS = FOLDER / "tariffs_221.json.gz"
NOW = 1_780_000_000_000_000


def at_hand() -> bool:
    return LOCATIONS.exists() and TARIFFS.exists()


def some(count: int) -> tuple[list[Document], list[Document]]:
    """So many Locations of 2.2.1, and Tariffs."""
    if not at_hand():
        return generated(count)
    return first(LOCATIONS, count), first(TARIFFS, count)


def first(path: Path, count: int) -> list[Document]:
    with gzip.open(path) as file:
        return [decode_json(raw) for raw in itertools.islice(files.objects(file), count)]  # type: ignore[arg-type]


def generated(count: int) -> tuple[list[Document], list[Document]]:
    """As published data deviate: each deviation falls on every so many objects."""
    operators = [
        city.Operator("NL", party, f"Operator {party}", "Havenstad", Decimal("51.92"), Decimal("4.48")) for party in ("AAA", "BBB", "CCC")
    ]
    each = -(-count // len(operators))
    locations = [one for operator in operators for one in city.locations(operator, NOW, seed=7, count=each)][:count]
    tariffs = [one for operator in operators for one in city.tariffs(operator, NOW)]
    for number, location in enumerate(locations):
        _deviate(number, location)
    for number, tariff in enumerate(tariffs):
        del tariff["tax_included"]
        tariff.pop("min_price", None)
        if number % 2:
            del tariff["elements"][0]["price_components"][0]["vat"]
            tariff["elements"][0]["restrictions"] = {"start_time": "00:00", "end_time": "23:59"}
    return locations, tariffs


def _deviate(number: int, location: Document) -> None:
    first_evse, connector = location["evses"][0], location["evses"][0]["connectors"][0]
    if number % 2:
        first_evse["evse_id"] = first_evse["evse_id"].replace("*", "")
    if number % 3 == 0:
        first_evse["evse_id"] = "NL*AAA*E00011"  # in several Locations at once
        first_evse["status"] = "CHARGING" if number % 2 else "AVAILABLE"
    if number % 5 == 0:
        del connector["max_electric_power"]
    if number % 7 == 0:
        connector["max_electric_power"] = 11_000_000
        connector["max_voltage"] = 400
    if number % 11 == 0:
        location["coordinates"] = {"latitude": "52.97006", "longitude": "6.6166"}
        del first_evse["evse_id"]
    if number % 13 == 0:
        del connector["tariff_ids"]
        first_evse["status"] = "REMOVED"
    if number % 17 == 0:
        connector["tariff_ids"] = ["RESOLVES-NOWHERE"]
        location["name"] = "Station\nzonder naam"
