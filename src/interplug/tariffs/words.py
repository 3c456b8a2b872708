"""A tariff in one line of plain English, for a driver's page: "€0.35 per kWh, €0.10 per minute after 4 h".

Says what is charged and when, dimension by dimension in the order in which the engine asks: the first condition that holds is the
price, so a later component reads "otherwise". Prices are those the driver pays, taxes included, where the rate is known.
"""

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

from interplug.tariffs.compiled import ENERGY, FLAT, PARKING, TIME, Component, Tariff, compile_tariff
from interplug.tariffs.money import WIDE, exponent, plain
from interplug.tariffs.read import number, records
from interplug.tariffs.restrictions import EXPIRED, RESERVATION, SESSION, WEEKDAYS, read_weekdays

_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
_MINUTE = Decimal(60)
_CENT = Decimal("0.0001")


def words(tariff: Mapping[str, Any], *, version: str = "2.3.0", taxes: bool = True, today: str | None = None) -> str:
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
        return ", ".join([*(sentences or ["free"]), *_limits(compiled, taxes)]) + _tax_words(compiled, taxes)


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
        said = _amount(component, tariff.currency, phase, taxes)
        parts.append(f"{said} {when}" if when else f"otherwise {said}" if parts else said)
        if not when:
            break
    return ", ".join(parts)


def _amount(component: Component, currency: str, phase: int, taxes: bool) -> str:
    price = _shown(component, taxes)
    of = {RESERVATION: " reserved", EXPIRED: " of an expired reservation"}.get(phase, "")
    if component.dimension == FLAT:
        fee = {SESSION: "per session", RESERVATION: "per reservation", EXPIRED: "for an expired reservation"}[phase]
        return f"{spell_money(price, currency)} {fee}"
    if component.dimension == PARKING:
        of = " parked"
    if not price:
        return f"free {'charging' if component.dimension == ENERGY else 'time' + of}"
    if component.dimension == ENERGY:
        step = f" (each started {plain(component.step / 1000)} kWh)" if component.step >= 1000 else ""
        return f"{spell_money(price, currency)} per kWh{step}"
    by_minute = price / _MINUTE
    step = f" (each started {_duration(component.step)})" if component.step > 60 else ""
    if by_minute == by_minute.quantize(_CENT) and price < 120:
        return f"{spell_money(by_minute, currency)} per minute{of}{step}"
    return f"{spell_money(price, currency)} per hour{of}{step}"


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


def _condition(restrictions: Mapping[str, Any]) -> str:
    """What must hold, in the order in which one would say it."""
    said = [_days(restrictions), _clock(restrictions), _dates(restrictions)]
    for least, most, spell in (
        ("min_kwh", "max_kwh", lambda value: f"{plain(value)} kWh"),
        ("min_duration", "max_duration", _duration),
        ("min_power", "max_power", lambda value: f"{plain(value)} kW"),
        ("min_current", "max_current", lambda value: f"{plain(value)} A"),
    ):
        said.append(_range(restrictions, least, most, spell))
    return " ".join(part for part in said if part)


def _range(restrictions: Mapping[str, Any], least: str, most: str, spell: Any) -> str:
    low = number(restrictions.get(least), f"/{least}", lambda _: None)
    high = number(restrictions.get(most), f"/{most}", lambda _: None)
    used = least in ("min_kwh", "min_duration")
    if low and high is not None:
        return f"between {spell(low)} and {spell(high)}"
    if low:
        return f"after {spell(low)}" if used else f"from {spell(low)}"
    if high is None:
        return ""
    return f"for the first {spell(high)}" if used else f"below {spell(high)}"


def _duration(seconds: Decimal) -> str:
    hours, rest = divmod(seconds, 3600)
    if not rest:
        return f"{plain(hours)} h"
    minutes, left = divmod(seconds, 60)
    if left:
        return f"{plain(seconds)} s"
    return f"{plain(minutes)} min" if seconds < 5400 else f"{plain(hours)} h {plain(rest / 60)} min"


def _days(restrictions: Mapping[str, Any]) -> str:
    allowed = read_weekdays(restrictions.get("day_of_week"), "/day_of_week", lambda _: None)
    if allowed is None or len(allowed) == 7:
        return ""
    known = {frozenset(range(5)): "on weekdays", frozenset((5, 6)): "at weekends"}
    return known.get(allowed) or "on " + ", ".join(WEEKDAYS[day].capitalize() for day in sorted(allowed))


def _clock(restrictions: Mapping[str, Any]) -> str:
    start, end = restrictions.get("start_time") or "00:00", restrictions.get("end_time") or "00:00"
    # Written by those who do not know that 00:00 is the end of the day; the minute would only puzzle a driver.
    end = "00:00" if end in ("23:59", "24:00") else end
    if start == end:
        return ""
    if end == "00:00":
        return f"from {start}"
    return f"until {end}" if start == "00:00" else f"from {start} to {end}"


def _dates(restrictions: Mapping[str, Any]) -> str:
    first, last = restrictions.get("start_date"), restrictions.get("end_date")
    return " ".join([f"from {first}"] * bool(first) + [f"before {last}"] * bool(last))


def _limits(tariff: Tariff, taxes: bool) -> list[str]:
    said = []
    for name, limit in (("at least", tariff.min_price), ("at most", tariff.max_price)):
        if limit is not None:
            bound = limit.incl if taxes and limit.incl is not None else limit.excl if limit.excl is not None else limit.incl
            if bound is not None:
                said.append(f"{name} {spell_money(bound, tariff.currency)}")
    return said


def _tax_words(tariff: Tariff, taxes: bool) -> str:
    kinds = {component.tax.kind for element in tariff.elements for component in element.components if component.price}
    return " plus taxes" if "net_only" in kinds or (not taxes and "net" in kinds) else ""
