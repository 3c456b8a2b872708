"""Who takes part: an operator with a city of stations, a provider with cards, and a second operator whom the bench plays itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interplug.model.types import format_time
from interplug.stations import city

Document = dict[str, Any]
OPERATOR = city.Operator("NL", "KAD", "Kade Laden", "Havenstad", Decimal("51.921"), Decimal("4.479"))
PLAYED = city.Operator("BE", "LUS", "Lus Laden", "Brugge", Decimal("51.209"), Decimal("3.224"))
PROVIDER = ("DE", "VNK", "Vonk Mobiliteit")
LOCATIONS = 10
CARDS = 12


def card(number: int, now: int) -> Document:
    country, party, company = PROVIDER
    return {
        "country_code": country,
        "party_id": party,
        "uid": f"CARD{number:04d}",
        "type": "RFID",
        "contract_id": f"{country}{party}C{number:08d}",
        "issuer": company,
        "valid": True,
        "whitelist": "ALLOWED",
        "last_updated": format_time(now),
    }
