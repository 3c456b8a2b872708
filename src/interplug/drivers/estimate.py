"""What a charge would cost at a plug, before it starts: a charge as it is planned, priced by the one engine at the price of the deal.

The car is taken to draw its full power all the time, which is the shortest and, where time costs, the cheapest it can be; standing there
afterwards is told apart, for it has a price of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from interplug.model.types import format_time

from .deals import Deal, sale
from .receipt import Amount, Item, amount, short

Document = dict[str, Any]
SECOND = 1_000_000
HOUR = Decimal(3600)
LEAST_KW = Decimal("3.7")


@dataclass(slots=True, frozen=True)
class Wish:
    """`kwh` wanted; what the car draws from an alternating and a direct current, in kW; `idle`: minutes that it stays plugged in after."""

    kwh: Decimal
    ac: Decimal = Decimal(11)
    dc: Decimal = Decimal(100)
    idle: int = 0


@dataclass(slots=True, frozen=True)
class Estimate:
    """`lines` are the engine's and sum to `total`; `seconds` is how long it charges."""

    kwh: Decimal
    kw: Decimal
    seconds: int
    idle: int
    total: Amount
    lines: tuple[Document, ...]

    @property
    def items(self) -> list[Item]:
        return short(self.lines, self.total)


def estimate(deal: Deal, wish: Wish, power: int, power_type: str, zone: str | None, now: int) -> Estimate | None:
    """At a plug that gives `power` W, begun now; None where no price is known."""
    named = currency_of(deal)
    if not named:
        return None
    plug = max(Decimal(power) / 1000, LEAST_KW)
    kw = min(plug, wish.dc if power_type == "DC" else wish.ac)
    session = planned(named, wish.kwh, kw, wish.idle, now)
    found, _ = sale(deal, session, zone, divided=True)
    total = None if found is None else amount(found.currency, found.total)
    if found is None or total is None:
        return None
    lines = tuple(line.to_document() for line in found.lines)
    return Estimate(wish.kwh, kw, int(wish.kwh / kw * HOUR), wish.idle, total, lines)


def planned(currency: str, kwh: Decimal, kw: Decimal, idle: int, now: int) -> Document:
    """A charge as a document that can be priced."""
    hours, parked = (kwh / kw).quantize(Decimal("0.0001")), (Decimal(idle) / 60).quantize(Decimal("0.0001"))
    full = now + int(hours * HOUR) * SECOND
    end = full + idle * 60 * SECOND
    periods = [{"start_date_time": format_time(now), "dimensions": [_volume("ENERGY", kwh), _volume("TIME", hours), _volume("POWER", kw)]}]
    if idle:
        periods.append({"start_date_time": format_time(full), "dimensions": [_volume("PARKING_TIME", parked)]})
    return {
        "currency": currency,
        "start_date_time": format_time(now),
        "end_date_time": format_time(end),
        "last_updated": format_time(end),
        "total_energy": kwh,
        "total_time": hours + parked,
        "total_parking_time": parked,
        "charging_periods": periods,
    }


def currency_of(deal: Deal) -> str:
    """Of the price; empty where none is known."""
    named = [tariff["currency"] for tariff in tariffs_of(deal)]
    return named[0].upper() if named else deal.offer.on_top.currency if deal.offer is not None else ""


def tariffs_of(deal: Deal) -> list[Document]:
    own = deal.offer.tariff if deal.offer is not None else None
    return [one for one in (own, deal.tariff) if one is not None]


def _volume(type: str, volume: Decimal) -> Document:
    return {"type": type, "volume": volume}
