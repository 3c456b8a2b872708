"""Finishing touches on a random object, so that its fields agree with each other: `settle(facts, name, document)`.

A touch changes the fresh document in place; it must not know how the document was drawn. What the text demands between
fields is judged by rules.py; some touches go further, towards what a real partner would send (a CDR's tariffs have its
currency, its periods lie within it).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.census.facts import Table
from tests.census.plausible import PLACES, spell

Document = dict[str, Any]
NOT_AVAILABLE = "#NA"


def settle(facts: Table, name: str, document: Document) -> Document:
    touch = _TOUCHES.get(name)
    if touch is not None:
        touch(facts, document)
    return document


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _in_order(document: Document, first: str, second: str) -> None:
    """Swap two times that run backwards; part two equal ones."""
    if first in document and second in document:
        begin, end = sorted((_read(document[first]), _read(document[second])))
        if begin == end:
            end += timedelta(hours=1)
        document[first], document[second] = spell(begin), spell(end)


def _ascending(document: Document, least: str, most: str) -> None:
    """A range that is not empty: from the smaller to the bigger, or open when both are equal."""
    if least in document and most in document:
        if document[least] == document[most]:
            del document[most]
        elif document[least] > document[most]:
            document[least], document[most] = document[most], document[least]


def _period(facts: Table, document: Document) -> None:
    _in_order(document, "period_begin", "period_end")


def _regular_hours(facts: Table, document: Document) -> None:
    begin, end = sorted((document["period_begin"], document["period_end"]))
    document["period_begin"], document["period_end"] = (begin, end) if begin != end else ("08:00", "20:00")


def _hours(facts: Table, document: Document) -> None:
    always = document.get("twentyfourseven", "regular_hours" not in document)
    if always:
        document["twentyfourseven"] = True
        document.pop("regular_hours", None)
    elif "regular_hours" not in document:
        document["regular_hours"] = [{"weekday": day, "period_begin": "07:00", "period_end": "18:00"} for day in range(1, 6)]
    if "exceptional_openings" in document and "exceptional_closings" in document:
        _apart(document["exceptional_openings"], document["exceptional_closings"])


def _apart(openings: list[Document], closings: list[Document]) -> None:
    """Closings should not overlap openings: move them to the year after."""
    for number, closing in enumerate(closings):
        closings[number] = {key: text.replace("2024-", "2028-").replace("2025-", "2029-") for key, text in closing.items()}
    assert max(o["period_end"] for o in openings) < min(c["period_begin"] for c in closings)


def _location(facts: Table, document: Document) -> None:
    zone = next(place[2] for place in PLACES if place[0] == document["country"])
    if "time_zone" in document:
        document["time_zone"] = zone
    if document.get("publish"):
        document.pop("publish_allowed_to", None)
    places = [place["id"] for place in document.get("parking_places", [])]
    for evse in document.get("evses", []):
        _park(evse, places)


def _park(evse: Document, places: list[str]) -> None:
    if "parking" in evse:
        evse["parking"] = [{**spot, "parking_id": place} for spot, place in zip(evse["parking"], places, strict=False)]
        if not places:
            del evse["parking"]


def _publish_token(facts: Table, document: Document) -> None:
    if not document.keys() & {"uid", "visual_number", "group_id"}:
        document["group_id"] = "GROUP-1"
    if "uid" in document:
        document.setdefault("type", "RFID")
    if "visual_number" in document:
        document.setdefault("issuer", "Example Mobility")


def _energy_mix(facts: Table, document: Document) -> None:
    """The shares of the sources add up to 100."""
    sources = document.get("energy_sources", [])
    rest = 100
    for source in sources[1:]:
        source["percentage"] = min(source["percentage"], rest)
        rest -= source["percentage"]
    if sources:
        sources[0]["percentage"] = rest


def _price(facts: Table, document: Document) -> None:
    if document.get("incl_vat", document.get("excl_vat")) != document.get("excl_vat"):
        document["excl_vat"], document["incl_vat"] = sorted((document["excl_vat"], document["incl_vat"]))


def _price_limit(facts: Table, document: Document) -> None:
    if "after_taxes" in document:
        document["before_taxes"], document["after_taxes"] = sorted((document["before_taxes"], document["after_taxes"]))


def _restrictions(facts: Table, document: Document) -> None:
    for what in ("kwh", "current", "power", "duration"):
        _ascending(document, f"min_{what}", f"max_{what}")
    _ascending(document, "start_date", "end_date")
    if document.get("start_time") == document.get("end_time"):
        document.pop("end_time", None)


def _tariff_element(facts: Table, document: Document) -> None:
    if "reservation" not in document.get("restrictions", {}):
        return
    allowed = [part for part in document["price_components"] if part["type"] in ("FLAT", "TIME")]
    document["price_components"] = allowed or [{**document["price_components"][0], "type": "TIME"}]


def _tariff(facts: Table, document: Document) -> None:
    _in_order(document, "start_date_time", "end_date_time")
    if document.get("tax_included") == "N/A":
        _without_tax(document)
    least, most = document.get("min_price"), document.get("max_price")
    before = "before_taxes" if "before_taxes" in facts.objects.get("PriceLimit", {}) else "excl_vat"
    if least and most:
        document["min_price"], document["max_price"] = ({before: amount} for amount in sorted((least[before], most[before])))


def _without_tax(document: Document) -> None:
    for element in document["elements"]:
        for part in element["price_components"]:
            part.pop("vat", None)
    for limit in ("min_price", "max_price"):
        document.get(limit, {}).pop("after_taxes", None)


def _spread(document: Document, begin: str, end: str) -> None:
    """Periods one after the other within the session, the first at its start."""
    periods = document.get("charging_periods", [])
    start, stop = _read(document[begin]), _read(document[end]) if end in document else _read(document[begin]) + timedelta(hours=1)
    step = timedelta(seconds=(stop - start) // timedelta(seconds=max(len(periods), 1)))
    for number, period in enumerate(periods):
        period["start_date_time"] = spell(start + number * step)
    document["last_updated"] = max(document["last_updated"], spell(stop), key=_read)


def _session(facts: Table, document: Document) -> None:
    begin, end = ("start_datetime", "end_datetime") if "start_datetime" in document else ("start_date_time", "end_date_time")
    if document["status"] == "COMPLETED":
        document.setdefault(end, spell(_read(document[begin]) + timedelta(hours=2)))
    else:
        document.pop(end, None)
    _in_order(document, begin, end)
    _spread(document, begin, end)
    if document["status"] == "RESERVATION" and document["kwh"] == 0:
        document["evse_uid"] = document["connector_id"] = NOT_AVAILABLE
    _only_one_evse(document)


def _cdr(facts: Table, document: Document) -> None:
    end = "stop_date_time" if "stop_date_time" in document else "end_date_time"
    _in_order(document, "start_date_time", end)
    _spread(document, "start_date_time", end)
    _session_dimensions(facts, document)
    _tariffs_of(document)
    _credit(document)
    _only_one_evse(document)


def _session_dimensions(facts: Table, document: Document) -> None:
    forbidden = facts.enums["CdrDimensionType"].session_only
    for period in document["charging_periods"]:
        kept = [dimension for dimension in period["dimensions"] if dimension["type"] not in forbidden]
        period["dimensions"] = kept or [{"type": "ENERGY", "volume": Decimal("1.5")}]


def _tariffs_of(document: Document) -> None:
    """The CDR's tariffs are its CPO's, in its currency, and the periods name one of them."""
    tariffs = document.get("tariffs", [])
    for tariff in tariffs:
        tariff["currency"] = document["currency"]
        tariff.update({key: document[key] for key in ("country_code", "party_id") if key in tariff})
    for period in document["charging_periods"]:
        if "tariff_id" in period and tariffs:
            period["tariff_id"] = tariffs[0]["id"]


def _credit(document: Document) -> None:
    if document.get("credit") is True:
        document["credit_reference_id"] = document["id"]
        document["id"] += "-C"
        document["total_cost"] = _negative(document["total_cost"])
    else:
        document.pop("credit_reference_id", None)


def _negative(price: Any) -> Any:
    if isinstance(price, dict):
        return {key: _negative(part) for key, part in price.items()}
    if isinstance(price, list):
        return [{**tax, "amount": -tax["amount"]} for tax in price]
    return -price


def _only_one_evse(document: Document) -> None:
    """In 2.1.1 a Session and a CDR hold the Location with the one relevant EVSE and Connector."""
    location = document.get("location")
    if location is not None:
        evse = location["evses"][0] if "evses" in location else _used_evse(location["last_updated"])
        location["evses"] = [{**evse, "connectors": evse["connectors"][:1]}]


def _used_evse(last_updated: str) -> Document:
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "CABLE",
        "power_type": "AC_3_PHASE",
        "voltage": 230,
        "amperage": 16,
        "last_updated": last_updated,
    }
    return {"uid": "E1", "evse_id": "NL*ABC*E1", "status": "CHARGING", "connectors": [connector], "last_updated": last_updated}


def _location_references(facts: Table, document: Document) -> None:
    if "evse_uids" not in document:
        document.pop("connector_ids", None)


def _start_session(facts: Table, document: Document) -> None:
    if "evse_uid" not in document:
        document.pop("connector_id", None)


def _version_details(facts: Table, document: Document) -> None:
    document["version"] = facts.version


_TOUCHES: dict[str, Callable[[Table, Document], None]] = {
    "ExceptionalPeriod": _period,
    "StatusSchedule": _period,
    "RegularHours": _regular_hours,
    "Hours": _hours,
    "Location": _location,
    "PublishTokenType": _publish_token,
    "EnergyMix": _energy_mix,
    "Price": _price,
    "PriceLimit": _price_limit,
    "TariffRestrictions": _restrictions,
    "TariffElement": _tariff_element,
    "Tariff": _tariff,
    "Session": _session,
    "CDR": _cdr,
    "LocationReferences": _location_references,
    "StartSession": _start_session,
    "VersionDetails": _version_details,
}
