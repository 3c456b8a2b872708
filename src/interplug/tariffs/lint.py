"""What is wrong or odd in a tariff, each with its place, its weight and, where there is one, its mending.

Exact and quiet: a component is called dead only if earlier elements leave nothing of it on any axis, a gap is shown by a session that
falls into it, and a sound tariff has no finding at all. A fee (FLAT) under a condition is no gap: it is due when the condition comes
true.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

from interplug.tariffs.compiled import DIMENSIONS, ENERGY, PARKING, TIME, VERSIONS, Component, Limit, Tariff, compile_tariff
from interplug.tariffs.fields import Finding, look
from interplug.tariffs.money import WIDE
from interplug.tariffs.problems import TariffError
from interplug.tariffs.read import number, record, records
from interplug.tariffs.regions import Regions, TooMany
from interplug.tariffs.restrictions import SESSION, read_clock, read_weekdays
from interplug.tariffs.zones import DAY

__all__ = ["Finding", "lint"]

_HUNDRED = Decimal(100)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def lint(tariff: Mapping[str, Any], *, version: str = "2.3.0") -> list[Finding]:
    """What is wrong in a tariff, or odd, with a JSON pointer and perhaps a fix; each finding once. Raises TariffError where it is no
    object, or the version is not known; what cannot be compiled is a finding."""
    document = record(tariff, "/tariff")
    if version not in VERSIONS:
        raise TariffError("unknown_version", f"version is none of {', '.join(VERSIONS)}")
    findings = list(look(document, version))
    with localcontext(WIDE):
        try:
            compiled = compile_tariff(document, version)
            for found in (_head(document, compiled), _limits(compiled), _components(document, compiled), _restrictions(document)):
                findings += found
            findings += _together(document, compiled)
        except TariffError as error:
            findings.append(Finding(error.code, error.path, "error", error.message))
    return list({(finding.code, finding.path, finding.message): finding for finding in findings}.values())


def _head(document: Mapping[str, Any], tariff: Tariff) -> Iterator[Finding]:
    country = document.get("country_code")
    if isinstance(country, str) and not (len(country) == 2 and country.isascii() and country.isalpha()):
        yield Finding("country_code_alpha2", "/country_code", "warning", "an owner has a country code of two letters (ISO 3166 alpha-2)")
    currency = document.get("currency")
    if isinstance(currency, str) and currency != currency.upper():
        fix = {"op": "replace", "path": "/currency", "value": currency.upper()}
        yield Finding("currency_case", "/currency", "warning", "currencies are written in capitals (ISO 4217)", fix)
    if tariff.start is not None and tariff.end is not None and tariff.end <= tariff.start:
        yield Finding("validity_empty", "/end_date_time", "error", "the tariff ends before it begins, no session can use it")


def _limits(tariff: Tariff) -> Iterator[Finding]:
    if any(problem.code == "price_limits_cross" for problem in tariff.problems):
        yield Finding("price_limits_cross", "/min_price", "error", "the minimum is above the maximum; the maximum wins")
    for name, limit in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
        if limit is not None and _turned(limit):
            yield Finding("limit_incl_below_excl", f"/{name}", "error", "the bound after taxes is below the one before taxes")


def _turned(limit: Limit) -> bool:
    return limit.excl is not None and limit.incl is not None and limit.incl < limit.excl


def _components(document: Mapping[str, Any], tariff: Tariff) -> Iterator[Finding]:
    for problem in tariff.problems:
        if problem.code == "duplicate_dimension":
            said = "this dimension already has a price in the same element; this one is never used"
            yield Finding("duplicate_dimension", problem.path, "warning", said, {"op": "remove", "path": problem.path})
    for index, element in enumerate(records(document.get("elements"), "/elements")):
        for place, component in enumerate(records(element.get("price_components"), f"/elements/{index}/price_components")):
            yield from _component(component, f"/elements/{index}/price_components/{place}", tariff)
    for found in tariff.elements:
        if found.phase != SESSION:
            for listed in found.components:
                if listed.dimension in (ENERGY, PARKING):
                    said = "a reservation has only a fee (FLAT) and a time (TIME) to be priced"
                    yield Finding("reservation_dimension", listed.path, "error", said)


def _component(component: Mapping[str, Any], path: str, tariff: Tariff) -> Iterator[Finding]:
    step = number(component.get("step_size"), f"{path}/step_size", lambda _: None)
    flat = component.get("type") == "FLAT"
    if flat and step not in (None, 0, 1):
        fix = {"op": "replace", "path": f"{path}/step_size", "value": 1}
        yield Finding("flat_step_size", f"{path}/step_size", "info", "a fee has no steps; the step is ignored", fix)
    if step == 0 and not flat:
        fix = {"op": "replace", "path": f"{path}/step_size", "value": 1}
        yield Finding("zero_step_size", f"{path}/step_size", "warning", "a step of 0 means no rounding; write the finest step, 1", fix)
    rate = number(component.get("vat"), f"{path}/vat", lambda _: None)
    if rate is not None:
        yield from _rate(rate, f"{path}/vat", tariff)


def _rate(rate: Decimal, path: str, tariff: Tariff) -> Iterator[Finding]:
    if 0 < rate < 1:
        fix = {"op": "replace", "path": path, "value": rate * _HUNDRED}
        yield Finding("vat_suspicious", path, "warning", f"{rate:f} % is hardly a tax rate; {rate * _HUNDRED:f} % is probably meant", fix)
    if rate < 0 or rate > _HUNDRED:
        yield Finding("vat_out_of_range", path, "error", "a tax rate lies between 0 and 100 percent")
    if tariff.tax_included == "N/A":
        said = "the tariff says that no taxes apply; the rate is ignored"
        yield Finding("tax_rate_without_tax", path, "warning", said, {"op": "remove", "path": path})


def _restrictions(document: Mapping[str, Any]) -> Iterator[Finding]:
    for index, element in enumerate(records(document.get("elements"), "/elements")):
        path = f"/elements/{index}/restrictions"
        listed = record(element.get("restrictions") or {}, path)
        for name in ("min_kwh", "min_power", "min_current", "min_duration"):
            bound = number(listed.get(name), f"{path}/{name}", lambda _: None)
            if bound is not None and bound <= 0:
                yield _no_effect(f"{path}/{name}", "nothing is below zero")
        days = read_weekdays(listed.get("day_of_week"), f"{path}/day_of_week", lambda _: None)
        if days is not None and len(days) == 7:
            yield _no_effect(f"{path}/day_of_week", "all seven days are listed")
        yield from _window(listed, path, days is not None and len(days) < 7)


def _window(listed: Mapping[str, Any], path: str, by_day: bool) -> Iterator[Finding]:
    start = read_clock(listed.get("start_time"), f"{path}/start_time")
    end = read_clock(listed.get("end_time"), f"{path}/end_time")
    if start is None and end is None:
        return
    whole_day = (start or 0) % DAY == (end or 0) % DAY
    for name, second in (("start_time", start), ("end_time", end)):
        if second is not None and not _CLOCK.fullmatch(listed[name]):
            # Of a window without effect both ends go away; a part of a minute cannot be said.
            fix = None if whole_day or second % 60 else {"op": "replace", "path": f"{path}/{name}", "value": _spelled(second)}
            yield Finding("invalid_field", f"{path}/{name}", "error", "a time of day is written HH:MM, from 00:00 to 23:59", fix)
    if whole_day:
        for name in ("start_time", "end_time"):
            if listed.get(name) is not None:
                yield _no_effect(f"{path}/{name}", "the window is the whole day")
    elif by_day and start is not None and end and start > end:
        said = "the hours after midnight belong to the next day, which must be listed as well"
        yield Finding("wrapping_window_with_day", path, "warning", said)


def _no_effect(path: str, why: str) -> Finding:
    return Finding("restriction_without_effect", path, "info", f"excludes nothing: {why}", {"op": "remove", "path": path})


# --- elements together --------------------------------------------------------------------------------------------------------------------


def _together(document: Mapping[str, Any], tariff: Tariff) -> Iterator[Finding]:
    try:
        yield from _regions(document, tariff, Regions(tariff))
    except TooMany:
        yield Finding("not_analysed", "/elements", "info", "too many different conditions: dead components and gaps were not looked for")


def _regions(document: Mapping[str, Any], tariff: Tariff, regions: Regions) -> Iterator[Finding]:
    for element in tariff.elements:
        if element.tests and regions.impossible(element):
            listed = records(document.get("elements"), "/elements")[element.number]["restrictions"]
            same_day = listed.get("start_date") is not None and listed.get("start_date") == listed.get("end_date")
            said = "these restrictions can never hold together" + ("; end_date is exclusive, the day after is meant" if same_day else "")
            yield Finding("restriction_impossible", f"/elements/{element.number}/restrictions", "error", said)
    for component in regions.unreachable():
        said = f"earlier elements always price {DIMENSIONS[component.dimension]} first; this price is never used"
        yield Finding("component_unreachable", component.path, "warning", said, {"op": "remove", "path": component.path})
    for dimension in (ENERGY, TIME, PARKING):
        if dimension in tariff.prices[SESSION]:
            yield from _gaps(document, tariff, regions, dimension)
    yield from _unused_steps(tariff, regions)


def _gaps(document: Mapping[str, Any], tariff: Tariff, regions: Regions, dimension: int) -> Iterator[Finding]:
    left = regions.unpriced(SESSION, dimension)
    if not left:
        return
    name = DIMENSIONS[dimension]
    said = f"{name} has a price, but not for this session: {regions.example(left[0])}; there it costs nothing"
    yield Finding("dimension_not_exhaustive", "/elements", "warning", said)
    for element in tariff.elements:
        if element.phase == SESSION and any(component.dimension == dimension for component in element.components):
            path = f"/elements/{element.number}/restrictions/end_time"
            listed = records(document.get("elements"), "/elements")[element.number].get("restrictions") or {}
            end = read_clock(listed.get("end_time"), path)
            if end is not None and end % 60 == 0 and end // 60 % 60 == 59 and regions.has_minute_from(left, end):
                said = f"end_time is exclusive: the minute from {listed['end_time']} has no price for {name}"
                yield Finding("end_time_gap", path, "warning", said, {"op": "replace", "path": path, "value": _spelled(end + 60)})


def _spelled(second: int) -> str:
    minutes = second // 60 % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _unused_steps(tariff: Tariff, regions: Regions) -> Iterator[Finding]:
    """Where parking always has a price, it takes the rounding from charging time."""
    if PARKING not in tariff.prices[SESSION] or regions.unpriced(SESSION, PARKING):
        return
    for component in _session_components(tariff):
        if component.dimension == TIME and component.step > 1:
            said = "parking is priced and takes the rounding, so this step is not applied to a session that ends with parking"
            yield Finding("time_step_unused", f"{component.path}/step_size", "info", said)


def _session_components(tariff: Tariff) -> Iterator[Component]:
    for element in tariff.elements:
        if element.phase == SESSION:
            yield from element.components
