"""What a drive costs: so far, as the CPO says it in its Session, and in the end, as its CDR says and as we compute it again.

Nothing is invented: a price without taxes is shown as such, a CDR that cannot be checked is called so. The lines come from the
one pricing engine and sum to the total; where the CDR says otherwise both figures are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from interplug.model.types import decode_json, parse_time
from interplug.modules.node import Node
from interplug.store.drivers import Drive
from interplug.store.keys import Key, Stored
from interplug.store.tx import Tx
from interplug.tariffs import Line, Verified, verify

Document = dict[str, Any]
UNITS = {"ENERGY": "kWh", "TIME": "h", "PARKING_TIME": "h", "RESERVATION_TIME": "h"}
NAMES = {"ENERGY": "Energy", "TIME": "Time", "PARKING_TIME": "Parking", "RESERVATION_TIME": "Reservation", "FLAT": "Fixed fee"}


@dataclass(slots=True, frozen=True)
class Amount:
    """Money of a partner: before taxes, and with them where they are known."""

    currency: str
    net: Decimal
    gross: Decimal | None

    @property
    def shown(self) -> Decimal:
        return self.net if self.gross is None else self.gross


@dataclass(slots=True)
class Live:
    """How a drive stands. Times in microseconds UTC, power in kW, state of charge in percent; None: not said."""

    drive: Drive
    session: Stored | None = None
    kwh: Decimal | None = None
    cost: Amount | None = None
    began: int | None = None
    ended: int | None = None
    power: Decimal | None = None
    soc: Decimal | None = None
    updated: int | None = None
    """When we last heard of it."""


@dataclass(slots=True)
class Receipt:
    """The CDR as it was received, and what our own engine makes of it."""

    drive: Drive
    cdr: Document
    total: Amount
    kwh: Decimal
    began: int
    ended: int
    checked: Verified
    lines: tuple[Line, ...] = field(default=())


async def live(node: Node, drive: Drive) -> Live:
    """The drive with what its Session says now."""
    session = await node.store.read(lambda tx: tx.objects.get_pk(drive.session)) if drive.session else None
    view = Live(drive, session)
    if session is None:
        return view
    document = session.document
    view.kwh, view.cost = Decimal(document["kwh"]), amount(document.get("total_cost"), document["currency"])
    view.began, view.updated = parse_time(document["start_date_time"]), session.received_at
    view.ended = parse_time(document["end_date_time"]) if document.get("end_date_time") else None
    newest = {one["type"]: one["volume"] for one in (document.get("charging_periods") or [{"dimensions": ()}])[-1]["dimensions"]}
    power, soc = newest.get("POWER"), newest.get("STATE_OF_CHARGE")
    view.power = None if power is None else Decimal(power)
    view.soc = None if soc is None else Decimal(soc)
    return view


async def receipt(node: Node, drive: Drive) -> Receipt | None:
    """The receipt, once the CDR is here. The Tariffs in the CDR are priced; where it has none, those that the driver was shown."""
    if not drive.cdr:
        return None
    cdr, zone = await node.store.read(lambda tx: _read(tx, drive))
    document = cdr.document
    checked = verify(document, None if document.get("tariffs") else _shown(drive), timezone=zone)
    total = amount(document["total_cost"], document["currency"])
    assert total is not None
    return Receipt(
        drive=drive,
        cdr=document,
        total=total,
        kwh=Decimal(document["total_energy"]),
        began=parse_time(document["start_date_time"]),
        ended=parse_time(document["end_date_time"]),
        checked=checked,
        lines=checked.priced.lines if checked.priced is not None else (),
    )


async def _read(tx: Tx, drive: Drive) -> tuple[Stored, str | None]:
    cdr = await tx.objects.get_pk(drive.cdr)
    assert cdr is not None
    location = await tx.objects.get(Key("locations", drive.connection, drive.country, drive.party, drive.place), whole=False)
    return cdr, None if location is None else location.document.get("time_zone")


def _shown(drive: Drive) -> list[Document]:
    return list(decode_json(drive.shown))


def amount(price: Document | None, currency: str) -> Amount | None:
    """A Price in its newest form; gross only where its taxes are named."""
    if price is None:
        return None
    net, taxes = Decimal(price["before_taxes"]), price.get("taxes") or ()
    return Amount(currency, net, net + sum((Decimal(tax["amount"]) for tax in taxes), Decimal()) if taxes else None)


def described(line: Line) -> str:
    """One line of a receipt in words: what, how much, at which price."""
    name, unit = NAMES.get(line.dimension, line.dimension.capitalize()), UNITS.get(line.dimension)
    if unit is None or line.quantity is None or line.price is None:
        return name
    return f"{name}: {line.quantity.normalize():f} {unit} at {line.price.normalize():f}"
