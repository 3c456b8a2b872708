"""What an object in a file is, and of which version: a guess from the names of its fields.

Files do not say it. Every kind has names that no other kind has, and each version names that the others do not; where versions say
the same (a Token of 2.2.1 and of 2.3.0) either answer is right. Owners stand in the objects since 2.2, so an object without one,
and without any other name of 2.2, is 2.1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

MODULES = {"location": "locations", "tariff": "tariffs", "token": "tokens", "session": "sessions", "cdr": "cdrs", "terminal": "terminals"}
"""The module of each kind that a file may hold."""

MARKS: Mapping[str, frozenset[str]] = {
    "location": frozenset(("coordinates", "evses", "address", "city", "postal_code", "opening_times", "publish", "operator")),
    "tariff": frozenset(("elements", "tariff_alt_text", "tariff_alt_url", "min_price", "max_price", "tax_included")),
    "cdr": frozenset(("total_energy", "total_time", "cdr_location", "stop_date_time", "signed_data", "credit", "invoice_reference_id")),
    "session": frozenset(("kwh", "start_datetime", "end_datetime", "status")),
    "token": frozenset(("whitelist", "valid", "issuer", "contract_id", "visual_number", "group_id")),
}
SINCE_22: Mapping[str, frozenset[str]] = {
    "location": frozenset(("country_code", "party_id", "publish")),
    "tariff": frozenset(("country_code", "party_id", "min_price", "max_price")),
    "cdr": frozenset(("country_code", "party_id", "cdr_token", "cdr_location", "end_date_time")),
    "session": frozenset(("country_code", "party_id", "cdr_token", "start_date_time")),
    "token": frozenset(("country_code", "party_id", "contract_id")),
}
SINCE_23: Mapping[str, frozenset[str]] = {
    "location": frozenset(("parking_places", "help_phone")),
    "tariff": frozenset(("tax_included", "preauthorize_amount")),
    "evse": frozenset(("parking", "accepted_service_providers")),
    "price": frozenset(("before_taxes",)),
}
PRICES = ("total_cost", "min_price", "max_price")


def kind_of(document: Document) -> str | None:
    """The kind with most of its marks in the document. A Terminal has the address of a Location, and an id that nothing else has."""
    if "terminal_id" in document:
        return "terminal"
    best = max(MARKS, key=lambda kind: len(MARKS[kind] & document.keys()))
    return best if MARKS[best] & document.keys() else None


def version_of(kind: str, document: Document) -> str:
    if kind == "terminal":
        return "2.3.0"
    if not SINCE_22[kind] & document.keys():
        return "2.1.1"
    return "2.3.0" if _of_23(kind, document) else "2.2.1"


def _of_23(kind: str, document: Document) -> bool:
    if SINCE_23.get(kind, frozenset()) & document.keys():
        return True
    parts = [("price", document.get(name)) for name in PRICES]
    evses = document.get("evses")
    parts += [("evse", evse) for evse in evses] if isinstance(evses, list) else []
    return any(isinstance(part, dict) and not SINCE_23[name].isdisjoint(part) for name, part in parts)
