"""What a session has used, told so that any tariff can price it.

An operator cuts and fills the charging periods for its own tariff, and a running Session goes ahead of them: kWh are patched while the
periods wait for the next PUT. Here a Session is levelled with its own kWh and clock, and a document whose periods leave out what its totals
say gets it from them where there is one way to do that. Otherwise it is `NotTold`: nothing is spread by guesswork.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from interplug.model.types import parse_time

Document = dict[str, Any]
HOUR = 3_600_000_000
_HOURS = Decimal("0.0001")
TIMES = ("TIME", "PARKING_TIME")


class NotTold(ValueError):
    """The periods do not tell what the price depends on."""


def so_far(session: Document) -> Document:
    """A Session, as a document that can be priced, with all that it says it has used."""
    end = session.get("end_date_time") or session["last_updated"]
    start = session["start_date_time"]
    periods = [{**one, "dimensions": [dict(each) for each in one["dimensions"]]} for one in session.get("charging_periods") or ()]
    if not periods:
        periods = [{"start_date_time": start, "dimensions": [_dimension("TIME", _hours(start, end))]}]
    last = max(periods, key=lambda one: parse_time(one["start_date_time"]))
    missing = Decimal(session["kwh"]) - _sum(periods, ("ENERGY",))
    if missing > 0:
        _add(last, "ENERGY", missing)
    for name in TIMES:
        told = _of(last, name)
        if told is not None and len([one for one in TIMES if _of(last, one) is not None]) == 1:
            told["volume"] = max(Decimal(told["volume"]), _hours(last["start_date_time"], end))
    return {**session, "charging_periods": periods}


def filled(cdr: Document, priced: Collection[str]) -> Document:
    """A CDR whose periods tell the dimensions that are priced."""
    periods = cdr["charging_periods"]
    missing = [(name, volume) for name, volume in _totals(cdr) if name in priced and volume > 0 and not _told(periods, name)]
    if not missing:
        return cdr
    if len(periods) > 1:
        raise NotTold(f"the CDR does not tell {' and '.join(name for name, _ in missing)} by period")
    dimensions = [*periods[0]["dimensions"], *(_dimension(name, volume) for name, volume in missing)]
    return {**cdr, "charging_periods": [{**periods[0], "dimensions": dimensions}]}


def dimensions_of(tariffs: Iterable[Document]) -> set[str]:
    """Those that cost something."""
    return {
        component["type"]
        for tariff in tariffs
        for element in tariff.get("elements") or ()
        for component in element.get("price_components") or ()
        if component.get("price")
    }


def _totals(cdr: Document) -> list[tuple[str, Decimal]]:
    parked = Decimal(cdr.get("total_parking_time") or 0)
    charged = Decimal(cdr.get("total_time") or 0) - max(parked, _sum(cdr["charging_periods"], ("PARKING_TIME", "RESERVATION_TIME")))
    return [("ENERGY", Decimal(cdr.get("total_energy") or 0)), ("TIME", charged), ("PARKING_TIME", parked)]


def _told(periods: list[Document], name: str) -> bool:
    return any(each["type"] == name for one in periods for each in one["dimensions"])


def _sum(periods: list[Document], names: Collection[str]) -> Decimal:
    return sum((Decimal(each["volume"]) for one in periods for each in one["dimensions"] if each["type"] in names), Decimal())


def _of(period: Document, name: str) -> Document | None:
    return next((each for each in period["dimensions"] if each["type"] == name), None)


def _add(period: Document, name: str, volume: Decimal) -> None:
    told = _of(period, name)
    if told is None:
        period["dimensions"].append(_dimension(name, volume))
    else:
        told["volume"] = Decimal(told["volume"]) + volume


def _dimension(name: str, volume: Decimal) -> Document:
    return {"type": name, "volume": volume}


def _hours(start: str, end: str) -> Decimal:
    return (Decimal(max(0, parse_time(end) - parse_time(start))) / HOUR).quantize(_HOURS)
