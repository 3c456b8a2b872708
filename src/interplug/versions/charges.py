"""What Sessions, CDRs and Tariffs need on the way between versions, whichever the version: prices, tariff elements, stand-ins.

One rule above all: a restriction that the other version does not know is never dropped alone, for the element around it would become
unconditional. The whole element goes; and when a dimension would lose its last price with it, the Tariff is withheld, or energy would
look free. A CDR is never withheld for a word that has no equivalent: money hangs on it, so a required word gets a stand-in, which LOSSES
lists. This file does not know which version calls.
"""

from collections.abc import Iterable
from typing import Any

from .facts import WITHHELD, Document, Facts
from .lens import Step, Whole
from .spelling import add, is_number, subtract, without_tax

COSTS = ("total_cost", "total_fixed_cost", "total_energy_cost", "total_time_cost", "total_parking_cost", "total_reservation_cost")

# --- Price: {before_taxes, taxes} (2.3.0), {excl_vat, incl_vat} (2.2.1), a number (2.1.1) -------------------------------------------------


def price_down(price: Any, facts: Facts) -> Any:
    """Several taxes become one sum. No taxes may mean that there are none or that they are not known, so nothing is said then."""
    if not isinstance(price, dict) or price.get("before_taxes") is None:
        return price
    net = price["before_taxes"]
    taxes = price.get("taxes")
    if not taxes:
        return {"excl_vat": net}
    gross = net
    for tax in taxes:
        gross = add(gross, tax["amount"])
    return {"excl_vat": net, "incl_vat": gross}


def price_up(price: Any, facts: Facts) -> Any:
    if not isinstance(price, dict) or "before_taxes" in price:
        return price
    net, gross = price.get("excl_vat"), price.get("incl_vat")
    if is_number(net) and is_number(gross):
        return {"before_taxes": net, "taxes": [{"name": "VAT", "amount": subtract(gross, net)}]}
    return {"before_taxes": net}


def limit_down(limit: Any, facts: Facts) -> Any:
    return _renamed(limit, {"before_taxes": "excl_vat", "after_taxes": "incl_vat"})


def limit_up(limit: Any, facts: Facts) -> Any:
    return _renamed(limit, {"excl_vat": "before_taxes", "incl_vat": "after_taxes"})


def _renamed(limit: Any, names: dict[str, str]) -> Any:
    return {names.get(key, key): value for key, value in limit.items()} if isinstance(limit, dict) else limit


def net_only(price: Any, facts: Facts) -> Any:
    """To 2.1.1: the net number, never the gross one."""
    return price.get("excl_vat") if isinstance(price, dict) else price


def from_net(number: Any, facts: Facts) -> Any:
    return {"excl_vat": number}


def untaxed_down(document: Document, out: Document, facts: Facts) -> Document:
    """Where every Tariff of a CDR says that no tax applies (N/A, 11.4.9), the gross amount is known: it is the net one."""
    tariffs = document.get("tariffs") or ()
    if not tariffs or any(tariff.get("tax_included") != "N/A" for tariff in tariffs):
        return out
    for key in COSTS:
        price = out.get(key)
        if price and "incl_vat" not in price:
            out = {**out, key: {**price, "incl_vat": price["excl_vat"]}}
    return out


# --- Tariffs ------------------------------------------------------------------------------------------------------------------------------

_FOR_RESERVATIONS = ("reservation", "booking")


def conditional(known: frozenset[str]) -> Step:
    """Restrictions of a tariff element; the element is withheld if one of them is unknown to the other version."""

    def checked(restrictions: Document, facts: Facts) -> Any:
        if restrictions.keys() <= known:
            return restrictions
        if any(restrictions[key] is not None for key in restrictions.keys() - known):
            return WITHHELD
        return {key: value for key, value in restrictions.items() if key in known}

    return checked


def elements(element: Step) -> Step:
    def over(items: list[Document], facts: Facts) -> Any:
        pairs = [(item, element(item, facts)) for item in items]
        if all(new is item for item, new in pairs):
            return items
        left = [new for _, new in pairs if new is not WITHHELD]
        lost = _priced(item for item, new in pairs if new is WITHHELD)
        return left if left and lost <= _priced(left) else WITHHELD

    return over


def _priced(items: Iterable[Document]) -> set[str]:
    """The dimensions of charging that have a price; reservations are another matter."""
    charging = [item for item in items if not any((item.get("restrictions") or {}).get(key) for key in _FOR_RESERVATIONS)]
    return {component["type"] for item in charging for component in item["price_components"]}


def net_prices(items: list[Document], facts: Facts) -> Any:
    """Prices that include tax, without it. A component whose rate is not given cannot be converted."""
    net: list[Document] = []
    for item in items:
        components = [_net_component(component) for component in item["price_components"]]
        if None in components:
            return WITHHELD
        net.append({**item, "price_components": components})
    return net


def _net_component(component: Document) -> Document | None:
    vat = component.get("vat")
    price = without_tax(component["price"], vat) if vat is not None else None
    return None if price is None else {**component, "price": price}


def no_vat(items: list[Document], facts: Facts) -> Any:
    if not any("vat" in component for item in items for component in item["price_components"]):
        return items
    return [{**item, "price_components": [_without_vat(part) for part in item["price_components"]]} for item in items]


def _without_vat(component: Document) -> Document:
    return {key: value for key, value in component.items() if key != "vat"}


# --- Charging periods and the place of a CDR ----------------------------------------------------------------------------------------------

_NOTHING: Document = {"type": "ENERGY", "volume": 0}


def dimensions(known: frozenset[str]) -> Step:
    """Without the dimensions that the other version does not know. The list may not be empty, and ENERGY 0 says nothing wrong."""

    def within(items: Any, facts: Facts) -> Any:
        if not isinstance(items, list) or all(_type(item) in known for item in items):
            return items
        return [item for item in items if _type(item) in known] or [_NOTHING]

    return within


def _type(dimension: Any) -> str:
    return str(dimension.get("type")) if isinstance(dimension, dict) else ""


def standing_in(standards: frozenset[str]) -> Whole:
    """The connector of a CdrLocation. Its standard is required, so one that the other version does not know gets the nearest likeness."""

    def stand_in(document: Document, out: Document, facts: Facts) -> Document:
        standard = out.get("connector_standard")
        if standard is None or standard in standards:
            return out
        direct = out.get("connector_power_type") == "DC"
        likeness = "TESLA_S" if standard == "SAE_J3400" else "IEC_62196_T2_COMBO" if direct else "IEC_62196_T2"
        return {**out, "connector_standard": likeness}

    return stand_in
