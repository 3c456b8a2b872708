"""What the driver pays: the operator's tariff raised by a percentage, plus a fee, to the last digit."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.tariffs import Money, Options, TariffError, price
from interplug.tariffs.retail import FEE, Fee, fee_tariff, raised, retail_words, sell, tax_rates, taxed
from tests.tariffs.build import cdr, component, element, period, tariff
from tests.tariffs.test_properties import ZONE, sessions, tariffs

D = Decimal
HOURS = period(0, ENERGY="12.5", TIME="1")
STREET = tariff(element(component("ENERGY", "0.30", vat=21)), tax_included="NO")
GARAGE = tariff(element(component("FLAT", "1", vat=21), component("ENERGY", "0.40", 1000, vat=21)), tax_included="NO")
NIGHT_ONLY = tariff(element(component("ENERGY", "0.20", 1000, vat=21), start_time="23:00", end_time="06:00"), tax_included="NO")
CAPPED = {**STREET, "max_price": {"before_taxes": D(3)}}
LEAST = {**STREET, "min_price": {"before_taxes": D(5)}}
GROSS = tariff(element(component("ENERGY", "0.363", vat=21)), tax_included="YES")
NO_RATE = tariff(element(component("ENERGY", "0.30")), tax_included="NO")
NO_TAX = tariff(element(component("ENERGY", "0.30")), tax_included="N/A")
INSIDE = tariff(element(component("ENERGY", "0.36")), tax_included="YES")
TWO_RATES = tariff(element(component("ENERGY", "0.30", vat=21), component("TIME", "1", vat=9)), tax_included="NO")


def fee(percentage: str = "0", per_session: str = "0", per_kwh: str = "0", **more: Any) -> Fee:
    return Fee(D(percentage), D(per_session), D(per_kwh), "EUR", **more)


@pytest.mark.parametrize(
    ("of", "on_top", "excl", "incl"),
    [
        # 12.5 kWh in an hour, of the operator: 3.75; plus 21 %.
        (STREET, fee(), "3.75", "4.5375"),
        (STREET, fee("10"), "4.125", "4.9913"),
        (STREET, fee(per_session="0.35"), "4.10", "4.961"),
        (STREET, fee(per_kwh="0.02"), "4.00", "4.84"),
        (STREET, fee("10", "0.35", "0.02"), "4.725", "5.7173"),
        # The percentage is of the operator's prices, not of the fee; a discount is one, too.
        (STREET, fee("-50", "1"), "2.875", "3.4788"),
        # 13 kWh are billed by the operator's step of a kWh; the fee is for the 12.5 that were charged.
        (GARAGE, fee(per_kwh="0.02"), "6.45", "7.8045"),
        # Nothing has a price by day: the fee for each kWh is due all the same.
        (NIGHT_ONLY, fee(per_kwh="0.02", per_session="0.35"), "0.60", "0.726"),
        # Limits are the operator's: raised by the percentage, and no fee is squeezed by them.
        (CAPPED, fee("10", "0.35", "0.02"), "3.90", "4.719"),
        (LEAST, fee("10", "0.35", "0.02"), "6.10", "7.381"),
        # A fee before taxes beside prices with taxes in them: 4.5375 + 0.35 + 21 %.
        (GROSS, fee(per_session="0.35"), "4.10", "4.961"),
        (GROSS, fee(per_session="0.363", tax_included="YES"), "4.05", "4.9005"),
        # The taxes of the operator's tariff stay, known or not.
        (NO_RATE, fee(per_session="1"), "4.75", None),
        (NO_RATE, fee(per_session="1", vat=D(21)), "4.75", None),
        (NO_TAX, fee("10", per_session="1"), "5.125", "5.125"),
        (NO_TAX, fee(per_session="1", vat=D(21)), "4.75", "4.96"),
        (INSIDE, fee("10"), None, "4.95"),
        (INSIDE, fee(per_session="1"), None, None),
        (INSIDE, fee(per_session="1", vat=D(21)), None, "5.71"),
        # Two rates: which of them is the fee's has to be said.
        (TWO_RATES, fee(per_session="1"), "5.75", None),
        (TWO_RATES, fee(per_session="1", vat=D(21)), "5.75", "6.8375"),
    ],
)
def test_what_a_session_costs_the_driver(of: Any, on_top: Fee, excl: str | None, incl: str | None) -> None:
    sale = sell(cdr(60, HOURS), [of], on_top, timezone=ZONE)
    assert sale.total == Money(None if excl is None else D(excl), None if incl is None else D(incl))
    for side in ("excl", "incl"):
        if getattr(sale.total, side) is not None:
            assert sum(getattr(line, side) for line in sale.lines) == getattr(sale.total, side)


fees = st.builds(
    fee,
    st.sampled_from(["0", "3", "12.5", "-10"]),
    st.sampled_from(["0", "0.35", "1"]),
    st.sampled_from(["0", "0.02", "0.0375"]),
    vat=st.sampled_from([None, D(21)]),
)
BOUND = st.integers(0, 9).map(lambda n: {"before_taxes": D(n)})
limits = st.fixed_dictionaries({}, optional={"min_price": BOUND, "max_price": BOUND})


@settings(max_examples=100)
@given(document=tariffs(), session=sessions(), on_top=fees, bounds=limits)
def test_a_sale_is_the_purchase_raised_plus_the_fee(document: Any, session: Any, on_top: Fee, bounds: Any) -> None:
    """Whatever the elements, restrictions, steps and limits of the operator's tariff are."""
    document = {**document, **bounds, "tax_included": "NO"}
    exactly = Options(decimals=12)
    bought = price(session, [document], timezone=ZONE, options=exactly).total_cost.excl
    kwh = sum(D(one["volume"]) for each in session["charging_periods"] for one in each["dimensions"] if one["type"] == "ENERGY")
    sale = sell(session, [document], on_top, timezone=ZONE)
    expected = bought * (100 + on_top.percentage) / 100 + on_top.per_session + on_top.per_kwh * kwh
    assert abs(sale.total.excl - expected) <= D("0.00005001")
    assert sum(line.excl for line in sale.lines) == sale.total.excl
    assert sale.total.incl is None or sum(line.incl for line in sale.lines) == sale.total.incl


@settings(max_examples=60)
@given(document=tariffs(), session=sessions())
def test_without_a_fee_a_sale_is_the_purchase(document: Any, session: Any) -> None:
    document["tax_included"] = "NO"
    priced = price(session, [document], timezone=ZONE)
    sale = sell(session, [document], timezone=ZONE)
    assert (sale.total, sale.currency, sale.warnings) == (priced.total_cost, "EUR", priced.warnings)


def test_lines_of_the_fee_are_told_apart() -> None:
    sale = sell(cdr(60, HOURS), [GARAGE], fee(per_session="0.35"))
    assert [(line.category, line.excl) for line in sale.lines] == [("fixed", D(1)), ("energy", D("5.2")), (FEE, D("0.35"))]


def test_one_tariff_for_all_or_those_that_the_periods_name() -> None:
    session = cdr(60, period(0, "OTHER", ENERGY=10))
    assert sell(session, [STREET]).total.excl == 3
    with pytest.raises(TariffError, match="unknown_tariff"):
        sell(session, [STREET], whole=False)


STEPPED = tariff(
    element(component("ENERGY", "0.20"), start_time="00:00", end_time="10:30"), element(component("ENERGY", "1")), tax_included="N/A"
)


def test_a_period_that_the_operator_did_not_cut_is_divided_where_the_offer_changes() -> None:
    """The hour begins at 10:00 of Amsterdam; 5 of 10 kWh are before half past."""
    session = cdr(60, period(0, ENERGY=10, TIME=1))
    start, divided = (
        sell(session, [STEPPED], fee("10", "1"), timezone=ZONE, options=options) for options in (Options(), Options(split="linear"))
    )
    assert start.total.excl == D("3.2")
    assert divided.total.excl == D("7.6") and [line.excl for line in divided.lines] == [D("1.1"), D("5.5"), D(1)]


@pytest.mark.parametrize(
    ("of", "on_top", "said"),
    [
        (STREET, fee(), "€0.363 per kWh"),
        (STREET, fee("10"), "€0.3993 per kWh"),
        (STREET, fee(per_session="1", per_kwh="0.02"), "€0.363 per kWh; service fee €0.0242 per kWh, €1.21 per session"),
        (NO_RATE, fee(per_session="1"), "€0.30 per kWh plus taxes; service fee €1.00 per session plus taxes"),
        (None, fee("10"), ""),
        (None, fee(per_session="1", vat=D(21)), "service fee €1.21 per session"),
    ],
)
def test_a_price_in_words_names_the_fee(of: Any, on_top: Fee, said: str) -> None:
    assert retail_words(of, on_top) == said


@pytest.mark.parametrize(
    ("of", "on_top", "said", "rates"),
    [
        # Nothing is told, as in 2.1.1: the provider's rate is that of the price and of the fee.
        (NO_RATE, fee(), "€0.363 per kWh", ["21"]),
        (NO_RATE, fee("10", per_session="1"), "€0.3993 per kWh; service fee €1.21 per session", ["21"]),
        # With taxes in it, of which nobody has said how much.
        (INSIDE, fee(), "€0.36 per kWh", ["21"]),
        # What the operator tells is not touched: another rate, or that no tax applies.
        (TWO_RATES, fee(), "€0.363 per kWh, €1.09 per hour", ["9", "21"]),
        (NO_TAX, fee(), "€0.30 per kWh", []),
        ({**NO_RATE, "min_price": {"before_taxes": D(1)}}, fee(), "€0.363 per kWh, at least €1.21", ["21"]),
    ],
)
def test_the_rate_that_an_operator_does_not_tell(of: Any, on_top: Fee, said: str, rates: list[str]) -> None:
    known = taxed(of, D(21))
    assert retail_words(known, on_top) == said
    assert [f"{rate.normalize():f}" for rate in tax_rates(known, on_top)] == rates
    assert taxed(of, None) == of and tax_rates(NO_RATE) == ()


@settings(max_examples=60)
@given(document=tariffs(), session=sessions(), bounds=limits)
def test_a_rate_that_was_not_told_is_on_every_price_and_limit(document: Any, session: Any, bounds: Any) -> None:
    untold = {**document, **bounds, "tax_included": "NO"}
    untold["elements"] = [
        {**one, "price_components": [{k: v for k, v in part.items() if k != "vat"} for part in one["price_components"]]}
        for one in document["elements"]
    ]
    bought, sold = (sell(session, [one], timezone=ZONE, options=Options(decimals=12)) for one in (untold, taxed(untold, D(21))))
    assert bought.total.excl == sold.total.excl is not None and sold.total.incl is not None
    assert abs(sold.total.excl * D("1.21") - sold.total.incl) <= D("1e-11")


def test_prices_keep_twenty_decimals_and_what_is_absent_stays_absent() -> None:
    odd = tariff({"price_components": [{"type": "ENERGY", "price": D("0.30000000000000000004"), "step_size": 1}]}, min_price=None)
    found = raised(odd, D("12.5"))
    assert found["elements"][0]["price_components"][0]["price"] == D("0.33750000000000000004")
    assert "max_price" not in found and raised(odd, D(0)) == odd
    assert fee_tariff(fee("10")) is None


@pytest.mark.parametrize("broken", [{"elements": 7}, {"elements": [{"price_components": [{"price": "x"}]}]}, {"min_price": 3}])
def test_what_cannot_be_read_is_an_error_with_a_path(broken: Any) -> None:
    with pytest.raises(TariffError):
        sell(cdr(60, HOURS), [{**STREET, **broken}], fee("10", "1"))
