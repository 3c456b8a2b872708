"""Short spellings of tariffs and CDRs, so that a test shows only what it is about."""

from decimal import Decimal
from typing import Any

from interplug.model.types import format_time, parse_time

HOUR = 3_600_000_000
MINUTE = 60_000_000
START = "2024-01-15T09:00:00Z"


def component(kind: str, price: str | int, step: int = 1, vat: str | int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "price": Decimal(price), "step_size": step}
    return found if vat is None else {**found, "vat": Decimal(vat)}


def element(*components: dict[str, Any], **restrictions: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"price_components": list(components)}
    return {**found, "restrictions": restrictions} if restrictions else found


def tariff(*elements: dict[str, Any], id: str = "T1", currency: str = "EUR", **fields: Any) -> dict[str, Any]:
    owner = {"country_code": "NL", "party_id": "TST", "last_updated": "2024-01-01T00:00:00Z"}
    return {**owner, "id": id, "currency": currency, "elements": list(elements), **fields}


def period(minute: int, tariff_id: str | None = None, start: str = START, **volumes: Any) -> dict[str, Any]:
    """`minute` after `start`; volumes by dimension, hours for times."""
    dimensions = [{"type": name, "volume": Decimal(str(volume))} for name, volume in volumes.items()]
    found: dict[str, Any] = {"start_date_time": format_time(parse_time(start) + minute * MINUTE), "dimensions": dimensions}
    return found if tariff_id is None else {**found, "tariff_id": tariff_id}


def cdr(minutes: int, *periods: dict[str, Any], start: str = START, **fields: Any) -> dict[str, Any]:
    end = format_time(parse_time(start) + minutes * MINUTE)
    found = {"id": "C1", "start_date_time": start, "end_date_time": end, "currency": "EUR", "charging_periods": list(periods)}
    return {**found, **fields}


def codes(priced: Any) -> set[str]:
    return {problem.code for problem in priced.warnings}
