"""What a provider charges its driver: a tariff of its own, or the operator's with a fee on top. Priced by the one engine.

A fee has a percentage, which raises every price and limit of the operator's tariff, and amounts for a session and for each kWh, which are
a tariff of their own: no restriction, step or limit of the operator's reaches them, and the driver sees them apart. So what is sold
always costs the raised tariff plus the fee, to the last digit, and each line says which of the two it comes from.

The taxes of the operator's tariff stay; where it tells none a provider may know the rate (`taxed`), for it sells in its own name. Those of
the fee are its own `vat`; where it names none it follows the operator's tariff if that has one rate for everything, and else is unknown,
which is not zero.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any, Literal

from msgspec import Struct

from interplug.model.said import Said, joined, said
from interplug.tariffs.compiled import ENERGY, Tariff, compile_tariff
from interplug.tariffs.money import HUNDRED, WIDE, Money, Rounder, Tax
from interplug.tariffs.options import SPEC, Options
from interplug.tariffs.price import price
from interplug.tariffs.problems import Problem
from interplug.tariffs.read import ZERO, number, record, records, text
from interplug.tariffs.result import Line, Priced
from interplug.tariffs.words import words

Document = dict[str, Any]
VERSION = "2.3.0"
FEE = "fee"
"""The category of lines of the fee."""
_FINEST = Decimal("1e-20")
_BOUNDS = ("before_taxes", "after_taxes", "excl_vat", "incl_vat")


class Fee(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`currency` and `tax_included` are those of the two amounts; a percentage needs neither."""

    percentage: Decimal = ZERO
    per_session: Decimal = ZERO
    per_kwh: Decimal = ZERO
    currency: str = ""
    tax_included: Literal["YES", "NO"] = "NO"
    vat: Decimal | None = None

    @property
    def has_amounts(self) -> bool:
        return bool(self.per_session or self.per_kwh)


NOTHING = Fee()


@dataclass(frozen=True, slots=True)
class Sale:
    """The price of a session for the driver. The lines sum to the total, digit for digit."""

    currency: str
    total: Money
    lines: tuple[Line, ...]
    warnings: tuple[Problem, ...]


def sell(
    cdr: Mapping[str, Any],
    tariffs: Sequence[Mapping[str, Any]],
    fee: Fee = NOTHING,
    *,
    whole: bool = True,
    timezone: str | None = None,
    options: Options = SPEC,
    compiler: Callable[[dict[str, Any], str], Tariff] = compile_tariff,
) -> Sale:
    """Prices a CDR or Session with what the driver was offered. `whole`: for all of it, whatever its periods name.

    An operator cuts its periods where its own prices change: a provider's own tariff is priced with `split="linear"`.
    """
    session = _nameless(cdr) if whole else cdr
    main = price(session, [raised(one, fee.percentage) for one in tariffs], timezone=timezone, options=options, compiler=compiler)
    extra = fee_tariff(fee, tariffs)
    parts = [main] if extra is None else [main, price(_nameless(cdr), [extra], options=options, compiler=compiler)]
    return _sale(parts, options)


def resell(cdr: Mapping[str, Any], total: Money, fee: Fee = NOTHING, beside: Sequence[Mapping[str, Any]] = ()) -> Sale:
    """The operator's own total (of a CDR, or of a Session so far), raised, and the fee for its kWh; `beside`: the tariffs known."""
    currency = (text(cdr.get("currency"), "/cdr/currency") or "").upper()
    with localcontext(WIDE):
        factor = (HUNDRED + fee.percentage) / HUNDRED
        bought = Money(*(None if side is None else side * factor for side in total))
        extra = fee_tariff(fee, beside)
        parts = [] if extra is None else [price(_nameless(cdr), [extra])]
        line = Line("", "/total_cost", "total", "TOTAL", *bought)
        return _added(currency, bought, [line], parts, Rounder(SPEC, currency))


def taxed(tariff: Mapping[str, Any], rate: Decimal | None) -> Document:
    """With this rate, in percent, where the tax of its prices is not known. What says that no tax applies, or has rates, is not touched."""
    components = [one for element in records(tariff.get("elements"), "/elements") for one in element.get("price_components") or ()]
    included = tariff.get("tax_included") or "NO"
    told = any(one.get("vat") is not None for one in components)
    if rate is None or included == "N/A" or (included == "NO" and told):
        return dict(tariff)
    elements = [
        {**element, "price_components": [{"vat": rate, **_without_null(one)} for one in element.get("price_components") or ()]}
        for element in records(tariff.get("elements"), "/elements")
    ]
    limits = {name: _with_taxes(tariff[name], rate) for name in ("min_price", "max_price") if tariff.get(name)}
    return {**tariff, "elements": elements, **limits}


def _without_null(document: Mapping[str, Any]) -> Document:
    return {name: value for name, value in document.items() if value is not None}


def _with_taxes(limit: Mapping[str, Any], rate: Decimal) -> Document:
    found = _without_null(limit)
    if "before_taxes" in found and "after_taxes" not in found:
        found["after_taxes"] = with_tax(Money(Decimal(found["before_taxes"]), None), rate).incl
    return found


def with_tax(amount: Money, rate: Decimal | None) -> Money:
    """With its taxes by this rate, where they are not known."""
    if rate is None or amount.excl is None or amount.incl is not None:
        return amount
    with localcontext(WIDE):
        return Money(amount.excl, amount.excl * (HUNDRED + rate) / HUNDRED)


def tax_rates(tariff: Mapping[str, Any], fee: Fee = NOTHING) -> tuple[Decimal, ...]:
    """All rates in percent that what costs something has; none where a tax is not known, or none applies."""
    extra = fee_tariff(fee, [tariff])
    named = [tariff] if extra is None else [tariff, extra]
    taxes = {_of_driver(tax) for one in named for tax in _taxes_of(compile_tariff(dict(one), VERSION))}
    rates = sorted(tax.rate for tax in taxes if tax.rate is not None)
    return () if any(tax.unknown for tax in taxes) else tuple(rates)


def raised(tariff: Mapping[str, Any], percentage: Decimal) -> Document:
    """With every price and limit so many percent higher."""
    found = dict(tariff)
    if percentage:
        with localcontext(WIDE):
            factor = (HUNDRED + percentage) / HUNDRED
            found["elements"] = [
                {
                    **element,
                    "price_components": [
                        _scaled(component, ("price",), factor, f"/elements/{index}/price_components/{place}")
                        for place, component in enumerate(records(element.get("price_components"), f"/elements/{index}/price_components"))
                    ],
                }
                for index, element in enumerate(records(tariff.get("elements"), "/elements"))
            ]
            for name in ("min_price", "max_price"):
                if tariff.get(name) is not None:
                    found[name] = _scaled(record(tariff[name], f"/{name}"), _BOUNDS, factor, f"/{name}")
    return found


def fee_tariff(fee: Fee, beside: Sequence[Mapping[str, Any]] = ()) -> Document | None:
    """The amounts of a fee as a tariff; `beside`: the tariffs that it is added to."""
    if not fee.has_amounts:
        return None
    tax_included, vat = _taxes(fee, beside)
    rate = {} if vat is None else {"vat": vat}
    amounts = (("FLAT", fee.per_session), ("ENERGY", fee.per_kwh))
    components = [{"type": name, "price": amount, "step_size": 0, **rate} for name, amount in amounts if amount]
    return {"id": "FEE", "currency": fee.currency, "tax_included": tax_included, "elements": [{"price_components": components}]}


def retail_words(tariff: Mapping[str, Any] | None, fee: Fee = NOTHING) -> Said:
    """In one line, as a driver reads it; without a tariff only the fee, if there is one."""
    extra = fee_tariff(fee, [] if tariff is None else [tariff])
    own = [] if tariff is None else [words(raised(tariff, fee.percentage))]
    return joined("; ", [*own, *([] if extra is None else [said("service fee {price}", price=words(extra))])])


def dearest_kwh(tariff: Mapping[str, Any] | None, fee: Fee = NOTHING) -> Decimal | None:
    """The most that a kWh costs a driver at any time, with taxes where they are known; None where energy is not what is paid for, or not
    known. What time, parking or the start cost is not in it."""
    if tariff is None:
        return None
    found = [_energy(raised(tariff, fee.percentage))]
    extra = fee_tariff(fee, [tariff])
    if found[0] and extra is not None:
        found.append(_energy(extra))
    return sum((max(prices, default=ZERO) for prices in found), ZERO) if found[0] else None


def _energy(tariff: Document) -> list[Decimal]:
    components = [one for element in compile_tariff(tariff, VERSION).elements for one in element.components if one.dimension == ENERGY]
    sides = [one.tax.sides(one.price) for one in components]
    return [after if after is not None else before for before, after in sides if after is not None or before is not None]  # type: ignore[misc]


def _taxes(fee: Fee, beside: Sequence[Mapping[str, Any]]) -> tuple[str, Decimal | None]:
    if fee.vat is not None:
        return fee.tax_included, fee.vat
    found = {_of_driver(tax) for tariff in beside for tax in _taxes_of(compile_tariff(dict(tariff), VERSION))}
    single = next(iter(found)) if len(found) == 1 else Tax("net_only")
    return ("N/A", None) if single.kind == "none" else (fee.tax_included, single.rate)


def _taxes_of(tariff: Tariff) -> set[Tax]:
    """Of what costs something; of everything where nothing does."""
    components = [component for element in tariff.elements for component in element.components]
    return {component.tax for component in components if component.price} or {component.tax for component in components}


def _of_driver(tax: Tax) -> Tax:
    """The rate, whichever side of it the prices are on."""
    return Tax("net", tax.rate) if tax.rate is not None else tax


def _scaled(holder: Mapping[str, Any], names: Sequence[str], factor: Decimal, path: str) -> Document:
    found = dict(holder)
    for name in names:
        value = number(holder.get(name), f"{path}/{name}", lambda _: None)
        if value is not None:
            product = value * factor
            found[name] = product if product == product.quantize(_FINEST) else product.quantize(_FINEST)
    return found


def _nameless(cdr: Mapping[str, Any]) -> Document:
    """Without the names of tariffs in its periods."""
    periods = records(cdr.get("charging_periods"), "/cdr/charging_periods")
    return {**cdr, "charging_periods": [{name: value for name, value in period.items() if name != "tariff_id"} for period in periods]}


def _sale(parts: Sequence[Priced], options: Options) -> Sale:
    main = parts[0]
    with localcontext(WIDE):
        sale = _added(main.currency, main.unrounded.total, list(main.fine_lines), parts[1:], Rounder(options, main.currency))
    return replace(sale, warnings=tuple(dict.fromkeys((*main.warnings, *sale.warnings))))


def _added(currency: str, bought: Money, lines: list[Line], fees: Sequence[Priced], rounder: Rounder) -> Sale:
    totals = [bought, *(part.unrounded.total for part in fees)]
    total = Money(rounder(_sum([one.excl for one in totals])), rounder(_sum([one.incl for one in totals])))
    lines += [replace(line, category=FEE) for part in fees for line in part.fine_lines]
    return Sale(currency, total, _rounded(lines, total, rounder), tuple(problem for part in fees for problem in part.warnings))


def _rounded(lines: list[Line], total: Money, rounder: Rounder) -> tuple[Line, ...]:
    """Each line to the decimals of the total; what rounding leaves goes to the next one, and the last makes the sum whole."""
    excl = _spread([line.excl for line in lines], total.excl, rounder)
    incl = _spread([line.incl for line in lines], total.incl, rounder)
    return tuple(replace(line, excl=before, incl=after) for line, before, after in zip(lines, excl, incl, strict=True))


def _spread(amounts: list[Decimal | None], total: Decimal | None, rounder: Rounder) -> list[Decimal | None]:
    if total is None:
        return [rounder(amount) for amount in amounts]
    exact = given = ZERO
    found: list[Decimal | None] = []
    for place, amount in enumerate(amounts, 1):
        exact += amount or ZERO
        upto = total if place == len(amounts) else rounder(exact) or ZERO
        found.append(upto - given)
        given = upto
    return found


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, ZERO) if len(known) == len(values) else None
