"""A tariff in one line of plain English, for a driver's page: "€0.35 per kWh, €0.10 per minute after 4 h". It knows its parts, so that a
page can say it in another language.

Says what is charged and when, dimension by dimension in the order in which the engine asks: the first condition that holds is the
price, so a later component reads "otherwise". Prices are those the driver pays, taxes included, where the rate is known.
"""

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

from interplug.model.said import Figure, Said, joined, said
from interplug.tariffs.compiled import ENERGY, FLAT, PARKING, TIME, Component, Tariff, compile_tariff
from interplug.tariffs.money import WIDE, exponent, plain
from interplug.tariffs.read import number, records
from interplug.tariffs.restrictions import EXPIRED, RESERVATION, SESSION, read_weekdays

_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
_MINUTE = Decimal(60)
_CENT = Decimal("0.0001")
_FEES = {
    SESSION: said("{price} per session"),
    RESERVATION: said("{price} per reservation"),
    EXPIRED: said("{price} for an expired reservation"),
}
_PARKED = -1
_FREE = {
    SESSION: said("free time"),
    RESERVATION: said("free time reserved"),
    EXPIRED: said("free time of an expired reservation"),
    _PARKED: said("free time parked"),
}
_BY_MINUTE = {
    SESSION: said("{price} per minute"),
    RESERVATION: said("{price} per minute reserved"),
    EXPIRED: said("{price} per minute of an expired reservation"),
    _PARKED: said("{price} per minute parked"),
}
_BY_HOUR = {
    SESSION: said("{price} per hour"),
    RESERVATION: said("{price} per hour reserved"),
    EXPIRED: said("{price} per hour of an expired reservation"),
    _PARKED: said("{price} per hour parked"),
}
_DAYS = (said("Monday"), said("Tuesday"), said("Wednesday"), said("Thursday"), said("Friday"), said("Saturday"), said("Sunday"))
_RANGES = {
    "min_kwh": (said("for the first {high}"), said("after {low}")),
    "min_duration": (said("for the first {high}"), said("after {low}")),
    "min_power": (said("below {high}"), said("from {low}")),
    "min_current": (said("below {high}"), said("from {low}")),
}
"""What only ends, and what only begins."""


def words(tariff: Mapping[str, Any], *, version: str = "2.3.0", taxes: bool = True, today: str | None = None) -> Said:
    """`taxes`: with taxes where they are known; else before taxes. `today`, a local date: what is over by then is left out."""
    with localcontext(WIDE):
        tariff = {**tariff, "elements": _current(records(tariff.get("elements"), "/elements"), today)}
        compiled = compile_tariff(tariff, version)
        elements = records(tariff.get("elements"), "/elements")
        conditions = [_condition(element.get("restrictions") or {}) for element in elements]
        sentences = [
            sentence
            for phase in (SESSION, RESERVATION, EXPIRED)
            for dimension in (ENERGY, TIME, PARKING, FLAT)
            if (sentence := _dimension(compiled, phase, dimension, conditions, taxes))
        ]
        price = joined(", ", [*(sentences or [said("free")]), *_limits(compiled, taxes)])
        return said("{price} plus taxes", price=price) if _before_taxes(compiled, taxes) else price


def _current(elements: list[dict[str, Any]], today: str | None) -> list[dict[str, Any]]:
    """Without elements whose last day has passed, and without first days that have come."""
    if today is None:
        return elements
    current = []
    for element in elements:
        limits = element.get("restrictions") or {}
        if isinstance(limits, dict) and not _before(limits.get("end_date"), today):
            begun = _before(limits.get("start_date"), today)
            current.append({**element, "restrictions": {k: v for k, v in limits.items() if k != "start_date" or not begun}})
    return current


def _before(date: Any, today: str) -> bool:
    """Dates of one spelling sort like text."""
    return isinstance(date, str) and date <= today


def _dimension(tariff: Tariff, phase: int, dimension: int, conditions: list[str], taxes: bool) -> str:
    found = [c for element in tariff.elements if element.phase == phase for c in element.components if c.dimension == dimension]
    if not found or (all(not component.price for component in found) and dimension != ENERGY):
        return ""
    parts: list[str] = []
    for component in found:
        when = conditions[component.element]
        price = _amount(component, tariff.currency, phase, taxes)
        parts.append(joined(" ", (price, when)) if when else said("otherwise {price}", price=price) if parts else price)
        if not when:
            break
    return joined(", ", parts)


def _amount(component: Component, currency: str, phase: int, taxes: bool) -> Said:
    price = _shown(component, taxes)
    if component.dimension == FLAT:
        return Said(_FEES[phase], {"price": coins(price, currency)})
    kind = _PARKED if component.dimension == PARKING else phase
    if not price:
        return said("free charging") if component.dimension == ENERGY else _FREE[kind]
    if component.dimension == ENERGY:
        by_kwh = said("{price} per kWh", price=coins(price, currency))
        return _stepped(by_kwh, said("{n} kWh", n=_figure(component.step / 1000))) if component.step >= 1000 else by_kwh
    by_minute = price / _MINUTE
    if by_minute == by_minute.quantize(_CENT) and price < 120:
        by_time = Said(_BY_MINUTE[kind], {"price": coins(by_minute, currency)})
    else:
        by_time = Said(_BY_HOUR[kind], {"price": coins(price, currency)})
    return _stepped(by_time, _duration(component.step)) if component.step > 60 else by_time


def _stepped(price: Said, step: Said) -> Said:
    return said("{price} (each started {step})", price=price, step=step)


def _shown(component: Component, taxes: bool) -> Decimal:
    excl, incl = component.tax.sides(component.price)
    wanted, other = (incl, excl) if taxes else (excl, incl)
    found = wanted if wanted is not None else other
    assert found is not None
    return found


def spell_money(value: Decimal, currency: str) -> str:
    short = Decimal(plain(value.quantize(_CENT)))
    decimals = max(exponent(currency), -int(short.as_tuple().exponent))
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{short:.{decimals}f}" if symbol else f"{currency} {short:.{decimals}f}".strip()


def coins(value: Decimal, currency: str) -> Figure:
    short = Decimal(plain(value.quantize(_CENT)))
    return Figure(
        short.quantize(Decimal(1).scaleb(-max(exponent(currency), -int(short.as_tuple().exponent)))), spell_money(value, currency), currency
    )


def _figure(value: Decimal) -> Figure:
    return Figure(Decimal(plain(value)), plain(value))


def _condition(restrictions: Mapping[str, Any]) -> str:
    """What must hold, in the order in which one would say it."""
    parts = [_days(restrictions), _clock(restrictions), _dates(restrictions)]
    for least, most, spell in (
        ("min_kwh", "max_kwh", lambda value: said("{n} kWh", n=_figure(value))),
        ("min_duration", "max_duration", _duration),
        ("min_power", "max_power", lambda value: said("{n} kW", n=_figure(value))),
        ("min_current", "max_current", lambda value: said("{n} A", n=_figure(value))),
    ):
        parts.append(_range(restrictions, least, most, spell))
    return joined(" ", [part for part in parts if part])


def _range(restrictions: Mapping[str, Any], least: str, most: str, spell: Any) -> str:
    low = number(restrictions.get(least), f"/{least}", lambda _: None)
    high = number(restrictions.get(most), f"/{most}", lambda _: None)
    if low and high is not None:
        return said("between {low} and {high}", low=spell(low), high=spell(high))
    ends, begins = _RANGES[least]
    if low:
        return Said(begins, {"low": spell(low)})
    return "" if high is None else Said(ends, {"high": spell(high)})


def _duration(seconds: Decimal) -> Said:
    hours, rest = divmod(seconds, 3600)
    if not rest:
        return said("{n} h", n=_figure(hours))
    minutes, left = divmod(seconds, 60)
    if left:
        return said("{n} s", n=_figure(seconds))
    if seconds < 5400:
        return said("{n} min", n=_figure(minutes))
    return said("{hours} h {minutes} min", hours=_figure(hours), minutes=_figure(rest / 60))


def _days(restrictions: Mapping[str, Any]) -> str:
    allowed = read_weekdays(restrictions.get("day_of_week"), "/day_of_week", lambda _: None)
    if allowed is None or len(allowed) == 7:
        return ""
    known = {frozenset(range(5)): said("on weekdays"), frozenset((5, 6)): said("at weekends")}
    return known.get(allowed) or said("on {days}", days=joined(", ", [_DAYS[day] for day in sorted(allowed)]))


def _clock(restrictions: Mapping[str, Any]) -> str:
    start, end = restrictions.get("start_time") or "00:00", restrictions.get("end_time") or "00:00"
    # Written by those who do not know that 00:00 is the end of the day; the minute would only puzzle a driver.
    end = "00:00" if end in ("23:59", "24:00") else end
    if start == end:
        return ""
    if end == "00:00":
        return said("from {start}", start=start)
    return said("until {end}", end=end) if start == "00:00" else said("from {start} to {end}", start=start, end=end)


def _dates(restrictions: Mapping[str, Any]) -> str:
    first, last = restrictions.get("start_date"), restrictions.get("end_date")
    begins = [said("from {start}", start=first)] if first else []
    return joined(" ", begins + ([said("before {end}", end=last)] if last else []))


def _limits(tariff: Tariff, taxes: bool) -> list[str]:
    found: list[str] = []
    for template, limit in ((said("at least {price}"), tariff.min_price), (said("at most {price}"), tariff.max_price)):
        if limit is not None:
            bound = limit.incl if taxes and limit.incl is not None else limit.excl if limit.excl is not None else limit.incl
            if bound is not None:
                found.append(Said(template, {"price": coins(bound, tariff.currency)}))
    return found


def _before_taxes(tariff: Tariff, taxes: bool) -> bool:
    kinds = {component.tax.kind for element in tariff.elements for component in element.components if component.price}
    return "net_only" in kinds or (not taxes and "net" in kinds)
