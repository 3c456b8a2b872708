"""A deal: what a driver pays for one session. Our offer and the operator's Tariff as both were when the session started.

It says the price in words before the start, has a key that changes with the price, and prices the Session while it runs and its CDR. With
an offer of ours the operator's prices do not matter to the driver. Where they pass through and no Tariff is known, what the operator says
that the session costs is raised by the fee; where that cannot be done the price is not known, which is said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from interplug.model.said import said
from interplug.model.types import decode_json, encode_json
from interplug.store.drivers import Drive
from interplug.tariffs import SPEC, Compiler, Fee, Money, Options, Sale, TariffError, dearest_kwh, resell, retail_words, sell
from interplug.tariffs.retail import NOTHING, tax_rates, taxed, with_tax
from interplug.versions.facts import Facts
from interplug.versions.tariffs_shown import shown

from .offers import Offer, known
from .volumes import NotTold, dimensions_of, filled

Document = dict[str, Any]
DIVIDED = Options(split="linear")
"""For a Tariff of ours: an operator cuts the periods of a session where its own prices change."""
_COMPILER = Compiler()


@dataclass(frozen=True)
class Deal:
    offer: Offer | None = None
    tariff: Document | None = None
    """The operator's, where its prices pass through and it is known; with the offer's `missing_vat` where it tells no tax."""

    @property
    def passes(self) -> bool:
        return self.offer is None or self.offer.passes

    @property
    def _pays(self) -> Document | None:
        """The tariff by which the driver pays, without the fee."""
        own = self.offer.tariff if self.offer is not None else None
        return self.tariff if own is None else own

    @cached_property
    def price(self) -> str:
        """In words; empty where it is not known."""
        tariff = self._pays
        return "" if tariff is None else _said(tariff, self)

    @cached_property
    def tax_rates(self) -> tuple[Decimal, ...]:
        """Of the VAT that is in the price, in percent; none where it is not known, or none applies."""
        tariff = self._pays
        try:
            return () if tariff is None else tax_rates(tariff, self._fee)
        except TariffError:
            return ()

    def per_kwh(self, currency: str) -> Decimal | None:
        """The most that a kWh costs, in this currency; None where that is not known."""
        tariff = self._pays
        if tariff is None or str(tariff.get("currency", "")).upper() != currency:
            return None
        try:
            return dearest_kwh(tariff, self._fee)
        except TariffError:
            return None

    @cached_property
    def idle_fee(self) -> str:
        """What standing there without charging costs, in words; empty where it costs nothing, or is not known."""
        tariff = self._pays
        named = None if tariff is None else only(tariff, "PARKING_TIME")
        try:
            return "" if named is None else retail_words(named, Fee(percentage=self._fee.percentage))
        except TariffError:
            return ""

    @cached_property
    def on_top(self) -> str:
        """The fee in words, for where the price that it is added to is not known."""
        fee = self._fee
        share = f"{fee.percentage.normalize():+f} %" if fee.percentage else ""
        return ", ".join(part for part in (share, _said(None, self)) if part)

    @property
    def _fee(self) -> Fee:
        return NOTHING if self.offer is None else self.offer.on_top

    @cached_property
    def key(self) -> str:
        """Changes with the price; `none` where there is none."""
        if self.offer is None:
            return "none" if self.tariff is None else _digest(self.tariff)
        return _digest([self.offer.document(), self.tariff if self.passes else None])


def only(tariff: Document, dimension: str) -> Document | None:
    """A tariff with the prices of one dimension alone; None where it asks nothing for that."""
    elements = []
    for element in tariff.get("elements") or ():
        components = [one for one in element.get("price_components") or () if one.get("type") == dimension]
        if components and not (element.get("restrictions") or {}).get("reservation"):
            elements.append({**element, "price_components": components})
    if not any(one.get("price") for element in elements for one in element["price_components"]):
        return None
    return {**tariff, "elements": elements, "min_price": None, "max_price": None}


def deal(offer: Offer | None, tariffs: Iterable[Document], now: int) -> Deal:
    """`tariffs`: those that the operator names for the plug."""
    passes = offer is None or offer.passes
    return passing(offer, valid(tariffs, now) if passes else None)


def passing(offer: Offer | None, tariff: Document | None) -> Deal:
    """This tariff of the operator's passes through."""
    return Deal(offer, None if tariff is None else taxed(tariff, _rate(offer)))


def _rate(offer: Offer | None) -> Decimal | None:
    return None if offer is None else offer.missing_vat


def pinned(drive: Drive) -> Deal:
    """What was shown to the driver before the start."""
    if drive.terminal:
        return Deal(tariff=decode_json(drive.shown)[0])
    document = decode_json(drive.offer)
    return deal(None if document is None else known(document), decode_json(drive.shown), drive.created_at)


def valid(tariffs: Iterable[Document], now: int) -> Document | None:
    """The one of a plug's Tariffs that a driver with a contract pays at this time."""
    return next((tariff for tariff in tariffs if shown(tariff, Facts(now=now))), None)


def sale(deal: Deal, cdr: Document, zone: str | None, beside: Sequence[Document] = (), *, divided: bool = False) -> tuple[Sale | None, str]:
    """What a CDR, or a Session so far, costs the driver; or None and why that cannot be said.

    `beside`: Tariffs that say the tax of a fee, where the operator's own figure passes through. `divided`: nobody has cut its periods
    where prices change, because it is a plan.
    """
    fee = NOTHING if deal.offer is None else deal.offer.on_top
    if fee.has_amounts and fee.currency != cdr["currency"].upper():
        return None, f"the fee is in {fee.currency}, the operator's bill in {cdr['currency']}"
    counted = {"ENERGY"} if fee.per_kwh else set[str]()
    try:
        if deal.offer is not None and deal.offer.tariff is not None:
            own = [deal.offer.tariff]
            return sell(filled(cdr, dimensions_of(own)), _always(own), timezone=zone, options=DIVIDED, compiler=_COMPILER), ""
        tariffs = [deal.tariff] if deal.tariff is not None else [taxed(one, _rate(deal.offer)) for one in cdr.get("tariffs") or ()]
        if tariffs:
            whole = deal.tariff is not None
            told = filled(cdr, dimensions_of(tariffs) | counted)
            options = DIVIDED if divided else SPEC
            priced = _always(tariffs) if whole else tariffs
            return sell(told, priced, fee, whole=whole, timezone=zone, options=options, compiler=_COMPILER), ""
    except (TariffError, NotTold) as error:
        if not deal.passes:
            return None, str(error)
    total = money(cdr.get("total_cost"))
    if total is None:
        return None, said("neither a tariff nor a cost is told")
    taxless = any(one.get("tax_included") == "N/A" for one in (*beside, *(cdr.get("tariffs") or ())))
    rate = None if total.incl is not None or taxless else _rate(deal.offer)
    try:
        sold = resell(filled(cdr, counted), with_tax(total, rate), fee, beside)
    except (TariffError, NotTold) as error:
        return None, str(error)
    return sold if rate is None else at_rate(sold, rate), ""


def at_rate(sold: Sale, rate: Decimal | None) -> Sale:
    """The operator's own figure was taxed by this rate."""
    return replace(sold, lines=tuple(one if one.percentage is not None else replace(one, percentage=rate) for one in sold.lines))


def as_billed(cdr: Document) -> Sale | None:
    """What the operator's bill itself comes to, which is what is taken at a terminal; its one rate of tax is told where it has one."""
    total = money(cdr.get("total_cost"))
    if total is None:
        return None
    sold = resell(cdr, total)
    rates = [tax.get("percentage") for tax in cdr["total_cost"].get("taxes") or ()]
    rate = Decimal(rates[0]) if len(rates) == 1 and rates[0] is not None else None
    return at_rate(sold, rate)


def money(price: Document | None) -> Money | None:
    """A Price in its newest form; after taxes only where they are named, and of nothing, which is not taxed."""
    if price is None:
        return None
    net, taxes = Decimal(price["before_taxes"]), price.get("taxes") or ()
    return Money(net, net + sum((Decimal(tax["amount"]) for tax in taxes), Decimal()) if taxes or not net else None)


def _always(tariffs: Iterable[Document]) -> list[Document]:
    """Chosen already when the session started: clocks that differ make a tariff not invalid."""
    return [{name: value for name, value in one.items() if name not in ("start_date_time", "end_date_time")} for one in tariffs]


def _said(tariff: Document | None, deal: Deal) -> str:
    try:
        return retail_words(tariff, NOTHING if deal.offer is None else deal.offer.on_top)
    except TariffError:
        return ""


def _digest(value: Any) -> str:
    return hashlib.sha256(encode_json(value)).hexdigest()[:16]
