"""The cost fields of a CDR or Session, in the form of each version.

Figures are rounded once, as the price was asked to. Where several taxes make up the difference between before and after, the last one takes
what rounding leaves, so that before_taxes and taxes always sum to what was meant.
"""

from decimal import Decimal, localcontext
from typing import Any

from interplug.tariffs.money import WIDE, Money, Rounder, plain
from interplug.tariffs.read import ZERO
from interplug.tariffs.result import Priced
from interplug.tariffs.session import ENERGY, HOUR, PARKING, ChargingSession
from interplug.tariffs.settle import CATEGORIES, taxes_of

_FOUR = Decimal("0.0001")
_Taxes = dict[Decimal, tuple[Decimal, Decimal]]


def cost_documents(priced: Priced, version: str = "2.3.0") -> dict[str, Any]:
    """total_cost, and the cost of each part that was priced; 2.1.1 has the total alone, without tax."""
    with localcontext(WIDE):
        rounder = Rounder(priced.options, priced.currency)
        settled = priced.unrounded
        found = {"total_cost": _price(settled.total, settled.taxes, version, rounder)}
        if version == "2.1.1":
            return found
        for name in CATEGORIES:
            if name in settled.parts:
                own = {key: value for key, value in settled.groups.items() if key[1] == name}
                found[f"total_{name}_cost"] = _price(settled.parts[name], taxes_of(own), version, rounder)
        return found


def volume_documents(session: ChargingSession) -> dict[str, Any]:
    """total_energy, total_time and total_parking_time of a finished session, from its periods and times."""
    with localcontext(WIDE):
        periods = session.periods
        energy = sum((period.volumes[ENERGY] or ZERO for period in periods), ZERO)
        parked = sum((period.volumes[PARKING] or ZERO for period in periods), ZERO)
        start = min([us for us in (session.start, periods[0].start if periods else None) if us is not None], default=0)
        end = max([us for us in (session.end, periods[-1].end if periods else None) if us is not None], default=start)
        found = {"total_energy": _short(energy), "total_time": _short(Decimal(end - start) / HOUR)}
        return {**found, "total_parking_time": _short(parked)} if parked else found


def _short(value: Decimal) -> Decimal:
    return Decimal(plain(value.quantize(_FOUR)))


def _price(money: Money, taxes: _Taxes, version: str, rounder: Rounder) -> Any:
    excl, incl = rounder(money.excl), rounder(money.incl)
    if version == "2.1.1":
        return excl if excl is not None else incl
    if version == "2.2.1":
        found: dict[str, Any] = {"excl_vat": excl if excl is not None else incl}
        return found if incl is None else {**found, "incl_vat": incl}
    if excl is None or incl is None:
        # Price wants before_taxes. With all taxes inside and no rate nobody can tell them apart: the one amount, no taxes stated.
        return {"before_taxes": incl if excl is None else excl, "taxes": []}
    return {"before_taxes": excl, "taxes": _tax_amounts(incl - excl, taxes, rounder)}


def _tax_amounts(difference: Decimal, taxes: _Taxes, rounder: Rounder) -> list[dict[str, Any]]:
    rates = sorted(taxes)
    found = []
    for rate in rates:
        charged = difference if rate == rates[-1] else rounder(taxes[rate][1]) or ZERO
        difference -= charged
        found.append({"name": "VAT", "percentage": Decimal(plain(rate)), "amount": charged})
    return found
