"""Laws of the engine, over random tariffs and sessions."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interplug.model.types import format_time, parse_time
from interplug.tariffs import Options, Priced, price
from tests.tariffs.build import MINUTE, cdr, codes, component, element, period, tariff

ZONE = "Europe/Amsterdam"
CUT = Options(preset="exact", split="linear", decimals=10)
_RATES = st.sampled_from([None, 0, 10, 21])
_PRICES = st.decimals(0, 5, places=3)
_FEW = settings(max_examples=60)


@st.composite
def restrictions(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if draw(st.booleans()):
        found["start_time"] = draw(st.sampled_from(["08:00", "10:30", "11:00", "22:00"]))
        found["end_time"] = draw(st.sampled_from(["06:00", "10:45", "12:00", "00:00"]))
    if draw(st.booleans()):
        found[draw(st.sampled_from(["min_kwh", "max_kwh"]))] = draw(st.integers(1, 30))
    if draw(st.booleans()):
        found[draw(st.sampled_from(["min_duration", "max_duration"]))] = draw(st.integers(1, 180)) * 60
    if draw(st.booleans()):
        found["day_of_week"] = draw(st.lists(st.sampled_from(["MONDAY", "TUESDAY"]), min_size=1, unique=True))
    return found


VOLUMES = ("ENERGY", "TIME", "PARKING_TIME")


@st.composite
def tariffs(draw: st.DrawFn, priced: tuple[str, ...] = (*VOLUMES, "FLAT")) -> dict[str, Any]:
    elements = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = draw(st.lists(st.sampled_from(priced), min_size=1, unique=True))
        components = [component(kind, draw(_PRICES), draw(st.sampled_from([1, 60, 900])), draw(_RATES)) for kind in kinds]
        elements.append(element(*components, **draw(restrictions())))
    return tariff(*elements)


@st.composite
def sessions(draw: st.DrawFn) -> dict[str, Any]:
    minute, periods = 0, []
    for _ in range(draw(st.integers(1, 4))):
        length = draw(st.integers(1, 120))
        kwh = draw(st.decimals(0, 20, places=3))
        hours = (Decimal(length) / 60).quantize(Decimal("0.0001"))
        parked = draw(st.booleans())
        periods.append(period(minute, PARKING_TIME=hours) if parked else period(minute, ENERGY=kwh, TIME=hours))
        minute += length
    return cdr(minute, *periods)


def totals(priced: Priced) -> dict[str, Any]:
    document = priced.to_document()
    return {name: document[name] for name in document if name.startswith("total_") or name == "billed"}


def halved(session: dict[str, Any], index: int, share: Decimal) -> dict[str, Any]:
    """The period in two, its volumes in proportion."""
    found = copy.deepcopy(session)
    whole = found["charging_periods"][index]
    ends = [*[parse_time(entry["start_date_time"]) for entry in found["charging_periods"]][1:], parse_time(found["end_date_time"])]
    start = parse_time(whole["start_date_time"])
    cut = start + int((ends[index] - start) * share) // MINUTE * MINUTE
    assume(start < cut < ends[index])
    exact = Decimal(cut - start) / (ends[index] - start)
    later = copy.deepcopy(whole)
    later["start_date_time"] = format_time(cut)
    for first, second in zip(whole["dimensions"], later["dimensions"], strict=True):
        part = (first["volume"] * exact).quantize(Decimal("1e-12"))
        first["volume"], second["volume"] = part, first["volume"] - part
    found["charging_periods"].insert(index + 1, later)
    return found


@_FEW
@given(document=tariffs(), session=sessions(), share=st.decimals("0.05", "0.95", places=2), data=st.data())
def test_cutting_a_period_anywhere_changes_nothing(document: Any, session: Any, share: Decimal, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(session["charging_periods"]) - 1))
    whole = price(session, [document], version="2.2.1", timezone=ZONE, options=CUT).total_cost.excl
    parts = price(halved(session, index, share), [document], version="2.2.1", timezone=ZONE, options=CUT).total_cost.excl
    assert abs(whole - parts) <= Decimal("1e-9")


@_FEW
@given(document=tariffs(), session=sessions(), data=st.data())
def test_the_order_of_periods_changes_nothing(document: Any, session: Any, data: st.DataObject) -> None:
    shuffled = {**session, "charging_periods": data.draw(st.permutations(session["charging_periods"]))}
    first, second = (price(each, [document], version="2.2.1", timezone=ZONE) for each in (session, shuffled))
    assert totals(first) == totals(second)
    if shuffled != session:
        assert "periods_out_of_order" in codes(second)


ALWAYS = [
    {"day_of_week": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]},
    {"start_time": "00:00", "end_time": "00:00"},
    {"min_kwh": 0},
    {"max_duration": 10**9},
    {"start_date": "2000-01-01", "end_date": "2100-01-01"},
]


@_FEW
@given(document=tariffs(), session=sessions(), always=st.sampled_from(ALWAYS), data=st.data())
def test_a_restriction_that_always_holds_changes_nothing(document: Any, session: Any, always: Any, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(document["elements"]) - 1))
    limited = copy.deepcopy(document)
    limited["elements"][index]["restrictions"] = {**always, **limited["elements"][index].get("restrictions", {})}
    first, second = (price(session, [each], version="2.2.1", timezone=ZONE) for each in (document, limited))
    clock = {"start_time", "end_time"} & always.keys() & document["elements"][index].get("restrictions", {}).keys()
    assume(not clock)
    assert totals(first) == totals(second)


@_FEW
@given(document=tariffs(), session=sessions(), low=st.none() | _PRICES, high=st.none() | _PRICES)
def test_totals_are_the_sum_of_their_lines(document: Any, session: Any, low: Decimal | None, high: Decimal | None) -> None:
    limits = {name: {"excl_vat": bound} for name, bound in (("min_price", low), ("max_price", high)) if bound is not None}
    for options in (Options(), Options(decimals=12), Options(decimals=2, rounding="half_even"), Options(rounding="currency")):
        priced = price(session, [{**document, **limits}], version="2.2.1", timezone=ZONE, options=options)
        assert sum(line.excl for line in priced.lines) == priced.total_cost.excl
        incl = [line.incl for line in priced.lines]
        assert priced.total_cost.incl is None or sum(incl) == priced.total_cost.incl
    assert sum(line.billed for line in priced.lines if line.dimension == "ENERGY") == priced.billed["energy_kwh"]


@_FEW
@given(document=tariffs(), session=sessions())
def test_a_tariff_costs_the_same_in_every_version(document: Any, session: Any) -> None:
    older = price(session, [document], version="2.2.1", timezone=ZONE)
    oldest = price(session, [document], version="2.1.1", timezone=ZONE)
    rated = any("vat" in listed for entry in document["elements"] for listed in entry["price_components"])
    newest = price(session, [{**document, "tax_included": "NO" if rated else "N/A"}], version="2.3.0", timezone=ZONE)
    assert older.total_cost == newest.total_cost
    assert (oldest.total_cost.excl, oldest.billed) == (older.total_cost.excl, older.billed)


@_FEW
@given(document=tariffs(VOLUMES), session=sessions())
def test_the_divided_price_lies_within_the_bounds(document: Any, session: Any) -> None:
    plain = Options(preset="exact", decimals=8)
    whole = price(session, [document], version="2.2.1", timezone=ZONE, options=plain)
    divided = price(session, [document], version="2.2.1", timezone=ZONE, options=Options(preset="exact", split="linear", decimals=8))
    lowest, highest = whole.bounds or (whole.total_cost, whole.total_cost)
    noise = Decimal("0.001")
    assert lowest.excl - noise <= divided.total_cost.excl <= highest.excl + noise


@pytest.mark.parametrize("volume", ["0.1667", "0.3333"])
def test_slack_of_written_hours_never_makes_a_session_free(volume: str) -> None:
    priced = price(cdr(1, period(0, TIME="0.0001")), [tariff(element(component("TIME", 6, 600)))], version="2.2.1")
    assert priced.billed["time_s"] == 600
    longer = price(cdr(20, period(0, TIME=volume)), [tariff(element(component("TIME", 6, 600)))], version="2.2.1")
    assert longer.billed["time_s"] % 600 == 0
