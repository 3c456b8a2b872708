"""What a drive costs its driver: so far, from the Session, and in the end, as it was billed for the CDR. Both by the deal of the start.

Nothing is invented: a price without taxes is shown as such, and what cannot be known is not. While the operator's prices pass through its
own running figure is the basis; else the engine prices what the Session says it has used. The lines of a receipt sum to its total. What
was paid to the operator is no business of the driver and stands on no receipt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from interplug.charges.signed import Proof, Value, prove, values
from interplug.model.said import Figure, Said, said
from interplug.model.types import decode_json, parse_time
from interplug.modules.node import Node
from interplug.store.bills import Bill
from interplug.store.drivers import Drive, Reading
from interplug.store.keys import Key, Stored
from interplug.store.tx import Tx
from interplug.tariffs import Money, Sale, Verified, verify
from interplug.tariffs.retail import FEE
from interplug.tariffs.words import coins

from .deals import Deal, pinned, sale
from .volumes import so_far

Document = dict[str, Any]
BY_KWH, BY_HOUR = said("{name}: {n} kWh at {price}"), said("{name}: {n} h at {price}")
BY_KWH_NET, BY_HOUR_NET = said("{name}: {n} kWh at {price} before taxes"), said("{name}: {n} h at {price} before taxes")
SO_MUCH, SO_LONG = said("{name}: {n} kWh"), said("{name}: {n} h")
UNITS = {"ENERGY": BY_KWH, "TIME": BY_HOUR, "PARKING_TIME": BY_HOUR, "RESERVATION_TIME": BY_HOUR}
NAMES = {
    "ENERGY": said("Energy"),
    "TIME": said("Time"),
    "PARKING_TIME": said("Parking"),
    "RESERVATION_TIME": said("Reservation"),
    "FLAT": said("Fixed fee"),
    "MIN_PRICE": said("Up to the least price"),
    "MAX_PRICE": said("Down to the highest price"),
    "TOTAL": said("Charging, as the operator counts it"),
}
HOUR = Decimal(3600)


@dataclass(slots=True, frozen=True)
class Amount:
    """Money: before taxes, and with them, each where it is known; one of them is."""

    currency: str
    net: Decimal | None
    gross: Decimal | None

    @property
    def shown(self) -> Decimal:
        found = self.net if self.gross is None else self.gross
        assert found is not None
        return found


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
    lines: tuple[Document, ...] = ()
    """What the cost so far is made of."""
    idle: bool = False
    """The car stands at the plug and does not charge, as the Session says."""

    @property
    def items(self) -> list[Item]:
        return short(self.lines, self.cost)


@dataclass(slots=True, frozen=True)
class Item:
    """One line of a receipt."""

    what: str
    percentage: Decimal | None
    excl: Decimal | None
    incl: Decimal | None


@dataclass(slots=True)
class Receipt:
    """What the driver is billed, and the check of the CDR that it comes from. `total` is None where it cannot be said, for `reason`."""

    drive: Drive
    deal: Deal
    cdr: Document
    total: Amount | None
    reason: str
    kwh: Decimal
    began: int
    ended: int
    checked: Verified
    lines: tuple[Document, ...]
    proof: Proof | None = None
    """Of what the meter signed; None: nothing."""
    taken_back: bool = False
    """By a credit CDR: its lines are there too, and nothing is left to pay."""

    @property
    def signed(self) -> list[Value]:
        """As the meter signed it, for the driver's own check."""
        return values(self.cdr.get("signed_data") or {})

    @property
    def items(self) -> list[Item]:
        currency = str(self.cdr["currency"]) if self.total is None else self.total.currency
        taxed = self.total is not None and self.total.gross is not None
        return [item(line, currency, beside=taxed) for line in self.lines]


async def live(node: Node, drive: Drive) -> Live:
    """The drive with what its Session says now."""
    session = await node.store.read(lambda tx: tx.objects.get_pk(drive.session)) if drive.session else None
    view = Live(drive, session)
    if session is None:
        return view
    document = session.document
    zone = await node.store.read(lambda tx: _zone(tx, drive))
    view.kwh, sold = Decimal(document["kwh"]), running(pinned(drive), document, zone)
    view.cost = None if sold is None else amount(sold.currency, sold.total)
    view.lines = () if sold is None else tuple(line.to_document() for line in sold.lines)
    view.idle = view.ended is None and _idle(document)
    view.began, view.updated = parse_time(document["start_date_time"]), session.received_at
    view.ended = parse_time(document["end_date_time"]) if document.get("end_date_time") else None
    now = reading_of(document)
    view.power, view.soc = now.power, now.soc
    return view


def reading_of(session: Document) -> Reading:
    """What a Session says now."""
    newest = {one["type"]: one["volume"] for one in (session.get("charging_periods") or [{"dimensions": ()}])[-1]["dimensions"]}
    power, soc = (None if newest.get(name) is None else Decimal(newest[name]) for name in ("POWER", "STATE_OF_CHARGE"))
    return Reading(parse_time(session["last_updated"]), Decimal(session["kwh"]), power, soc)


def _idle(session: Document) -> bool:
    newest = (session.get("charging_periods") or [{"dimensions": ()}])[-1]
    told = {one["type"]: one["volume"] for one in newest["dimensions"]}
    return "PARKING_TIME" in told and not told.get("POWER") and not told.get("TIME")


def running(deal: Deal, session: Document, zone: str | None) -> Sale | None:
    """What the Session costs the driver so far."""
    told = so_far(session)
    # The fee has the tax that was shown with the price.
    beside = [deal.tariff] if deal.tariff is not None and deal.price else []
    if deal.passes and session.get("total_cost") is not None:
        # The operator's own figure is nearer to its bill than what we could compute from periods that lag behind.
        deal, told = Deal(deal.offer), {**told, "tariffs": None}
    return sale(deal, told, zone, beside)[0]


async def receipt(node: Node, drive: Drive) -> Receipt | None:
    """Once the CDR is here and billed."""
    return await node.store.read(lambda tx: _receipt(tx, drive)) if drive.cdr else None


async def _receipt(tx: Tx, drive: Drive) -> Receipt | None:
    cdr, made = await tx.objects.get_pk(drive.cdr), await tx.bills.of_cdr(drive.cdr)
    if cdr is None or made is None:
        return None
    document = cdr.document
    back = await tx.bills.crediting(made.source, made.cdr_id)
    bills = [made, *back[:1]]
    total = _total(bills)
    return Receipt(
        drive=drive,
        deal=pinned(drive),
        cdr=document,
        total=None if total is None else amount(made.sold_currency, total),
        reason=made.reason,
        kwh=Decimal(document["total_energy"]),
        began=parse_time(document["start_date_time"]),
        ended=parse_time(document["end_date_time"]),
        checked=verify(document, None if document.get("tariffs") else decode_json(drive.shown), timezone=await _zone(tx, drive)),
        lines=tuple(line for one in bills for line in decode_json(one.lines)),
        proof=prove(document),
        taken_back=bool(back),
    )


def _total(bills: list[Bill]) -> Money | None:
    if not bills[0].sold_currency:
        return None
    return Money(_sum([one.sold_net for one in bills]), _sum([one.sold_gross for one in bills]))


def _sum(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal()) if len(known) == len(values) else None


async def _zone(tx: Tx, drive: Drive) -> str | None:
    location = await tx.objects.get(Key("locations", drive.connection, drive.country, drive.party, drive.place), whole=False, gone=True)
    return None if location is None else location.document.get("time_zone")


def amount(currency: str, money: Money) -> Amount | None:
    return None if money.excl is None and money.incl is None else Amount(currency, money.excl, money.incl)


def short(lines: Iterable[Document], total: Amount | None) -> list[Item]:
    """Lines beside one amount each: where that has its taxes, the price before them is left out, for it would only puzzle."""
    currency = "" if total is None else total.currency
    return [item(line, currency, priced=total is None or total.gross is None) for line in lines]


def item(line: Document, currency: str, *, priced: bool = True, beside: bool = False) -> Item:
    """`beside`: amounts with taxes stand there, too, so it is said where the price is before them."""
    return Item(
        described(line, currency, priced=priced, net=beside and _before_taxes(line)),
        *(_decimal(line.get(name)) for name in ("percentage", "excl", "incl")),
    )


def _before_taxes(line: Document) -> bool:
    """Whether the price of a line is: some Tariffs say theirs with taxes."""
    price, billed, excl, incl = (_decimal(line.get(name)) for name in ("price", "billed", "excl", "incl"))
    if price is None or billed is None or excl is None or incl is None or excl == incl:
        return False
    amount = price * (billed if line["dimension"] == "ENERGY" else billed / HOUR)
    return abs(amount - excl) < abs(amount - incl)


def described(line: Document, currency: str, *, priced: bool = True, net: bool = False) -> str:
    """One line of a receipt in words: what, how much, at which price."""
    dimension: str = line["dimension"]
    name, unit, price = NAMES.get(dimension, dimension.capitalize()), UNITS.get(dimension), _decimal(line.get("price"))
    if line["category"] == FEE:
        name = said("Service fee")
    billed = _decimal(line.get("billed"))
    if unit is None or billed is None or price is None:
        return name
    quantity = billed if dimension == "ENERGY" else (billed / HOUR).quantize(Decimal("0.0001"))
    if not priced:
        return Said(SO_MUCH if dimension == "ENERGY" else SO_LONG, {"name": name, "n": _figure(quantity)})
    if net:
        unit = BY_KWH_NET if dimension == "ENERGY" else BY_HOUR_NET
    return Said(unit, {"name": name, "n": _figure(quantity), "price": coins(price, currency) if currency else _figure(price)})


def _figure(value: Decimal) -> Figure:
    return Figure(value, f"{value.normalize():f}")


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
